import { describe, expect, test } from 'vitest';
import { readCatalogue, complaintsOf } from './reading.ts';

/** What a column of mixed codes makes of one. */
async function readCode(code: string) {
  const read = await readCatalogue(`sku_id,barcode\nA,"${code}"\n`, 'barcode=gtin');
  const [row] = read.rows;
  return {
    product: row?.entry?.product,
    gtins: row?.gtins.map(({ gtin }) => gtin),
    complaints: complaintsOf(read).map((text) => text.replace(`2 doubtful barcode "${code}" `, '')),
  };
}

describe('a column mapped to gtin picks the form of', () => {
  test.for([
    ['13 valid digits: ean13', '4006381333931', { ean13: '4006381333931' }, 4_006_381_333_931],
    ['13 with a leading zero: ean13', '0747599323416', { ean13: '0747599323416' }, 747_599_323_416],
    ['13 of a book: ean13', '9780306406157', { ean13: '9780306406157' }, 9_780_306_406_157],
    ['8 valid digits: ean13', '96385074', { ean13: '96385074' }, 96_385_074],
    ['12 valid digits: upca', '012345678905', { upca: '012345678905' }, 12_345_678_905],
    ['14 valid digits: gtin14', '10012345678902', { gtin14: '10012345678902' }, 10_012_345_678_902],
    ['a whole ISBN-10: isbn', '0306406152', { isbn: '0306406152' }, 9_780_306_406_157],
    ['one with X: isbn', '080442957X', { isbn: '080442957X' }, 9_780_804_429_573],
    ['one with x: isbn', '080442957x', { isbn: '080442957X' }, 9_780_804_429_573],
    ['one without its zero: isbn', '306406152', { isbn: '0306406152' }, 9_780_306_406_157],
    ['one with hyphens: isbn', '0-306-40615-2', { isbn: '0306406152' }, 9_780_306_406_157],
    ['one without three zeros: isbn', '7100493', { isbn: '0007100493' }, 9_780_007_100_491],
    [
      'eight digits that are no EAN-8 but an ISBN without zeros: isbn',
      '20010729',
      { isbn: '0020010729' },
      9_780_020_010_722,
    ],
    [
      'a code with spaces: by its digits',
      '4 006381 333931',
      { ean13: '4006381333931' },
      4_006_381_333_931,
    ],
  ] as const)('%s', async ([, code, product, gtin]) => {
    expect(await readCode(code)).toEqual({ product, gtins: [gtin], complaints: [] });
  });

  test.for([
    ['11 digits', '12345678905', '012345678905'],
    ['10 digits', '7258700416', '007258700416'],
    ['9 digits', '123456784', '000123456784'],
  ] as const)('%s valid by mod 10 alone: upca, reported as restored', async ([, code, upca]) => {
    const read = await readCode(code);
    expect(read).toMatchObject({
      product: { upca },
      complaints: [`read as upca ${upca}, leading zeros restored`],
    });
  });

  test('what is valid both as an ISBN and by mod 10: none, reported', async () => {
    expect(await readCode('7989360071')).toEqual({
      product: {},
      gtins: [],
      complaints: [
        'is valid both as an isbn and as a upca without its leading zeros; the SKU is loaded without it',
      ],
    });
  });

  test('a whole EAN-8 that would also pass for an ISBN: ean13', async () => {
    expect(await readCode('96385081')).toMatchObject({ product: { ean13: '96385081' } });
  });

  const WRONG = 'has a wrong check digit (by the digits before it, it would be';
  const WITHOUT = 'the SKU is loaded without it';

  test.for([
    ['036633038166', [`${WRONG} 5); ${WITHOUT}`]],
    ['2000000053352', [`${WRONG} 6); ${WITHOUT}`]],
    ['14107758', [`as ean13 ${WRONG} 7); as isbn ${WRONG} 9); ${WITHOUT}`]],
    ['0001120209', [`as isbn ${WRONG} 4); as upca ${WRONG} 2); ${WITHOUT}`]],
    ['1601', [`has fewer than 8 digits; ${WITHOUT}`]],
    [
      '01054001411178513103000365',
      [`has 25 digits (leading zeros aside), gtin14 has at most 14; ${WITHOUT}`],
    ],
    ['00000000', [`is all zeros; ${WITHOUT}`]],
    [
      'no barcode',
      [
        'as isbn has characters other than the digits 0-9 and a last X; ' +
          `as upca has characters other than the digits 0-9; ${WITHOUT}`,
      ],
    ],
    ['http://q.example/1', [`has characters other than the digits 0-9; ${WITHOUT}`]],
    ['-', [`has no digits; ${WITHOUT}`]],
  ] as const)('no form of %j, with a reason', async ([code, complaints]) => {
    expect(await readCode(code)).toEqual({ product: {}, gtins: [], complaints });
  });

  test('an empty cell or NULL: none, without a complaint', async () => {
    for (const code of ['', ' ', 'NULL']) {
      expect(await readCode(code)).toEqual({ product: {}, gtins: [], complaints: [] });
    }
  });
});

const readBoth = (ean13: string, code: string) =>
  readCatalogue(`barcode,sku_id,ean13\n${code},A,${ean13}\n`, 'barcode=gtin');

describe('a column of mixed codes beside one of its own form', () => {
  test('adds nothing if both are equal', async () => {
    const both = await readBoth('4006381333931', '4006381333931');
    expect(complaintsOf(both)).toEqual([]);
    expect(both.rows[0]?.gtins).toHaveLength(1);
  });

  test('is ignored with a complaint if they differ', async () => {
    const both = await readBoth('4006381333931', '96385074');
    expect(both.rows[0]?.entry?.product).toEqual({ ean13: '4006381333931' });
    expect(complaintsOf(both)).toEqual([
      '2 doubtful barcode "96385074" is ean13 96385074, but the row\'s own ean13 is 4006381333931, which is kept',
    ]);
  });

  test('adds another form', async () => {
    const both = await readBoth('4006381333931', '012345678905');
    expect(both.rows[0]?.entry?.product).toEqual({ ean13: '4006381333931', upca: '012345678905' });
    expect(both.rows[0]?.gtins).toHaveLength(2);
  });
});

test('one column may be both the sku_id and the code', async () => {
  const { rows } = await readCatalogue(
    'barcode,name\n0747599323416,Squares\n1601,Stub\n',
    'barcode=gtin,barcode=sku_id,name=title',
  );
  expect(rows.map(({ entry }) => entry)).toEqual([
    {
      skuId: '0747599323416',
      product: { title: 'Squares', ean13: '0747599323416' },
      inventory: {},
    },
    { skuId: '1601', product: { title: 'Stub' }, inventory: {} },
  ]);
});
