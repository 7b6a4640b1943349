import type { Messages } from '../messages.ts';

export const overview: Messages['overview'] = {
  freshness: 'Lieferanten',
  noSuppliers: 'Sie sind noch mit keinem Lieferanten verbunden.',
  supplier: 'Lieferant',
  state: 'Zustand',
  lastHeard: 'Zuletzt gemeldet',
  expected: 'Erwartet',
  every: (interval) => `alle ${interval}`,
  skus: 'SKUs',
  showSkus: 'Anzeigen',
  ages: 'Zuletzt bestätigt',
  age: {
    hour: 'in der letzten Stunde',
    day: 'am letzten Tag',
    week: 'in der letzten Woche',
    older: 'länger her',
  },
  never: 'nie',
  silent: 'Stumm',
  late: 'Verspätet',
  lateTitle: (count) =>
    count === 1 ? 'Ein Lieferant ist verspätet' : `${count} Lieferanten sind verspätet`,
  onTime: 'Pünktlich',
  youAreLate: 'Ihre Bestände sind überfällig',
  youAreLateHint: (minutes) =>
    `Händler erwarten alle ${minutes} Minuten eine Meldung. Senden Sie eine Datei oder eine Aktualisierung.`,
  confirmed: (share) => `${share} am letzten Tag bestätigt`,
  linesToday: 'Zeilen heute',
  changedToday: 'Geändert heute',
  changedHint: 'Zeilen, die etwas bewirkten',
  failedToday: 'Fehler heute',
  failedHint: 'Zeilen, die nicht übernommen wurden',
  noFailures: 'alle Zeilen wurden übernommen',
  latestBatches: 'Letzte Stapel',
};
