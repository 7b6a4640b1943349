import type { Messages } from '../messages.ts';

export const drop: Messages['drop'] = {
  subtitle: 'Eine Bestandsdatei erst prüfen, dann anwenden',
  choose: 'Datei auswählen',
  here: 'Bestandsdatei hier ablegen',
  formats: 'Excel, CSV, JSON, X12 oder EDIFACT; auch als gzip oder zip',
  sending: (name, size) => `${name} (${size}) wird gesendet …`,
  sent: 'Wie viel gesendet ist',
  sentShare: (share) => `${share} gesendet`,
  interrupted: (name) => `${name} wurde nicht gesendet: Die Sitzung war beendet`,
  interruptedText:
    'Nichts wurde angewendet. Senden Sie die Datei noch einmal, oder legen Sie eine andere ab.',
  sendAgain: 'Noch einmal senden',
  contains: 'Die Datei enthält',
  contents: {
    partial: 'Einige meiner SKUs',
    complete: 'Alle meine SKUs',
    catalogue: 'Neue Produkte',
  },
  contentHints: {
    partial: 'SKUs ohne Zeile bleiben, wie sie sind.',
    complete: 'SKUs ohne Zeile werden auf null gesetzt.',
    catalogue: 'SKUs, die es noch nicht gibt, werden angelegt.',
  },
  reason: 'Grund (freiwillig)',
  reasonExample: 'Wöchentliche Inventur',
  safe: 'Nichts wird angewendet, bevor Sie gesehen haben, was sich ändern würde, und zustimmen.',
  recent: 'Letzte Dateien',
};

export const check: Messages['check'] = {
  title: (name) => `${name} prüfen`,
  another: 'Andere Datei ablegen',
  nothingApplied: 'Noch wurde nichts angewendet. Das würde die Datei tun.',
  rows: 'Zeilen',
  changed: 'Würden ändern',
  unchanged: 'Bleiben gleich',
  toZero: 'Würden null',
  zeroed: 'Nicht in der Datei, auf null',
  failed: 'Würden scheitern',
  leftOut: (rows, isOne) =>
    isOne ? `${rows} Zeile würde ausgelassen` : `${rows} Zeilen würden ausgelassen`,
  apply: (changes, isOne) =>
    isOne ? `${changes} Änderung anwenden` : `${changes} Änderungen anwenden`,
  applyCatalogue: 'Katalog anwenden',
  applyStopped: 'Trotzdem fortfahren …',
};

export const columns: Messages['columns'] = {
  title: 'Wie die Spalten gelesen werden',
  mapHint:
    'Sagen Sie, welche Spalte die SKU bezeichnet und welche ihren Bestand enthält. Die Werte darunter sind die ersten Zeilen der Datei.',
  inFile: 'Spalte der Datei',
  samples: 'Erste Werte',
  readAs: 'Gelesen als',
  mapped: 'von Ihnen gewählt',
  ignore: 'Nicht gelesen',
  readColumnAs: (header) => `„${header}“ lesen als`,
  save: 'Für alle späteren Dateien merken',
  checkAgain: 'Erneut prüfen',
  notes: 'Hinweise',
  targets: {
    sku_id: 'SKU-Nummer',
    gtin: 'Strichcode (jede Form)',
    upca: 'UPC-A',
    ean13: 'EAN-13',
    gtin14: 'GTIN-14',
    isbn: 'ISBN',
    quantity_in_stock: 'Lagerbestand',
    quantity_on_backorder: 'Menge im Rückstand',
    backorder_date: 'Lieferbar ab',
    restrictions: 'Sperre',
    status: 'Status',
    discontinued: 'Eingestellt (ja oder nein)',
    hidden: 'Verborgen (ja oder nein)',
    title: 'Titel',
  },
};

export const questions: Messages['questions'] = {
  title: 'Die Datei lässt sich auf mehrere Arten verstehen',
  intro: 'Nichts wird geraten, und nichts wurde angewendet. Sagen Sie, was gemeint ist.',
  titles: {
    duplicate_skus: 'Einige SKUs haben mehrere Zeilen',
    ambiguous_decimal: 'Einige Zahlen lassen sich auf zwei Arten lesen',
  },
  answers: {
    locations_sum: 'Zusammenzählen, etwa eine Zeile je Lager',
    locations_last: 'Die letzte Zeile zählt',
    decimal_point: 'Der Punkt trennt die Nachkommastellen: 1,234.5',
    decimal_comma: 'Das Komma trennt die Nachkommastellen: 1.234,5',
  },
  save: 'Für alle späteren Dateien so beantworten',
  goOn: 'Weiter prüfen',
  apply: 'Datei anwenden',
};

export const rules: Messages['rules'] = {
  title: 'Wie Werte gelesen werden',
  show: 'Ändern',
  hide: 'Ausblenden',
  names: {
    decimal: 'Dezimalzeichen',
    dates: 'Reihenfolge in Daten',
    locations: 'Mehrere Zeilen einer SKU',
    negative: 'Mengen unter null',
    identifiers: 'Kennungen, die sich widersprechen',
    words: 'Wörter statt Mengen',
    strict: 'Eine Zeile ganz ablehnen, wenn eine ihrer Zellen falsch ist',
  },
  unset: {
    decimal: 'Nachfragen, wenn es unklar ist',
    dates: 'Unklare Daten ablehnen',
    locations: 'Nachfragen',
    negative: 'Die Zeile ablehnen',
    identifiers: 'Die Zeile ablehnen',
  },
  choices: {
    decimal_comma: 'Komma: 1.234,5',
    decimal_point: 'Punkt: 1,234.5',
    dates_day_first: 'Tag zuerst: 31/12/2027',
    dates_month_first: 'Monat zuerst: 12/31/2027',
    locations_sum: 'Zusammenzählen',
    locations_last: 'Die letzte Zeile zählt',
    negative_zero: 'Als null lesen',
    identifiers_sku_id_first: 'Die SKU-Kennung zählt',
  },
  wordsHint: 'Eines je Zeile, mit seiner Menge',
  wordsWrong: 'Schreiben Sie in jede Zeile ein Wort, ein Gleichheitszeichen und eine ganze Zahl.',
};
