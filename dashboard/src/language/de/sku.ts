import type { Messages } from '../messages.ts';

export const sku: Messages['sku'] = {
  title: 'SKU',
  chart: 'Bestand im Lauf der Zeit',
  chartLabel: (least, most) => `Bestand im Lauf der Zeit, zwischen ${least} und ${most} Stück`,
  history: 'Verlauf',
  noHistory: 'Seit dem Anlegen dieser SKU hat sich nichts geändert.',
  time: 'Zeit',
  change: 'Änderung',
  who: 'Wer',
  why: 'Grund',
  batch: 'Stapel',
  more: 'Ältere Änderungen zeigen',
  asOf: 'Rückblick',
  asOfTime: 'Zeitpunkt',
  asOfHint: 'Wählen Sie einen Zeitpunkt, um den damaligen Bestand zu sehen.',
  asOfBefore: 'Damals gab es die SKU noch nicht.',
  identifiers: 'Identifikatoren',
  bundled: 'Stück im Gebinde',
  retired: 'Ausgemustert',
  created: 'Angelegt',
  expectedOn: (day) => `erwartet am ${day}`,
};
