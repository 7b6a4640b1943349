import { describe, expect, test } from 'vitest';
import { UNITS } from '../../src/formats/edi/units.ts';
import { textMatching } from '../matching.ts';
import { all } from './reading.ts';
import { linesOf, openInventory, rowsOf } from './stock-files.ts';
import { envelope, interchange, set846 } from './x12.ts';

/** The `quantity_in_stock` and the location of each row of an item, or its message. */
const stockOf = async (...segments: readonly string[]) =>
  read(interchange(['LIN**SK*A-1', ...segments]));

const read = async (file: string) =>
  (await rowsOf(file)).map(({ cells, line: { fields, refusal } }) =>
    refusal === undefined ? [fields.quantityInStock, cells.at(-1)] : refusal.message,
  );

describe('the unit of a quantity in X12', () => {
  test.for(UNITS)('$code, $meaning, counts as $size', async ({ code, size }) => {
    const read = await stockOf(`QTY*33*12*${code}`);
    if (size !== 'container') return expect(read).toEqual([[12 * size, '']]);
    expect(read).toEqual([
      textMatching(
        /^Segment 6: QTY\*33 is 12 in the unit ".*" \(.*\), but the file does not say how many/,
      ),
    ]);
    for (const pack of ['PO4*6', 'PO4*6*1*EA', 'PO4*1*6*EA', 'PO4*2*************3'])
      expect(await stockOf(`QTY*33*12*${code}`, pack)).toEqual([[72, '']]);
    return expect(await stockOf('PO4*6', `QTY*33*12*${code}`)).toEqual([[72, '']]);
  });

  test.for([
    [
      'QTY*33*12*LB',
      'Segment 6: QTY*33 is 12 in the unit "LB", which is not counted; send units (EA).',
    ],
    [
      'QTY*33*12*CA',
      'Segment 6: QTY*33 is 12 in the unit "CA" (case), but the file does not say how many units that is; send PO4 with that number as PO401, or units (EA).',
    ],
    [
      'QTY*33*200000000*DZ',
      'Segment 6: QTY*33 is 200000000 in the unit dozen, which is more than 2147483647 units.',
    ],
    [
      'SDQ*CA*92*E1*4',
      'Segment 6: SDQ is 4 in the unit "CA" (case), but the file does not say how many units that is; send PO4 with that number as PO401, or units (EA).',
    ],
  ] as const)('%s is refused', async ([segment, message]) => {
    expect(await stockOf(segment)).toEqual([message]);
  });

  test('a size in another unit, or one that may be the pack again, is not multiplied', async () => {
    expect(await stockOf('QTY*33*2*CA', 'PO4*6*12*OZ')).toEqual([[12, '']]);
    expect(await stockOf('QTY*33*2*CA', 'PO4*6*6*EA')).toEqual([textMatching(/send PO4/)]);
    expect(await stockOf('QTY*33*2*EA', 'PO4*6')).toEqual([[2, '']]);
    expect(await stockOf('QTY*33*2*EA>1>2', 'PO4*6')).toEqual([[2, '']]);
  });

  test.for([
    [['QTY*33*2', 'UIT*DZ'], 24],
    [['UIT*dz*9.95', 'QTY*33*2'], 24],
    [['QTY*33*2', 'UIT*CA>1>2', 'PO4*6'], 12],
    [['QTY*33*2', 'UIT*EA'], 2],
    [['QTY*33*2', 'UIT**9.95'], 2],
    [['QTY*33*2*EA', 'UIT*DZ', 'UIT*CA'], 2],
    [['SDQ**92*E1*2', 'UIT*DZ'], 24],
  ] as const)('a quantity without a unit has that of UIT: %j', async ([segments, expected]) => {
    expect((await stockOf(...segments)).map(([quantity]) => quantity)).toEqual([expected]);
  });

  test('a unit of UIT that is not counted, and two of them, are refused', async () => {
    expect(await stockOf('QTY*33*2', 'UIT*LB')).toEqual([
      'Segment 6: QTY*33 is 2 in the unit "LB", which is not counted; send units (EA).',
    ]);
    expect(await stockOf('QTY*33*2', 'UIT*DZ', 'UIT*EA')).toEqual([
      'Segment 6: QTY*33 is 2 without a unit, and the item has the units "DZ" and "EA"; send the unit of each quantity.',
    ]);
  });

  test('cases of a SKU that is the case are its units', async () => {
    const file = interchange(['LIN**UK*10012345678902', 'QTY*33*12*CA', 'PO4*6']);
    expect(await read(file)).toEqual([[12, '']]);
  });

  test('a unit that is refused is noted for the acknowledgement', async () => {
    const opened = await openInventory(interchange(['LIN**SK*A-1', 'QTY*33*12*CA']));
    await all(opened.rows);
    const terms = { controlNumber: 1, atMs: 0, isRefused: false };
    const [acknowledgement] = opened.acknowledge(() => terms);
    expect(acknowledgement).toMatch(/~AK3\*QTY\*4\*LIN\*8~AK4\*3\*355\*7\*CA~/);
  });
});

describe('several locations in X12', () => {
  const EAST = 'N1*WH*East*92*E1';
  const WEST = 'N1*WH*West*92*W1';
  const TOTAL = 'N1*ZZ*Total';
  const BOTH = [
    [60, 'E1'],
    [40, 'W1'],
  ];

  test.for([
    [['QTY*33*60', EAST, 'QTY*33*40', WEST], BOTH],
    [[EAST, 'QTY*33*60', WEST, 'QTY*33*40'], BOTH],
    [['QTY*33*60', 'LS*1', EAST, 'LE*1', 'QTY*33*40', 'LS*1', WEST, 'LE*1'], BOTH],
    [['SDQ*EA*92*E1*60*W1*40'], BOTH],
    [['SDQ*EA*92*E1*60', 'SDQ*EA*92*W1*40'], BOTH],
    [['QTY*33*60', EAST], [[60, 'E1']]],
    [[EAST, 'QTY*33*60'], [[60, 'E1']]],
    [['SDQ*EA*92*E1*60'], [[60, 'E1']]],
    [['N1*VN*Acme', 'QTY*33*60'], [[60, '']]],
  ] as const)('%j are a row each', async ([segments, expected]) => {
    expect(await stockOf(...segments)).toEqual(expected);
  });

  test.for([
    [['QTY*33*100', EAST, 'QTY*33*60', WEST, 'QTY*33*40']],
    [['QTY*33*60', EAST, 'QTY*33*40', WEST, 'QTY*33*100']],
    [['QTY*33*100', 'QTY*33*60', EAST, 'QTY*33*40', WEST]],
    [['QTY*33*60', EAST, 'QTY*33*40', WEST, 'QTY*33*100', TOTAL]],
    [['QTY*33*100', 'SDQ*EA*92*E1*60*W1*40']],
    [['SDQ*EA*92*E1*60*W1*40', 'QTY*17*100']],
    [
      [
        'QTY*33*100',
        'LS*1',
        TOTAL,
        'LE*1',
        'QTY*33*60',
        'LS*1',
        EAST,
        'LE*1',
        'QTY*33*40',
        'LS*1',
        WEST,
        'LE*1',
      ],
    ],
  ] as const)('in %j the total counts', async ([segments]) => {
    expect(await stockOf(...segments)).toEqual([[100, '']]);
  });

  test('a total of on-hand stock does not replace what is available per location', async () => {
    expect(await stockOf('QTY*17*120', 'QTY*33*60', EAST, 'QTY*33*40', WEST)).toEqual(BOTH);
  });

  test('what is not per location is in the first row', async () => {
    const file = interchange([
      'LIN**SK*A-1',
      'SDQ*EA*92*E1*60*W1*40',
      'QTY*63*7',
      'DTM*018*20270131',
    ]);
    expect(await linesOf(file)).toMatchObject([
      { fields: { quantityInStock: 60, quantityOnBackorder: 7, backorderDate: 20_270_131 } },
      { skuId: 'A-1', fields: { quantityInStock: 40 } },
    ]);
  });

  test('quantities that may be those of either location are refused', async () => {
    expect(await stockOf('QTY*33*70', EAST, 'QTY*33*60', WEST, 'QTY*33*40')).toEqual([
      'Segment 6: it is not clear which quantity is that of which location; send one total per item.',
    ]);
    expect(await stockOf('SDQ*EA*92*E1*60*E1*40')).toEqual([
      'Segment 6: SDQ at "E1" is 40, but segment 6 says 60; send one total per item.',
    ]);
  });

  test('an item without an end is not kept without limit', async () => {
    const quantities = Array.from({ length: 10_001 }, (_, i) => `QTY*33*${i}`);
    expect(await stockOf(...quantities)).toEqual([
      textMatching(/^Segment 10006: the item has more than 10000 quantities and locations\./),
    ]);
    const message = (await stockOf(...Array.from({ length: 100 }, () => 'QTY*33*x')))[0];
    expect(String(message).split('Segment')).toHaveLength(51);
    expect(await stockOf(...Array.from({ length: 100 }, () => EAST), 'QTY*33*5')).toEqual([
      [5, textMatching(/^E1 E1.{190,200}$/)],
    ]);
  });

  test('a transaction set per warehouse is a row each', async () => {
    const sets = [
      set846([EAST, 'LIN**SK*A-1', 'QTY*33*60'], '0001'),
      set846([WEST, 'LIN**SK*A-1', 'QTY*33*40'], '0002'),
      set846(['LIN**SK*A-2', 'QTY*33*1'], '0003'),
    ];
    expect(await read(envelope(sets, { release: '5010' }))).toEqual([...BOTH, [1, '']]);
  });
});

/** The date of a report with these segments before its first LIN. */
const dateOf = async (...header: readonly string[]) => {
  const segments = ['LIN**SK*A-1', 'QTY*33*5'];
  const set = ['ST*846*0001', ...header, ...segments, `SE*${header.length + 4}*0001`];
  const opened = await openInventory(envelope([set]));
  await all(opened.rows);
  return opened.datedAs();
};

describe('the date of an X12 report', () => {
  test.for([
    ['BIA*00*SI*1*20261120', '20261120'],
    ['BIA*00*SI*1*20261120*0915', '202611200915'],
    ['BIA*00*SI*1*20261120*091500', '20261120091500'],
    ['BIA*00*SI*1*20261120*09150075', '2026112009150075'],
    ['BIA*00*SI*1*261120*0915', '202611200915'],
    ['BIA*00*SI*1*20261120*9:15', '20261120 9:15'],
    ['BIA*00*SI*1*2026112*00915', '2026112 00915'],
    ['BIA*00*SI*1', null],
  ] as const)('%s is %s', async ([bia, expected]) => {
    expect(await dateOf(bia)).toBe(expected);
  });

  test('DTM is read if BIA has no date', async () => {
    expect(await dateOf('BIA*00*SI*1', 'DTM*036*20261231', 'DTM*007*20261119*0800')).toBe(
      '202611190800',
    );
    expect(await dateOf('BIA*00*SI*1', 'DTM*007*20261119', 'DTM*097*20261120')).toBe('20261120');
    expect(await dateOf('BIA*00*SI*1*20261118', 'DTM*097*20261120')).toBe('20261118');
  });

  test('a cancellation is refused', async () => {
    await expect(dateOf('BIA*01*SI*1*20261120')).rejects.toMatchObject({
      message:
        'Segment 4: BIA01 is "01" (cancellation); send the quantities that are right now, with BIA01 "00".',
    });
  });
});
