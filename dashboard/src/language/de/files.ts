import type { Messages } from '../messages.ts';

export const files: Messages['files'] = {
  tabFiles: 'Dateien',
  tabBatches: 'Stapel',
  unnamed: 'Datei ohne Namen',
  noneTitle: 'Noch keine Dateien',
  noneText: 'Hier erscheinen Dateien, die Sie ablegen, hochladen oder in den Eingangsordner legen.',
  anyState: 'Jeder Zustand',
  noneInState: 'Keine Datei ist in diesem Zustand.',
  file: 'Datei',
  state: 'Zustand',
  rowsApplied: 'Angewendet',
  rowsFailed: 'Gescheitert',
  sender: 'Wer',
  uploaded: 'Wann',
  states: {
    waiting: 'Wartet',
    reading: 'In Arbeit',
    held: 'Braucht eine Antwort',
    done: 'Angewendet',
    refused: 'Abgelehnt',
    failed: 'Abgebrochen',
    canceled: 'Angehalten',
  },
  checked: 'Nur geprüft',
  partlyApplied: 'Teils angewendet',
  sheet: (name) => `Blatt „${name}“`,
  catalogue: 'Katalog',
  snapshot: 'alle SKUs',
  by: (username) => `von ${username}`,
  waiting: 'Wartet, bis sie an der Reihe ist …',
  checking: 'Wird geprüft …',
  applying: 'Wird angewendet …',
  rowsOf: (rows, expected) =>
    expected === null ? `${rows} Zeilen` : `${rows} von ${expected} Zeilen`,
  stop: 'Anhalten',
  refusedTitle: 'Die Datei kann nicht angewendet werden. Nichts hat sich geändert.',
  stoppedTitle: 'Die Sicherheitsgrenze hat diese Datei angehalten. Nichts hat sich geändert.',
  failedTitle: 'Die Datei wurde nicht bis zum Ende gelesen. Die Zeilen davor wurden angewendet.',
  canceledTitle: 'Die Datei wurde angehalten. Die Zeilen davor wurden angewendet.',
  stuckTitle: 'Mit der Datei geht es nicht weiter',
  appliedRows: (rows, isOne) =>
    isOne ? `${rows} Zeile wurde angewendet.` : `${rows} Zeilen wurden angewendet.`,
  failedRows: (rows, isOne) =>
    isOne
      ? `${rows} Zeile ist gescheitert und hat nichts geändert.`
      : `${rows} Zeilen sind gescheitert und haben nichts geändert.`,
  confirm: 'Trotzdem anwenden',
  discard: 'Datei verwerfen',
  results: 'Alle Ergebnisse',
  details: 'Einzelheiten',
  reason: 'Grund',
  reference: 'Referenz',
  columns: 'Spalten',
  ignored: 'Nicht gelesene Spalten',
  notes: 'Hinweise',
  pageOf: (first, last, total) => `${first}–${last} von ${total}`,
  previous: 'Vorige Seite',
  next: 'Nächste Seite',
};

export const batches: Messages['batches'] = {
  noneTitle: 'Noch keine Stapel',
  noneText:
    'Alles, was Bestände ändert, ist ein Stapel und erscheint hier; jeder lässt sich zurücknehmen.',
  batch: 'Stapel',
  number: (number) => `Stapel ${number}`,
  source: 'Quelle',
  lines: 'Zeilen',
  linesApplied: 'Angewendete Zeilen',
  changed: 'Geänderte SKUs',
  failed: 'Gescheitert',
  zeroed: 'Durch vollständige Meldung auf null',
  who: 'Wer',
  applied: 'Wann',
  reverts: 'Nimmt zurück',
  failedLines: 'Gescheiterte Zeilen',
  noFailedLines: 'Keine Zeile ist gescheitert',
  line: 'Zeile',
  status: 'Status',
  sources: {
    bulk: 'Sammelanfrage',
    single: 'Einzelne Aktualisierung',
    create: 'Neue SKU',
    update: 'SKU-Änderung',
    import: 'Import',
    file: 'Datei',
    revert: 'Rücknahme',
    stream: 'Datenstrom',
  },
};

export const effects: Messages['effects'] = {
  title: 'Was sich ändern würde',
  rowsTitle: 'Zeilen',
  nothing: 'Die Datei ändert nichts',
  show: 'Anzeigen',
  changed: 'Änderungen',
  toZero: 'Auf null',
  failed: 'Gescheitert',
  row: 'Zeile',
  sku: 'SKU',
  change: 'Änderung',
  reason: 'Grund',
  shown: (shown, total) => `${shown} von ${total}`,
  more: 'Mehr anzeigen',
  fields: {
    quantity_in_stock: 'Bestand',
    quantity_on_backorder: 'Im Rückstand',
    backorder_date: 'Lieferbar ab',
    restrictions: 'Sperre',
  },
  restrictions: { discontd: 'eingestellt', tmpunavail: 'nicht lieferbar' },
};

export const failures: Messages['failures'] = {
  title: 'Warum Zeilen scheitern',
  mend: 'Nur diese Zeilen:',
  download: (kind) => `Gescheiterte Zeilen als ${kind} herunterladen`,
  rows: 'Zeilen',
  reason: 'Grund',
  example: 'Beispiel',
  inRow: (row) => `Zeile ${row}:`,
  didYouMean: 'Meinten Sie',
};

export const undo: Messages['undo'] = {
  file: 'Datei zurücknehmen',
  batch: 'Stapel zurücknehmen',
  will: (skus, isOne) =>
    isOne
      ? `${skus} SKU erhält die Werte zurück, die sie vorher hatte.`
      : `${skus} SKUs erhalten die Werte zurück, die sie vorher hatten.`,
  movedOn: (skus, isOne) =>
    isOne
      ? `${skus} SKU hat sich seither geändert und bleibt, wie sie ist.`
      : `${skus} SKUs haben sich seither geändert und bleiben, wie sie sind.`,
  force: (skus, isOne) =>
    isOne
      ? `Auch ${skus} SKU zurücksetzen, deren Wert ein späterer Stapel bestätigt hat`
      : `Auch ${skus} SKUs zurücksetzen, deren Werte ein späterer Stapel bestätigt hat`,
  isBatch: 'Die Rücknahme ist selbst ein Stapel und lässt sich ebenfalls zurücknehmen.',
  confirm: (skus, isOne) => (isOne ? `${skus} SKU zurücksetzen` : `${skus} SKUs zurücksetzen`),
  done: (skus, isOne) =>
    isOne ? `${skus} SKU wurde zurückgesetzt.` : `${skus} SKUs wurden zurückgesetzt.`,
  andMore: (skus) => `und ${skus} weitere`,
};
