import type { Messages } from '../messages.ts';

export const tryLine: Messages['tryLine'] = {
  subtitle: 'Sehen, warum eine Zeile scheitert oder was sie ändern würde. Nichts wird angewendet.',
  paste: 'Eine Zeile einfügen',
  hint: 'Eine oder mehrere Zeilen JSON oder Tabellenzeilen mit ihrer Kopfzeile. Strg-Enter probiert sie.',
  try: 'Ausprobieren',
  pastedName: 'eingefügt',
  broken: {
    json: 'Das ist kein gültiges JSON: Prüfen Sie Anführungszeichen, Kommas und Klammern.',
    header: 'Eine Tabellenzeile braucht ihre Kopfzeile: Fügen Sie beide ein.',
    tooMany: 'Höchstens 20 Zeilen auf einmal. Legen Sie mehr davon als Datei ab.',
  },
  line: (number) => `Zeile ${number}`,
  wouldApply: 'Würde angewendet',
  wouldFail: 'Würde scheitern',
  changesNothing: 'Die Zeile ändert nichts: Die SKU hat diese Werte schon.',
  noIdentifier:
    'Der Zeile fehlt, welche SKU sie meint: Geben Sie sku_id, upca, ean13, gtin14 oder isbn an.',
  identifier: 'Kennung',
  value: 'Wie gesendet',
  finds: 'Findet für sich',
  findsNone: 'Keine SKU',
  findsSeveral: 'Mehrere SKUs: Geben Sie eine weitere Kennung an, etwa sku_id.',
  inStock: (quantity) => `${quantity} am Lager`,
};
