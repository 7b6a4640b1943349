import { describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { report } from './edifact.ts';
import { linesOf, openInventory, rulesOf, type RuleTexts } from './stock-files.ts';
import { all } from './reading.ts';
import { workbookOf } from './workbooks.ts';
import { interchange } from './x12.ts';

const WITHDRAWN: unknown = expect.any(Number);

/** Reads a table: what its columns are, what is noted, and the fields or the refusal of each row. */
async function read(file: string, rules: RuleTexts = {}) {
  const { rows, close, notes, columns, overlooked } = await openInventory(file, {
    rules: rulesOf(rules),
  });
  try {
    const found = (await all(rows)).flat();
    return {
      targets: Object.fromEntries(columns.map(({ header, target }) => [header, target])),
      overlooked,
      lines: found.map(({ line }) => line.refusal?.message ?? line.fields),
      locations: found.map(({ location }) => location),
      notes: notes(),
    };
  } finally {
    await close();
  }
}

describe('an export of', () => {
  test.each([
    [
      'WooCommerce in German',
      'Artikelnummer,"GTIN, UPC, EAN oder ISBN",Vorrätig?,Lager',
      { 'Vorrätig?': 'status', Lager: 'quantity_in_stock', 'GTIN, UPC, EAN oder ISBN': 'gtin' },
    ],
    [
      'NetSuite, by location',
      'Name,UPC Code,Inventory Location,Location On Hand,Location Available',
      { 'UPC Code': 'upca', 'Location Available': 'quantity_in_stock' },
    ],
    [
      'Wayfair, whose headers say how cells are written',
      'Supplier Part #,Qty on Hand,Item Next Availability Date (MM-DD-YYYY),Discontinued (True/False)',
      {
        'Item Next Availability Date (MM-DD-YYYY)': 'backorder_date',
        'Discontinued (True/False)': 'discontinued',
      },
    ],
    [
      'SAP, where blocked is a kind of stock',
      'Material,Plnt,Unrestricted,Blocked',
      { Material: 'sku_id', Unrestricted: 'quantity_in_stock' },
    ],
    [
      'Zoho, where what can be sold counts before what is on hand',
      'SKU,Stock On Hand,Available for Sale',
      { 'Available for Sale': 'quantity_in_stock' },
    ],
    [
      'warehouses beside their total',
      'SKU,East Qty,West Qty,Total Qty',
      { 'Total Qty': 'quantity_in_stock' },
    ],
  ])('%s is read', async (_, header, expected) => {
    const { targets } = await read(`${header}\n`);
    expect(targets).toMatchObject(expected);
    expect(Object.values(targets).filter((target) => target === 'quantity_in_stock')).toHaveLength(
      1,
    );
    expect(Object.values(targets)).not.toContain('hidden');
  });

  test('warehouses is not told that their names or the columns not chosen look like stock', async () => {
    const { overlooked, notes } = await read('Warehouse,SKU,Available,On hand\nEast,A-1,5,6\n');
    expect(overlooked).toEqual([]);
    expect(notes).toEqual([expect.stringContaining('not from "On hand"')]);
  });

  test('rows of warehouses, bins and lots says where the stock of each row is', async () => {
    const file = 'Lagerort;Charge;Artikelnummer;Bestand\nOst;1;A-1;5\n;;A-1;5\n';
    expect((await read(file)).locations).toEqual(['Ost\n1', '']);
  });
});

describe('a row of stock that cannot be sold', () => {
  test('is refused, unless its column is ignored', async () => {
    const file = 'SKU,Location,Qty\nA-1,NJ,5\nA-1,NJ/Damaged,3\nB-1,Quarantäne,4\n';
    const { lines, notes } = await read(file);
    expect(lines).toEqual([
      { quantityInStock: 5 },
      'Row 3, column "Location": "NJ/Damaged" is stock that cannot be sold, so the row is left out. To read it like any other, send mapping=Location=ignore.',
      expect.stringContaining('"Quarantäne" is stock that cannot be sold'),
    ]);
    expect(notes).toEqual([
      'Column "Location" has stock that cannot be sold, which is left out: "NJ/Damaged" (row 3), "Quarantäne" (row 4).',
    ]);
    const mapped = await read(file, { mapping: 'Location=ignore' });
    expect(mapped.lines).toEqual([5, 3, 4].map((quantityInStock) => ({ quantityInStock })));
    expect(mapped.locations).toEqual(['NJ', 'NJ/Damaged', 'Quarantäne']);
  });

  test.each([
    'In-Transit',
    'DMG',
    'QC hold',
    'Sperrlager',
    'en transit',
    'CUSTOMER_DAMAGED',
    'RMA 3',
  ])('is known by the name of its place, %s', async (place) => {
    expect((await read(`SKU;Bin;Qty\nA-1;${place};3\n`)).lines).toEqual([
      expect.stringContaining('cannot be sold'),
    ]);
  });

  test.each([
    'Transitville',
    'Montreal QC',
    'Holdsworth',
    'Lost Hills',
    'Not damaged',
    'Non-defective',
    'nicht gesperrt',
    'Do not delete',
  ])('is none at a place such as %s', async (place) => {
    expect((await read(`SKU;Site;Qty\nA-1;${place};3\n`)).lines).toEqual([{ quantityInStock: 3 }]);
  });

  test('is known by a status that is none of a product', async () => {
    const { lines } = await read('Item,Inventory Status,Qty\nA-1,Reserved,3\nA-2,Active,1\n');
    expect(lines).toEqual([
      expect.stringContaining('"Reserved" is stock that cannot be sold'),
      { quantityInStock: 1, restrictions: null },
    ]);
  });
});

test.each([
  ['Mirakl', 'sku;quantity;update-delete\nA-1;5;update\nA-2;5;delete\n', [5, /"delete"/]],
  ['a form with crosses', 'SKU,Qty,Discontinued\nA-1,5,X\nA-2,5,\n', ['discontinued', 5]],
  ['zeros below zero', 'SKU,Qty\nA-1,-0\nA-2,(0)\n', [0, 0]],
  ['Walmart', 'SKU,Available to sell units,Total units on hand\nA-1,5,6\n', [5]],
  ['Dynamics', 'Item number,Physical inventory,Available physical\nA-1,6,5\n', [5]],
  ['Plentymarkets', 'Varianten-Nr.;Bestand netto;Bestand physisch\nA-1;5;6\n', [5]],
  ['Cdiscount', 'Référence vendeur;EAN;Stock\nA-1;;5\n', [5]],
])('a file of %s sets no stock that its sender does not mean', async (_, file, expected) => {
  const meant = expected.map((one) =>
    one instanceof RegExp
      ? textMatching(one)
      : one === 'discontinued'
        ? { quantityInStock: 5, restrictions: WITHDRAWN }
        : { quantityInStock: one },
  );
  expect((await read(file)).lines).toEqual(meant);
});

test.each([
  [
    'quantities of warehouses beside a status',
    'sku,status,warehouse_quantity_1,warehouse_quantity_2\nA-1,in-stock,5,7\n',
    {},
    /^Only a status would be read.*name each: mapping=warehouse_quantity_1=quantity_in_stock,warehouse_quantity_2/,
  ],
  [
    'a total in each row of a warehouse, if rows are to be added up',
    'SKU,Warehouse,On hand,Total available\nA-1,NJ,5,12\nA-1,CA,7,12\n',
    { locations: 'sum' },
    /^Column "Total available" has the total of a SKU/,
  ],
  ['quantities that were sold', 'SKU,Qty sold\nA-1,5\n', {}, /mapping=My stock=/],
  ['quantities of cartons', 'SKU,Stock cartons\nA-1,5\n', {}, /mapping=My stock=/],
  ['a place before a product', 'Location,Product,Qty\nNJ,A,5\n', {}, /mapping=Product=sku_id/],
] as const)('%s are refused, with what to send', async (_, file, rules, message) => {
  await expect(read(file, rules)).rejects.toThrow(message);
});

test('a column `id` that barcodes displace is named', async () => {
  const { notes } = await read('id,gtin,quantity\nA-1,,5\n');
  expect(notes).toEqual([
    '"id" is not read, since barcodes identify the SKUs. If it is the sku_id, send mapping=id=sku_id.',
  ]);
});

test('rows that repeat the header, as on each page of a report, are skipped and told', async () => {
  const { lines, notes } = await read('SKU,Qty\nA-1,5\nsku , QTY,\nB-1,7\nSKU,Qty\nC-1,8\n');
  expect(lines).toEqual([5, 7, 8].map((quantityInStock) => ({ quantityInStock })));
  expect(notes).toEqual(['2 rows repeat the header and were skipped, the first of them row 3.']);
});

test.each([
  [
    'the current and new quantities of Square',
    'SKU,Current Quantity A,New Quantity A,Current Quantity B,New Quantity B',
    'Current Quantity A=quantity_in_stock,Current Quantity B=quantity_in_stock',
  ],
  [
    'what is on hand, available and reserved',
    'SKU,On hand A,Available A,On hand B,Available B,Reserved A',
    'Available A=quantity_in_stock,Available B=quantity_in_stock',
  ],
])('the advice to add columns up leaves %s apart', async (_, header, added) => {
  await expect(read(`${header}\nA-1,1,2,3,4,5\n`)).rejects.toThrow(`name each: mapping=${added}.`);
});

test.each([
  ['Código proveedor;Código;Stock\nP1;A-1;5\n', 'Código'],
  ['Código do fornecedor;Referência;Estoque\nP1;A-1;5\n', 'Referência'],
  ['Kod dostawcy;Indeks;Ilość\nP1;A-1;5\n', 'Indeks'],
  ['Style number;Item;Qty\nP1;A-1;5\n', 'Item'],
  ['Stock ID;Item number;Qty\nP1;A-1;5\n', 'Item number'],
])(
  'a code that may be that of the supplier, a style or a place does not stand for the SKU beside one that is: %j',
  async (file, header) => {
    const { targets, lines } = await read(file);
    expect(targets).toMatchObject({ [header]: 'sku_id' });
    expect(lines).toEqual([{ quantityInStock: 5 }]);
  },
);

test('the name of a product in Spanish, Nombre, is not a count', async () => {
  await expect(openInventory('Referencia;Nombre;Stock tienda\nA-1;365;4\n')).rejects.toThrow(
    /name it: mapping=Stock tienda=quantity_in_stock\.$/,
  );
});

describe('a column of units', () => {
  test('makes dozens and cases units, and refuses a case whose size the row does not say', async () => {
    const { lines } = await read(
      'SKU,Qty,UOM,number_of_units_bundled\nA-1,12,EA,\nA-2,2,DZ,\nA-3,3,cases,6\nA-4,3,Karton,\n',
    );
    expect(lines).toEqual([
      { quantityInStock: 12 },
      { quantityInStock: 24 },
      { quantityInStock: 18 },
      expect.stringMatching(
        /^Row 5, column "UOM": the quantity 3 is in the unit "Karton", .*number_of_units_bundled.*send mapping=UOM=ignore\.$/,
      ),
    ]);
  });

  test('with an unknown unit is noted once, and counts single units', async () => {
    const { lines, notes } = await read('SKU,Qty,Unit\nA-1,3,pair\nA-2,4,pair\n');
    expect(lines).toEqual([{ quantityInStock: 3 }, { quantityInStock: 4 }]);
    expect(notes).toEqual([
      'Column "Unit" has a unit of measure that is not known; its quantities count as single units: "pair" (2 rows, first row 2).',
    ]);
  });

  test('does not count again for a quantity that names its unit itself', async () => {
    const { lines } = await read('SKU,Qty,UOM\nA-1,2 dozen,DZ\nA-2,5 pcs,DZ\nA-3,2,DZ\n');
    expect(lines).toEqual([24, 5, 24].map((quantityInStock) => ({ quantityInStock })));
  });

  test('a unit behind the number is read alike', async () => {
    const { lines } = await read('SKU,Qty\nA-1,5 pcs\nA-2,1 Dutzend\nA-3,12 cases\n');
    expect(lines).toEqual([
      { quantityInStock: 5 },
      { quantityInStock: 12 },
      expect.stringContaining('the quantity 12 is in the unit "cases"'),
    ]);
  });
});

test('boxes are "dozen" in Dutch, and no dozens', async () => {
  const boxes: unknown = expect.stringContaining('the quantity 5 is in the unit "dozen"');
  expect((await read('Artikelnr.;Aantal;Eenheid\nA-1;5;dozen\n')).lines).toEqual([boxes]);
  expect((await read('Artikelnr.;Aantal\nA-1;5 dozen\n')).lines).toEqual([boxes]);
  expect((await read('SKU;Qty\nA-1;5 dozen\n')).lines).toEqual([{ quantityInStock: 60 }]);
});

describe('a refusal of a header says what to send, if', () => {
  test.each([
    [
      'the columns are named after places: those with numbers',
      'Handle,SKU,COO,Main St,Second Ave\nkettle,A-1,,38,5\n',
      /name each: mapping=Main St=quantity_in_stock,Second Ave=quantity_in_stock\.$/,
    ],
    [
      'a total is beside its parts: the total, or the parts without it',
      'SKU,Qty NJ,Qty CA,Total\nA-1,5,6,11\n',
      /name it: mapping=Total=quantity_in_stock\. .*each: mapping=Qty NJ=quantity_in_stock,Qty CA=quantity_in_stock\.$/,
    ],
    [
      'only cases are counted: not those',
      'SKU,Case Pack,Cases On Hand\nA-1,6,12\n',
      /name it: mapping=My stock=quantity_in_stock\.$/,
    ],
    [
      'a product column may identify the SKU: that column',
      'Item ID,Qty\nA-1,5\n',
      /name it: mapping=Item ID=sku_id\.$/,
    ],
    [
      'the stock may be in a column that is named after the warehouse, or in another: the other',
      'Artikelnummer,Lager,Mge\nA-1,1,10\n',
      /name it: mapping=Mge=quantity_in_stock\.$/,
    ],
    ['there is none', 'A-1,5\nA-2,6\n', /^The file has no header, .*its first row is A-1, 5\./],
    ['each row is in quotes as a whole', '"SKU;Qty"\n"A-1;5"\n', /Remove the quotes around/],
    ['the separator is none that is read', 'SKU~Qty\nA-1~5\n', /Separate the cells by commas/],
  ])('%s', async (_, file, expected) => {
    await expect(openInventory(file)).rejects.toThrow(expected);
  });
});

describe('an export of', () => {
  test.each([
    [
      'CommerceHub, whose available is a word beside the available quantity',
      'vendor_sku,quantity_available,available\nA-1,5,YES\nA-2,5,NO\nA-3,5,DISCONTINUED\n',
      [
        { quantityInStock: 5, restrictions: null },
        { quantityInStock: 0, restrictions: null },
        { quantityInStock: 5, restrictions: WITHDRAWN },
      ],
    ],
    [
      'bol.com, which says what is for sale',
      'Referentie;Voorraad;Te koop\nA-1;5;NEE\nA-2;6;JA\n',
      [
        { quantityInStock: 5, restrictions: WITHDRAWN },
        { quantityInStock: 6, restrictions: null },
      ],
    ],
    [
      'Kaufland, whose columns are id_offer and count',
      'id_offer;count\nA-1;5\n',
      [{ quantityInStock: 5 }],
    ],
    [
      'Business Central, where blocked is yes or no',
      'No.,SKU,On hand,Blocked\n1,A-1,5,Yes\n',
      [{ quantityInStock: 5, restrictions: WITHDRAWN }],
    ],
  ])('%s is read in rows too', async (_, file, expected) => {
    const { lines } = await read(file);
    expect(lines).toEqual(expected);
  });

  test('a warehouse whose blocked stock has a number hides no SKU, and says what is not subtracted', async () => {
    const { lines, notes } = await read(
      'Material,On Hand,Blocked,Reserved\nA-1,10,0,4\nA-2,5,1,0\n',
    );
    expect(lines).toEqual([{ quantityInStock: 10 }, { quantityInStock: 5 }]);
    expect(notes).toEqual([
      '"Blocked", "Reserved" look like stock that cannot be sold, and is not subtracted from "On Hand". If "On Hand" includes it, send the quantity that is available instead.',
    ]);
    expect((await read('SKU,Available,Committed\nA-1,8,2\n')).notes).toEqual([]);
  });

  test('two columns for what is available, both with numbers, is refused', async () => {
    await expect(openInventory('SKU,Available,Available qty\nA-1,5,6\n')).rejects.toThrow(
      /would both be read as quantity_in_stock/,
    );
  });
});

test('a workbook with a sheet per warehouse says which sheets are not read', async () => {
  const sheets = ['Help', 'NJ', 'CA', 'Notes'].map((name) => ({
    name,
    rows:
      name.length === 2
        ? [
            ['SKU', 'Qty'],
            ['A-1', '5'],
          ]
        : [['How to fill in the sheets']],
  }));
  const { rows, close, notes } = await openInventory(workbookOf({ sheets }));
  await all(rows);
  expect(notes()).toEqual([
    'Only the sheet "NJ" is read. The sheet "CA" is like it: to have more than the first read, send each as a file of its own.',
  ]);
  await close();
});

test.each([
  ['27-01-15', 20_270_115],
  ['15-01-27', 20_270_115],
  ['26-01-27', /may be 2026-01-27 or 2027-01-26; write yyyy-mm-dd/],
  ['1900-01-01', undefined],
  ['12/31/9999', undefined],
])(
  'the date %s, in which the year may come first or which stands for none',
  async (date, expected) => {
    const { lines, notes } = await read(`SKU,Qty,ETA\nA-1,5,${date}\n`);
    expect(lines).toEqual([
      { quantityInStock: 5, ...(typeof expected === 'number' && { backorderDate: expected }) },
    ]);
    expect(notes.length).toBe(typeof expected === 'number' ? 0 : 1);
  },
);

test.each(['SKU QTY\nA-1 5\n', 'SKU:Qty\nA-1:5\n'])(
  'cells that are separated by a space or a colon are recognized: %j',
  async (file) => {
    await expect(openInventory(file)).rejects.toThrow(/Separate the cells by commas/);
  },
);

test('the units of a bundle multiply cases only: other quantities count the SKU itself', async () => {
  const { lines } = await read(
    'sku_id,Qty,UOM,number_of_units_bundled\nA-1,10,,6\nA-2,10,EA,6\nA-3,10,CA,6\n',
  );
  expect(lines.map((line) => (typeof line === 'string' ? line : line.quantityInStock))).toEqual([
    10, 10, 60,
  ]);
  expect((await read('sku_id,Qty,number_of_units_bundled\nA-1,10,6\n')).lines).toEqual([
    { quantityInStock: 10 },
  ]);
});

test("SAP's codes of cartons and pallets are no single units", async () => {
  const { lines } = await read(
    'Material;Bestand;Basismengeneinheit\n1001;5;KAR\n1002;2;PAL\n1003;7;ST\n',
  );
  expect(lines).toEqual([
    expect.stringContaining('the unit "KAR"'),
    expect.stringContaining('the unit "PAL"'),
    { quantityInStock: 7 },
  ]);
});

test('a separator at the end of the header need not be in the rows, and rows of blanks are none', async () => {
  const { lines } = await read('SKU,Qty,\nA-1,5\n\u00a0, \nA-2,6,\n');
  expect(lines).toEqual([{ quantityInStock: 5 }, { quantityInStock: 6 }]);
});

test('Indian grouping, statuses of schema.org and barcodes of Odoo that are False are read', async () => {
  const { lines } = await read(
    'SKU,Barcode,Qty,Availability\nA-1,False,"1,23,456",https://schema.org/InStock\nA-2,,5,http://schema.org/OutOfStock\n',
  );
  expect(lines).toEqual([
    { quantityInStock: 123_456, restrictions: null },
    { quantityInStock: 0, restrictions: null },
  ]);
});

test('a number that a workbook stores with a fraction has a point, and says nothing about the texts', async () => {
  const head = '<row r="1"><c t="str"><v>SKU</v></c><c t="str"><v>Qty</v></c></row>';
  const rows = `${head}<row r="2"><c t="str"><v>A-1</v></c><c><v>1.234</v></c></row><row r="3"><c t="str"><v>A-2</v></c><c t="str"><v>1.234</v></c></row>`;
  const workbook = workbookOf({ sheets: [{ rows }] });
  expect(await linesOf(workbook, { rules: rulesOf({ decimal: 'comma' }) })).toEqual([
    expect.stringMatching(/^Row 2, column "Qty": "1\.234" is not a whole number/),
    expect.objectContaining({ fields: { quantityInStock: 1234 } }),
  ]);
});

describe('a quantity below zero', () => {
  const advice = interchange(['LIN*1*VN*A-1', 'QTY*33*-3*EA']);
  const inventoryReport = report(['LIN+1++A-1:SA', 'QTY+145:-3:PCE']);
  test.each([
    ['a table, as accountants write it', 'SKU,Qty\nA-1,(3)\n'],
    ['an 846', advice],
    ['an INVRPT', inventoryReport],
  ])('in %s is refused with the rule that reads it as zero', async (_, file) => {
    expect(await linesOf(file)).toEqual([expect.stringContaining('send negative=zero')]);
    expect(await linesOf(file, { rules: rulesOf({ negative: 'zero' }) })).toEqual([
      { skuId: 'A-1', gtins: [], fields: { quantityInStock: 0 } },
    ]);
  });
});

test('the decimals of an INVRPT may begin with a comma, whatever UNA says, unless it may group thousands', async () => {
  const [whole, unclear] = await linesOf(
    report(['LIN+1++A-1:SA', 'QTY+145:40,0', 'LIN+2++A-2:SA', 'QTY+145:40,000']),
  );
  expect(whole).toMatchObject({ fields: { quantityInStock: 40 } });
  expect(unclear).toContain('"40,000", not a whole number');
});
