import { describe, expect, test } from 'vitest';
import { LANGUAGE_CODES, namesIn } from '../../src/formats/language.ts';
import { knownName, normalizedHeader } from '../../src/formats/table/aliases.ts';
import { COLUMN_NAMES } from '../../src/formats/table/column-names.ts';
import { STATUS_WORDS, statusOf } from '../../src/formats/status-words.ts';
import { textMatching } from '../matching.ts';
import { all } from './reading.ts';
import { openInventory, rulesOf, type RuleTexts } from './stock-files.ts';

/** Reads a file: per row its fields, or the message of its refusal; its warnings; and the file's notes. */
async function read(file: string, rules: RuleTexts = {}) {
  const { rows, close, notes, columns, overlooked } = await openInventory(file, {
    rules: rulesOf(rules),
  });
  try {
    const found = (await all(rows)).flat();
    return {
      columns: columns.map(({ header, target }) => `${header}: ${target}`),
      overlooked,
      lines: found.map(({ line }) => line.refusal?.message ?? line.fields),
      skus: found.map(({ line }) => line.skuId),
      alternatives: found.map(({ line }) => line.alternatives),
      gtins: found.map(({ line }) => line.refusal?.message ?? line.gtins),
      warnings: found.map(({ warnings = [] }) => warnings.join(' ')),
      notes: notes(),
    };
  } finally {
    await close();
  }
}

const inStock = (quantityInStock: number) => ({ quantityInStock });

describe('what is invisible around a cell', () => {
  test('is left out of every cell', async () => {
    const file =
      '\u00a0SKU\u200b; EAN ;Qty\n\u00a0A-1\u200b; 4006381333931\u00c2\u00a0;\u00a05\ufeff\nA 2;;\u20097\n';
    const { skus, alternatives, gtins, lines } = await read(file);
    expect(skus).toEqual(['\u00a0A-1\u200b', 'A 2']);
    expect(alternatives).toEqual([['A-1'], undefined]);
    expect(gtins).toEqual([[4_006_381_333_931], []]);
    expect(lines).toEqual([inStock(5), inStock(7)]);
  });

  test('is left out of a sku_id only if no SKU has it, and so is an apostrophe', async () => {
    const { skus, alternatives, lines } = await read("SKU,Qty\n '007,'5\n");
    expect(skus).toEqual([" '007"]);
    expect(alternatives).toEqual([["'007", '007']]);
    expect(lines).toEqual([inStock(5)]);
  });
});

const gtinsOf = async (header: string, cell: string) =>
  (await read(`${header},Qty\n"${cell}",1\n`)).gtins[0];

describe('a barcode in an inventory file', () => {
  test.for([
    ['UPC', '4006381333931', 4_006_381_333_931],
    ['EAN', '012345678905', 12_345_678_905],
    ['UPC', '0306406152', 9_780_306_406_157],
    ['UPC', "'012345678905", 12_345_678_905],
    ['UPC', 'UPC 0 12345-67890 5', 12_345_678_905],
    ['Barcode', 'ISBN: 978-0-306-40615-7', 9_780_306_406_157],
    ['EAN', '96385074', 96_385_074],
    ['UPC', '12345678905', 12_345_678_905],
    ['UPC', '04252614', 42_100_005_264],
    ['Barcode', '04252614', 42_100_005_264],
    ['UPC', '01234531', 12_300_000_451],
  ] as const)('in a column %s as %s is the GTIN %s', async ([header, cell, gtin]) => {
    expect(await gtinsOf(header, cell)).toEqual([gtin]);
  });

  test.for([
    ['UPC', '01234565', /may be the GTIN-8 01234565 or the UPC-E of 012345000065/],
    ['UPC', '1234565', /has 7 digits: a UPC-E has 8/],
    ['EAN', '04252614', /wrong check digit/],
    ['Barcode', '7989360071', /may be the isbn 9787989360073 or the upca 007989360071/],
    ['UPC', '012345678905; 4006381333931', /holds several codes; send one/],
    ['ISBN', '4006381333931', /do not begin with 978 or 979/],
    ['UPC', '9.78E+12', /rounded by a spreadsheet/],
  ] as const)('in a column %s as %s is refused', async ([header, cell, message]) => {
    expect(await gtinsOf(header, cell)).toEqual(textMatching(message));
  });

  test('that stands for none does not matter beside a sku_id, and is counted', async () => {
    const file = 'UPC,SKU,Qty\nN/A,A,1\n0,B,2\n0,C,3\nDoes not apply,,4\n';
    const { lines, gtins, notes } = await read(file);
    expect(lines.slice(0, 3)).toEqual([inStock(1), inStock(2), inStock(3)]);
    expect(gtins).toEqual([
      [],
      [],
      [],
      textMatching(/"Does not apply" stands for no identifier\. Row 5 names no SKU/),
    ]);
    expect(notes).toEqual([
      'Column "UPC" has values that stand for none: "N/A" (row 2), "0" (2 rows, first row 3), "Does not apply" (row 5).',
    ]);
  });

  test('that is wrong is ignored with a warning if the sku_id counts first', async () => {
    const file = 'SKU,UPC,Qty\nA,012345678906,1\n,012345678906,2\n';
    const wrong = textMatching(/^Row 2, column "UPC": "012345678906" has a wrong check digit/);
    expect((await read(file)).lines[0]).toEqual(wrong);
    const { lines, warnings } = await read(file, { identifiers: 'sku_id_first' });
    expect(lines).toEqual([inStock(1), textMatching(/^Row 3, column "UPC": /)]);
    expect(warnings[0]).toEqual(wrong);
  });
});

const dateOf = async (cell: string, rules: RuleTexts = {}) =>
  (await read(`SKU;Qty;ETA\nA;1;"${cell}"\n`, rules)).lines[0];

describe('a date', () => {
  test.for([
    '2027-01-15',
    '20270115',
    '2027/1/15',
    '2027-01-15T23:59:59.5+02:00',
    '2027-01-15 00:00:00',
    '15.01.2027',
    '15. 1. 27',
    '01/15/2027',
    '1/15/27 12:00 AM',
    '15/01/2027',
    '15-Jan-27',
    'January 15th, 2027',
    '15 janv. 2027',
    '15 stycznia 2027',
  ])('%s is read', async (cell) => {
    expect(await dateOf(cell)).toEqual({ quantityInStock: 1, backorderDate: 20_270_115 });
  });

  test('of two readings is one by the rule, and otherwise neither', async () => {
    const cell = '03/04/2027';
    expect(await dateOf(cell, { dates: 'day_first' })).toMatchObject({ backorderDate: 20_270_403 });
    expect(await dateOf(cell, { dates: 'month_first' })).toMatchObject({
      backorderDate: 20_270_304,
    });
    const { lines, warnings } = await read(`SKU,Qty,ETA\nA,1,${cell}\n`);
    expect(lines).toEqual([inStock(1)]);
    expect(warnings).toEqual([
      'Row 2, column "ETA": "03/04/2027" may be 2027-04-03 or 2027-03-04; send dates=day_first or dates=month_first.',
    ]);
  });

  test('that cannot be read leaves the quantity, unless the file is strict', async () => {
    const file = 'SKU,Qty,ETA\nA,1,soon\nB,,soon\nC,1,TBD\n';
    const { lines, warnings, notes } = await read(file);
    const refusal = textMatching(
      /^Row 3, column "ETA": "soon" is not a calendar date.* Row 3 sets nothing/,
    );
    expect(lines).toEqual([inStock(1), refusal, inStock(1)]);
    expect(warnings[0]).toEqual(
      textMatching(/^Row 2, column "ETA": "soon" is not a calendar date/),
    );
    expect(notes).toContain(
      'Column "ETA" has a date that cannot be read and was ignored: "soon" (2 rows, first row 2).',
    );
    const strict = await read(file, { strict: 'true' });
    expect(strict.lines[0]).toEqual(textMatching(/"soon" is not a calendar date/));
    expect(strict.lines[2]).toEqual(inStock(1));
  });

  test('that is a day number of a spreadsheet is named as one', async () => {
    expect((await read('SKU,Qty,ETA\nA,1,46037\n')).warnings).toEqual([
      textMatching(/looks like a spreadsheet's number of a day/),
    ]);
  });
});

describe('a word for a quantity', () => {
  const FILE = 'SKU,Stock\nA,In Stock\nB,10+\nC,Out of stock\nD,"low, very"\nE,-7\n';

  test('is refused with the rule that reads it', async () => {
    const { lines, notes } = await read(FILE);
    expect(lines).toEqual([
      textMatching(/"In Stock" is not a whole number.*send words=in stock=N\./),
      textMatching(/send words=10\+=10\./),
      textMatching(/send words=out of stock=0\./),
      textMatching(/send words="low, very"=N\./),
      textMatching(/send negative=zero to read quantities below zero as 0\./),
    ]);
    expect(notes).toEqual([
      textMatching(
        /send words=in stock=N,10\+=10,out of stock=0,"low, very"=N, with a quantity for each N\.$/,
      ),
      'Column "Stock" has quantities below zero: "-7" (row 6). To read them as 0, send negative=zero.',
    ]);
  });

  test('and a quantity below zero are read by their rules', async () => {
    const words = 'in stock=10,10+=10,out of stock=0,"low, very"=1';
    const { lines, notes } = await read(FILE, { words, negative: 'zero' });
    expect(lines).toEqual([10, 10, 0, 1, 0].map(inStock));
    expect(notes).toEqual([]);
  });
});

describe('a status', () => {
  test.for([
    ['status', 'in-stock', { quantityInStock: 5, restrictions: null }],
    ['status', 'Discontinued', { quantityInStock: 5, restrictions: 1 }],
    ['Availability', 'hidden', { quantityInStock: 5, restrictions: 2 }],
    ['Stock Status', 'Sold Out', { quantityInStock: 0, restrictions: null }],
    ['In stock?', '1', { quantityInStock: 5, restrictions: null }],
    ['is_in_stock', '0', { quantityInStock: 0, restrictions: null }],
    ['discontinued', 'yes', { quantityInStock: 5, restrictions: 1 }],
    ['discontinued', 'FALSE', { quantityInStock: 5, restrictions: null }],
    ['hidden', 'true', { quantityInStock: 5, restrictions: 2 }],
    ['out-of-stock', 'Y', { quantityInStock: 0, restrictions: null }],
    ['Published', '0', { quantityInStock: 5, restrictions: 2 }],
    ['Published', '-1', { quantityInStock: 5, restrictions: 2 }],
    ['Verfügbarkeit', 'nicht lieferbar', { quantityInStock: 5, restrictions: 2 }],
    ['Statut', 'EN RUPTURE', { quantityInStock: 0, restrictions: null }],
    ['Status', '', { quantityInStock: 5 }],
  ] as const)('in a column %s as %j is understood', async ([header, word, fields]) => {
    expect((await read(`SKU;Qty;${header}\nA;5;${word}\n`)).lines).toEqual([fields]);
  });

  test('out of stock is 0 without a quantity, and named beside one', async () => {
    const { lines, warnings, notes } = await read(
      'SKU,Qty,status\nA,,out of stock\nB,5,out of stock\n',
    );
    expect(lines).toEqual(
      [0, 0].map((quantityInStock) => ({ quantityInStock, restrictions: null })),
    );
    expect(warnings).toEqual([
      '',
      'Row 3: the status says out of stock, so the quantity 5 was not applied and the stock is 0.',
    ]);
    expect(notes).toEqual([
      'Column "Qty" has quantities in rows whose status is out of stock; their stock was set to 0: "5" (row 3).',
    ]);
  });

  test('that is not known is named once per value and changes nothing', async () => {
    const file = 'SKU,Qty,status\nA,1,shiny\nB,2,shiny\nC,3,blue\nD,,blue\n';
    const { lines, warnings, notes } = await read(file);
    expect(lines.slice(0, 3)).toEqual([inStock(1), inStock(2), inStock(3)]);
    expect(lines[3]).toEqual(textMatching(/"blue" is not a known status\. Row 5 sets nothing/));
    expect(warnings[0]).toBe('Row 2, column "status": "shiny" is not a known status.');
    expect(notes).toEqual([
      'Column "status" has a status that is not known and was ignored: "shiny" (2 rows, first row 2), "blue" (2 rows, first row 4).',
    ]);
    expect((await read(file, { strict: 'true' })).lines[0]).toBe(warnings[0]);
  });

  test.each([
    ['status', 'X'],
    ['Lagerstatus', 'leer'],
  ])(
    'such as %s: %s, which may say something, is named although it is no known one',
    async (header, word) => {
      const { warnings } = await read(`SKU;Qty;${header}\nA;5;${word}\nB;5;n/a\n`);
      expect(warnings).toEqual([`Row 2, column "${header}": "${word}" is not a known status.`, '']);
    },
  );

  test('of several columns is the most restrictive, and gives way to restrictions', async () => {
    const file =
      'SKU,Qty,status,discontinued,restrictions\nA,1,hidden,1,\nB,1,active,1,tmpunavail\n';
    expect((await read(file)).lines).toEqual([
      { quantityInStock: 1, restrictions: 1 },
      { quantityInStock: 1, restrictions: 2 },
    ]);
  });
});

describe('of several quantities', () => {
  test.for([
    ['On hand,Available', 'Available'],
    ['On hand (current),Available (not editable),On hand (new)', 'On hand (new)'],
    ['Stock,QOH', 'Stock'],
    ['Lagerbestand,Verfügbarer Bestand', 'Verfügbarer Bestand'],
    ['qty on hand,Free Stock', 'Free Stock'],
    ['Available,quantity_in_stock', 'quantity_in_stock'],
  ] as const)('%s, %s counts', async ([headers, counts]) => {
    const names = headers.split(',');
    const values = names.map((name) => (name === counts ? 7 : 9));
    const { lines, notes } = await read(`SKU,${headers}\nA,${values.join(',')}\n`);
    expect(lines).toEqual([inStock(7)]);
    const other = names.find((name) => name !== counts);
    expect(notes).toEqual([
      textMatching(
        new RegExp(
          `^quantity_in_stock is read from "${counts.replaceAll(/[()]/g, String.raw`\$&`)}".*send mapping=`,
        ),
      ),
    ]);
    expect(notes[0]).toContain(`mapping=${other}=quantity_in_stock.`);
  });

  test('words are the status of the row, and the number beside them its quantity', async () => {
    const { lines } = await read('SKU,Available,On hand\nA,YES,5\nB,no,6\nC,3,4\nD,perhaps,5\n');
    expect(lines).toEqual([
      { quantityInStock: 5, restrictions: null },
      { quantityInStock: 0, restrictions: null },
      inStock(3),
      textMatching(/column "Available": "perhaps" is not a whole number/),
    ]);
  });

  test('words are the status beside the stock that counts next, and are refused if two may', async () => {
    expect((await read('SKU,Available,On hand,Qty\nA,yes,9,5\n')).lines).toEqual([
      { quantityInStock: 5, restrictions: null },
    ]);
    expect((await read('SKU,Available,Stock,Qty\nA,yes,9,5\n')).lines).toEqual([
      textMatching(/column "Available": "yes" is not a whole number/),
    ]);
  });

  test('words for a quantity on backorder say nothing about the stock', async () => {
    const { lines } = await read('SKU,Qty,Backorder,On order\nA,40,No,0\nB,40,yes,3\n');
    expect(lines).toEqual([
      textMatching(/column "Backorder": "No" is not a whole number/),
      textMatching(/column "Backorder": "yes" is not a whole number/),
    ]);
  });

  test('those that are mapped are added up', async () => {
    const mapping = 'Qty NJ=quantity_in_stock,Qty CA=quantity_in_stock,Qty TX=ignore';
    const { lines, notes, overlooked } = await read(
      'SKU,Qty NJ,Qty CA,Qty TX\nA,5,6,7\nB,,6,7\nC,2147483647,1,\n',
      { mapping },
    );
    expect(lines).toEqual([inStock(11), inStock(6), textMatching(/more than 2147483647/)]);
    expect(notes).toEqual(['quantity_in_stock is the sum of "Qty NJ", "Qty CA".']);
    expect(overlooked).toEqual([]);
  });

  test('In stock is the status beside another quantity, and a quantity alone', async () => {
    expect((await read('SKU,In stock,Stock\nA,0,5\n')).lines).toEqual([
      { quantityInStock: 0, restrictions: null },
    ]);
    expect((await read('SKU,In stock\nA,5\n')).lines).toEqual([inStock(5)]);
  });
});

describe('headers', () => {
  test.for([
    ['ID,SKU,Stock', 'SKU: sku_id'],
    ['Item,UPC,Stock', 'UPC: upca'],
    ['Item number,Custom label (SKU),Available quantity', 'Custom label (SKU): sku_id'],
    ['Merchant SKU,Vendor SKU,Qty', 'Vendor SKU: sku_id'],
    ['id,quantity', 'id: sku_id'],
    ['Variant SKU,Variant Inventory Qty', 'Variant SKU: sku_id'],
    ['Part Number,Qty (pcs)', 'Part Number: sku_id'],
    ['Product Code,Free Stock', 'Product Code: sku_id'],
    ['*Custom label,*Quantity', '*Custom label: sku_id'],
    ['Art.-Nr.,Menge', 'Art.-Nr.: sku_id'],
    ['RÉFÉRENCE,QTÉ', 'RÉFÉRENCE: sku_id'],
    ['Código,Existencias', 'Código: sku_id'],
    ['Codice articolo,Giacenza', 'Codice articolo: sku_id'],
    ['Artikelcode,Voorraad', 'Artikelcode: sku_id'],
    ['Indeks,Ilość', 'Indeks: sku_id'],
    ['Referência,Estoque', 'Referência: sku_id'],
    ['Artikelnr,Lagersaldo', 'Artikelnr: sku_id'],
    ['Varenr.,Beholdning', 'Varenr.: sku_id'],
  ] as const)('%s: the SKU is %s', async ([headers, identifier]) => {
    const values = headers.split(',').map(() => '012345678905');
    const { columns } = await read(`${headers}\n${values.join(',')}\n`);
    expect(columns.filter((column) => /sku_id|upca/.test(column))).toEqual([identifier]);
    expect(columns.filter((column) => column.endsWith('quantity_in_stock'))).toHaveLength(1);
  });

  test('that look like a quantity and are not read are named', async () => {
    const header = 'SKU,Qty,Warehouse Qty 1,Low stock amount,Bestand Nord,Stock location,Price';
    const { overlooked } = await read(`${header}\nA,1,2,3,4,x,9\n`);
    expect(overlooked).toEqual(['Warehouse Qty 1', 'Bestand Nord']);
  });

  test.for([
    ['Qty (units) (EA)', 'quantity_in_stock'],
    [' Qty [pcs.]  ( each )', undefined],
    ['Qty (pcs) [Stück] ', 'quantity_in_stock'],
    ['On hand (current)', 'quantity_in_stock'],
    ['(EA)', undefined],
    ['(pcs) (EA)', undefined],
    ['Qty (cases)', undefined],
    ['Qty (EA) (cases)', undefined],
    ['Stock %', undefined],
    ['Inventory ($)', undefined],
    ['Stock (€)', undefined],
    ['Stock +/-', undefined],
  ] as const)('may have units behind them, but no other sign: %j is %s', ([header, target]) => {
    expect(knownName(header)?.target).toBe(target);
  });

  test('of 40 KB are not known, whatever they repeat', () => {
    for (const end of ['x', ' ', '(EA)', '(', '[pcs] '])
      expect(knownName(`Qty ${end.repeat(40_960 / end.length)}`), end).toBeUndefined();
  });

  test('beside a unit may still be the own name of a column', () => {
    expect(knownName(' SKU_ID ')).toMatchObject({ target: 'sku_id', by: 'name' });
    expect(knownName('sku_id (current)')).toMatchObject({ target: 'sku_id', by: 'name' });
    expect(knownName('Sku-Id')).toMatchObject({ target: 'sku_id', by: 'alias' });
  });

  test('of a value, a share or a change of the stock are named, and not read', async () => {
    const header = 'SKU,Qty,Inventory ($),Stock %,Stock +/-';
    const { overlooked, lines } = await read(`${header}\nA,1,900,50,3\n`);
    expect(lines).toEqual([inStock(1)]);
    expect(overlooked).toEqual(['Inventory ($)', 'Stock %', 'Stock +/-']);
  });

  test('have one meaning each, in all languages', () => {
    const meanings = new Map<string, string>();
    for (const [target, groups] of Object.entries(COLUMN_NAMES)) {
      for (const [rank, { names }] of groups.entries()) {
        for (const [name] of namesIn(names)) {
          const key = normalizedHeader(name);
          const known = knownName(name);
          expect([name, known?.target, known?.rank]).toEqual([name, target, rank]);
          expect(meanings.get(key) ?? target, name).toBe(target);
          meanings.set(key, target);
        }
      }
    }
  });

  test('of every language name the SKU, the quantity and the date', () => {
    for (const language of LANGUAGE_CODES) {
      for (const target of ['sku_id', 'quantity_in_stock', 'backorder_date', 'status'] as const) {
        const names = (COLUMN_NAMES[target] ?? []).map((group) => group.names[language]);
        expect(names.join(''), `${language} ${target}`).not.toBe('');
      }
    }
  });
});

test('words for statuses have one meaning each, in all languages', () => {
  for (const [status, words] of Object.entries(STATUS_WORDS))
    for (const [word] of namesIn(words)) expect([word, statusOf(word)]).toEqual([word, status]);
});
