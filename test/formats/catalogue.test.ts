import { describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { complaintsOf, readCatalogue } from './reading.ts';

/** What the rows of a file give, those rejected left out. */
const entriesOf = async (file: string, columnMap = '') =>
  (await readCatalogue(file, columnMap)).rows.flatMap(({ entry }) => (entry ? [entry] : []));

const skuIdsOf = async (file: string) => (await entriesOf(file)).map(({ skuId }) => skuId);

describe('catalogue cells', () => {
  test('every column is read into the entry', async () => {
    const file =
      'item_id,sku_id,title,condition,restrictions,quantity_in_stock,quantity_on_backorder,' +
      'backorder_date,number_of_units_bundled,upca,ean13,gtin14,isbn,asin,mpn\n' +
      'I1,S1,"Kettle, cream",new,discontd,40,5.0,2027-01-31,6,012345678905,4006381333931,' +
      '10012345678902,0-306-40615-2,B000000001,M-1\n';
    expect(await entriesOf(file)).toEqual([
      {
        skuId: 'S1',
        product: {
          itemId: 'I1',
          title: 'Kettle, cream',
          condition: 'new',
          unitsBundled: 6,
          upca: '012345678905',
          ean13: '4006381333931',
          gtin14: '10012345678902',
          isbn: '0306406152',
          asin: 'B000000001',
          mpn: 'M-1',
        },
        inventory: {
          restrictions: 1,
          quantityInStock: 40,
          quantityOnBackorder: 5,
          backorderDate: 20_270_131,
        },
      },
    ]);
  });

  test('an empty or blank cell is not given, NULL is null', async () => {
    const file =
      'sku_id,title,restrictions,quantity_in_stock,ean13\nA,,,, \nB,NULL,NULL,NULL,NULL\n';
    expect(await entriesOf(file)).toEqual([
      { skuId: 'A', product: {}, inventory: {} },
      {
        skuId: 'B',
        product: { title: null, ean13: null },
        inventory: { restrictions: null, quantityInStock: null },
      },
    ]);
  });

  test('a sku_id is kept as written, without the spaces around it', async () => {
    const file = 'sku_id,title\n 007 ,a\nNull,b\n"4,5",c\n\u00e9,d\n';
    expect((await entriesOf(file)).map(({ skuId }) => skuId)).toEqual([
      '007',
      'Null',
      '4,5',
      '\u00e9',
    ]);
  });

  test.for([
    ['sku_id', '', /is missing; every row needs one/],
    ['sku_id', 'NULL', /is missing/],
    ['sku_id', 'x'.repeat(257), /too long; a sku_id has 1 to 256 characters/],
    ['sku_id', 'a\0b', /NUL/],
    ['title', 'x'.repeat(10_001), /longer than 10000 characters/],
    ['title', 'a\0b', /NUL/],
    ['condition', 'mint', /not a condition; allowed are new, used, refurb/],
    ['restrictions', 'sold out', /not a restriction; allowed are discontd, tmpunavail/],
    ['quantity_in_stock', '-1', /not a whole number from 0 to 2147483647/],
    ['quantity_in_stock', '5.2', /not a whole number/],
    ['quantity_in_stock', '1,000', /may be 1000 or 1; send decimal=point if it is 1000/],
    ['quantity_in_stock', '5e3', /not a whole number/],
    ['quantity_in_stock', '\u0665', /not a whole number/],
    ['quantity_in_stock', '2147483648', /not a whole number/],
    ['quantity_on_backorder', 'many', /not a whole number/],
    ['number_of_units_bundled', '1.5', /not a whole number/],
    ['backorder_date', '31.2.2027', /not a calendar date/],
    ['backorder_date', '2027-02-29', /not a calendar date/],
  ] as const)('%s %j rejects its row with a reason', async ([column, value, reason]) => {
    const others = column === 'sku_id' ? 'sku_id,mpn' : `sku_id,${column}`;
    const row = column === 'sku_id' ? `"${value}",m` : `A,"${value}"`;
    const { rows } = await readCatalogue(`${others}\n${row}\n`);
    expect(rows).toEqual([
      {
        row: 2,
        entry: null,
        gtins: [],
        complaints: [
          {
            row: 2,
            column,
            value: expect.any(String) as unknown,
            reason: textMatching(reason),
            kind: 'rejected',
          },
        ],
      },
    ]);
  });

  test('each faulty cell of a row gets its own complaint', async () => {
    const read = await readCatalogue(
      'sku_id,quantity_in_stock,condition,isbn\n,x,mint,0306406153\n',
    );
    expect(complaintsOf(read).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
      '2 rejected sku_id',
      '2 rejected quantity_in_stock',
      '2 rejected condition',
      '2 doubtful isbn',
    ]);
  });

  test('a complaint shows a long cell shortened and without NUL', async () => {
    const { rows } = await readCatalogue(`sku_id,title\nA,"\0${'x'.repeat(20_000)}"\n`);
    const value = rows[0]?.complaints[0]?.value ?? '';
    expect(value).toMatch(/^\uFFFDx{199}…$/);
  });
});

describe('a bad identifier', () => {
  const ROUNDED =
    'was rounded by a spreadsheet (a number with a fraction or exponent) and is not recoverable; ' +
    'send all digits, from a column formatted as text; the SKU is loaded without it';

  test('is left out of the SKU, with a reason', async () => {
    const read = await readCatalogue(
      'sku_id,upca,ean13,gtin14,isbn,quantity_in_stock\n' +
        'A,012345678906,,,,1\nB,,1511,,,2\nC,,,0135720000189314242,,3\nD,,,,4006381333931,4\nE,0,,,,5\n',
    );
    expect(complaintsOf(read)).toEqual([
      '2 doubtful upca "012345678906" has a wrong check digit (by the digits before it, it would be 5); the SKU is loaded without it',
      '3 doubtful ean13 "1511" has fewer than 8 digits; the SKU is loaded without it',
      '4 doubtful gtin14 "0135720000189314242" has 18 digits (leading zeros aside), gtin14 has at most 14; the SKU is loaded without it',
      '5 doubtful isbn "4006381333931" has 13 digits that do not begin with 978 or 979; the SKU is loaded without it',
      '6 doubtful upca "0" has fewer than 8 digits; the SKU is loaded without it',
    ]);
    expect(read.rows.map(({ entry }) => entry)).toEqual(
      ['A', 'B', 'C', 'D', 'E'].map((skuId, i) => ({
        skuId,
        product: {},
        inventory: { quantityInStock: i + 1 },
      })),
    );
  });

  test.for(['9.78043902348e+12', '9.78E+12', '9,78043902348E+12', '9780439023481.0', ' 9.78e12 '])(
    'that a spreadsheet rounded, %j, is left out, with a reason, in any column',
    async (value) => {
      for (const column of ['upca', 'ean13', 'gtin14', 'isbn', 'gtin']) {
        const read = await readCatalogue(`sku_id,${column}\nA,"${value}"\n`);
        expect(complaintsOf(read)).toEqual([
          `2 doubtful ${column} ${JSON.stringify(value)} ${ROUNDED}`,
        ]);
      }
    },
  );
});

describe('the vendor’s annotation rows', () => {
  const HEADER = 'item_id,sku_id,quantity_in_stock,quantity_on_backorder,backorder_date\n';
  const REQUIREMENTS = 'required,required,required,desired,dependent\n';
  const TYPES = 'string,string,integer,integer,string\n';

  test('are skipped under the header but counted as rows', async () => {
    const { rows } = await readCatalogue(`${HEADER}${REQUIREMENTS}${TYPES}I,A,1,,\n`);
    expect(rows.map(({ row, entry }) => [row, entry?.skuId])).toEqual([[4, 'A']]);
  });

  test('are not data: a file with nothing else has no entries', async () => {
    expect(await skuIdsOf(HEADER + REQUIREMENTS + TYPES)).toEqual([]);
    expect(await skuIdsOf(HEADER)).toEqual([]);
  });

  test('are skipped only as a pair and only under the header', async () => {
    expect(await skuIdsOf(`sku_id,title\nA,x\nrequired,desired\nstring,string\n`)).toEqual([
      'A',
      'required',
      'string',
    ]);
    expect(await skuIdsOf('sku_id,title\nrequired,desired\nA,x\n')).toEqual(['required', 'A']);
    expect(await skuIdsOf('sku_id,title\nstring,string\n')).toEqual(['string']);
    expect(await skuIdsOf('sku_id,title\nrequired,desired\n')).toEqual(['required']);
  });
});

describe('catalogue rows', () => {
  test('that are blank are skipped but counted', async () => {
    const { rows } = await readCatalogue('\n\nsku_id,title\n\nA,x\n,\n\nB,y\n');
    expect(rows.map(({ row, entry }) => [row, entry?.skuId])).toEqual([
      [5, 'A'],
      [8, 'B'],
    ]);
  });

  test('with more or fewer cells than the header are rejected', async () => {
    const read = await readCatalogue('sku_id,title\nA,Kettle, cream\nB\nC,z\n');
    expect(complaintsOf(read)).toEqual([
      '2 rejected - "A,Kettle, cream" has 3 cells where the header has 2 columns; perhaps a cell that is not quoted contains a separator',
      '3 rejected - "B" has 1 cells where the header has 2 columns; perhaps a cell that is not quoted contains a separator',
    ]);
    expect(read.rows.map(({ entry }) => entry?.skuId)).toEqual([undefined, undefined, 'C']);
  });

  test('with a quote inside a cell are read', async () => {
    const read = await readCatalogue('sku_id,title\nA,12" pan\nB,"Best" jar\n');
    expect(read.rows.map(({ entry }) => entry?.product)).toEqual([
      { title: '12" pan' },
      { title: '"Best" jar' },
    ]);
    expect(complaintsOf(read)).toEqual([]);
  });
});

describe('a file that cannot be used is refused', () => {
  test.for([
    ['an empty one', '', /empty; a header is needed/],
    ['blank lines alone', '\n\n\n', /empty; a header is needed/],
    ['a header with an open quote', '"sku_id,title\n', /The header opens a quote/],
    ['a header with NUL', 'sku_id,a\0b\n', /not text/],
    ['one without sku_id', 'title\nx\n', /no sku_id column/],
    ['one that breaks off inside a cell', 'sku_id,title\nA,x\nB,"y\n', /never closed/],
  ] as const)('%s', async ([, file, message]) => {
    await expect(readCatalogue(file)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });
});
