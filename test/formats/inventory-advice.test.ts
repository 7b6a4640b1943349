import { describe, expect, test } from 'vitest';
import {
  BACKORDER_DATE_CODES,
  GTIN_QUALIFIERS,
  OTHER_ID_QUALIFIERS,
  QUANTITY_CODES,
  SKU_ID_QUALIFIERS,
} from '../../src/formats/x12/codes.ts';
import { textMatching } from '../matching.ts';
import { linesOf, openInventory, rowsOf } from './stock-files.ts';
import { all } from './reading.ts';
import { envelope, interchange, set846 } from './x12.ts';

const ITEM = ['LIN**SK*A-1', 'QTY*33*5*EA'];
const LINE = { skuId: 'A-1', gtins: [], fields: { quantityInStock: 5 } };

/** The one line that a LIN and the segments behind it make. */
const lineOf = async (...segments: readonly string[]) => (await linesOf(interchange(segments)))[0];

describe('an inventory advice is read', () => {
  test.for([
    ['of release 4010', {}],
    ['of release 5010', { release: '5010' }],
    ['with other delimiters', { element: '|', component: ':', segment: '\u0085' }],
    [
      'delimited by control characters',
      { element: '\u001d', component: '\u001f', segment: '\u001c' },
    ],
    ['of 5010 with ^ between elements', { release: '5010', element: '^', component: '<' }],
    ['with a line break as the end of a segment', { segment: '\n', lineBreak: '' }],
    ['with CRLF behind each segment', { lineBreak: '\r\n' }],
    ['in one line', { lineBreak: '' }],
    ['with tabs between elements', { element: '\t' }],
    ['with the same mark between elements and components', { element: '|', component: '|' }],
  ] as const)('%s', async ([, writing]) => {
    expect(await linesOf(interchange([...ITEM, 'CTT*1'], writing))).toEqual([LINE]);
  });

  test('wherever its bytes are split', async () => {
    const file = interchange([...ITEM, 'LIN**VN*Käse', 'QTY*17*7', 'CTT*2']);
    const whole = await linesOf(file);
    expect(whole).toHaveLength(2);
    for (const chunkBytes of [1, 2, 7, 105, 106, 107])
      expect(await linesOf(file, { chunkBytes })).toEqual(whole);
  });

  test('whose lines are folded', async () => {
    const folded = interchange(ITEM, { lineBreak: '' }).replaceAll(/.{80}/g, '$&\r\n');
    expect(await linesOf(folded)).toEqual([LINE]);
  });

  test('of several sets and interchanges, each with delimiters of its own', async () => {
    const first = envelope([set846(ITEM, '0001'), set846(ITEM, '0002')]);
    const second = interchange(ITEM, { element: '|', segment: "'" });
    expect(await linesOf(first + second)).toEqual([LINE, LINE, LINE]);
  });

  test('a row is numbered by the segment of its LIN, and shows what was read of it', async () => {
    const opened = await openInventory(
      interchange([
        'LIN*1*SK*A-1*UP*012345678905',
        'PID*F****Enamel kettle',
        'QTY*33*5*EA',
        'QTY*63*12',
        'DTM*018*20270131',
        'REF*ACC*DISCONTINUED',
        'LIN*2*VN*B-1',
        'QTY*17*0',
      ]),
    );
    const rows = (await all(opened.rows)).flat();
    expect(opened.rowUnit).toBe('segment');
    expect(rows.map(({ row, cells }) => [row, ...cells])).toEqual([
      [5, '5', 'A-1', '012345678905', '', '', '', '5', '12', '2027-01-31', 'discontd', ''],
      [11, '11', 'B-1', '', '', '', '', '0', '', '', '', ''],
    ]);
    expect(opened.header).toHaveLength(11);
    expect(opened.datedAs()).toBe('202611230915');
  });
});

/** The `sku_id` that a LIN names, and its alternatives. */
const linesWith = async (lin: string) =>
  (await rowsOf(interchange([lin, 'QTY*33*5']))).map(({ line }) => [line.skuId, line.alternatives]);

describe('the identifiers of a LIN', () => {
  test.for(SKU_ID_QUALIFIERS)('$code, $meaning, is the sku_id', async ({ code }) => {
    expect(await lineOf(`LIN**${code}*A-1`, 'QTY*33*5')).toEqual(LINE);
  });

  test('the first in the table of several qualifiers is the sku_id', async () => {
    expect(await lineOf('LIN**VP*P-1*VN*N-1*SK*A-1', 'QTY*33*5')).toEqual(LINE);
    expect(await lineOf('LIN**VP*P-1*VN*A-1', 'QTY*33*5')).toEqual(LINE);
  });

  test('further numbers of the supplier are alternatives of the sku_id', async () => {
    expect(await linesWith('LIN**VP*C*VN*B*SK*A*UP*012345678905*BP*D')).toEqual([
      ['A', ['B', 'C']],
    ]);
    expect(await linesWith('LIN**BP*B*IN*A')).toEqual([['A', ['B']]]);
    expect(await linesWith('LIN**VN*A*SK*A')).toEqual([['A', undefined]]);
  });

  test.for(OTHER_ID_QUALIFIERS)(
    '$code, $meaning, is the sku_id only if nothing else identifies the SKU',
    async ({ code }) => {
      expect(await lineOf(`LIN**${code}*A-1`, 'QTY*33*5')).toEqual(LINE);
      expect(await lineOf(`LIN**${code}*9*SK*A-1`, 'QTY*33*5')).toEqual(LINE);
      expect(await lineOf(`LIN**${code}*9*UP*012345678905`, 'QTY*33*5')).toEqual({
        ...LINE,
        skuId: null,
        gtins: [12_345_678_905],
      });
    },
  );

  const SAMPLES: Readonly<Record<string, readonly [text: string, gtin: number]>> = {
    UP: ['012345678905', 12_345_678_905],
    UI: ['01234567890', 12_345_678_905],
    EN: ['4006381333931', 4_006_381_333_931],
    EO: ['96385074', 96_385_074],
    UK: ['10012345678902', 10_012_345_678_902],
    IB: ['0306406152', 9_780_306_406_157],
  };

  test.for(GTIN_QUALIFIERS)('$code, $meaning, is read as $form', async ({ code }) => {
    const [text, gtin] = SAMPLES[code] ?? ['', 0];
    expect(await lineOf(`LIN**${code}*${text}`, 'QTY*33*5')).toEqual({
      ...LINE,
      skuId: null,
      gtins: [gtin],
    });
  });

  test('with unknown qualifiers are ignored', async () => {
    expect(await lineOf('LIN**MN*77*SK*A-1*BO*RED', 'QTY*33*5')).toEqual(LINE);
  });

  test.for([
    [
      ['LIN**MN*77*BO*RED', 'QTY*33*5'],
      /^Segment 5: the LIN names no SKU: it has only "MN", "BO"; send one of SK, VN, VP, VC, UP/,
    ],
    [['LIN', 'QTY*33*5'], /^Segment 5: the LIN names no SKU; send one of SK/],
    [['LIN**SK*A-1'], /^Segment 5: the LIN sets nothing; send one of QTY\*33/],
    [
      ['LIN**SK*A-1', 'QTY*77*5', 'QTY*V3*5'],
      /^Segment 5: the LIN sets nothing: it has only "QTY\*77", "QTY\*V3"; send one of QTY\*33/,
    ],
    [
      ['LIN**UP*012345678906', 'QTY*33*5'],
      /^Segment 5: UP \(upca\) "012345678906" has a wrong check digit/,
    ],
    [['LIN**SK*A*SK*B', 'QTY*33*5'], /^Segment 5: SK is given twice, as "A" and "B"\.$/],
    [[`LIN**SK*${'x'.repeat(257)}`, 'QTY*33*5'], /is too long; a sku_id has 1 to 256 characters/],
  ] as const)('%j are refused', async ([segments, message]) => {
    expect(await lineOf(...segments)).toEqual(textMatching(message));
  });
});

describe('what a LIN sets', () => {
  test.for(QUANTITY_CODES)('QTY $code, $meaning, is $field', async ({ code, field }) => {
    expect(await lineOf('LIN**SK*A-1', `QTY*${code}*5*EA`)).toEqual({
      ...LINE,
      fields: { [field]: 5 },
    });
  });

  test('the quantity with the first qualifier in the table counts, in any order', async () => {
    const codes = QUANTITY_CODES.filter(({ field }) => field === 'quantityInStock');
    const segments = codes.map(({ code }, i) => `QTY*${code}*${i}`);
    expect(await lineOf('LIN**SK*A-1', ...segments)).toMatchObject({
      fields: { quantityInStock: 0 },
    });
    expect(await lineOf('LIN**SK*A-1', ...segments.toReversed())).toMatchObject({
      fields: { quantityInStock: 0 },
    });
  });

  test.for(BACKORDER_DATE_CODES)('DTM $code, $meaning, is the backorder date', async ({ code }) => {
    expect(await lineOf(...ITEM, `DTM*${code}*20270131`)).toMatchObject({
      fields: { quantityInStock: 5, backorderDate: 20_270_131 },
    });
    expect(await lineOf(...ITEM, `DTM*${code}****D8*20270131`)).toMatchObject({
      fields: { backorderDate: 20_270_131 },
    });
  });

  test('the first schedule sets the backorder', async () => {
    const schedules = ['SCH*12*EA***018*20270131', 'SCH*40*EA***018*20270301'];
    expect(await lineOf(...ITEM, ...schedules)).toMatchObject({
      fields: { quantityInStock: 5, quantityOnBackorder: 12, backorderDate: 20_270_131 },
    });
    expect(await lineOf(...ITEM, 'QTY*63*7', ...schedules)).toMatchObject({
      fields: { quantityOnBackorder: 7, backorderDate: 20_270_131 },
    });
  });

  test.for([
    ['discontinued', 1],
    ['obsolete', 1],
    ['tmpunavail', 2],
    ['temporarily unavailable', 2],
    ['on hold', 2],
    ['active', null],
    ['in stock', null],
    ['out of stock', null],
    ['épuisé', null],
  ] as const)('the status %s is the restriction %s', async ([word, restrictions]) => {
    for (const segment of [`REF*ACC*${word.toUpperCase()}`, `REF*ZZ**${word}`]) {
      expect(await lineOf('LIN**SK*A-1', segment)).toEqual({ ...LINE, fields: { restrictions } });
    }
  });

  test('a mutually defined value that is not a status is ignored', async () => {
    expect(await lineOf(...ITEM, 'REF*ZZ*AISLE-7')).toEqual(LINE);
  });

  test('segments that set nothing are ignored', async () => {
    const others = [
      'PID*F****Kettle',
      'MEA**WT*2*LB',
      'CTP**MSR*19.95',
      'N1*WH*EAST',
      'LDT*AF*3*DA',
    ];
    expect(await lineOf('LIN**SK*A-1', ...others, 'QTY*33*5')).toEqual(LINE);
  });

  test.for([
    ['QTY*33*-1', /^Segment 6: QTY\*33 is "-1", not a whole number .*; send negative=zero to read/],
    ['QTY*33*5.5', /^Segment 6: QTY\*33 is "5\.5"/],
    ['QTY*33', /^Segment 6: QTY\*33 is "", not a whole number/],
    ['DTM*018*310127', /^Segment 6: DTM\*018 is "310127", not a calendar date written ccyymmdd\.$/],
    ['DTM*018*20270229', /not a calendar date/],
    ['REF*ACC*SOLD', /^Segment 6: the status "SOLD" is none of discontinued/],
  ] as const)('%s refuses only its line', async ([segment, message]) => {
    expect(await linesOf(interchange(['LIN**SK*B', segment, ...ITEM]))).toEqual([
      textMatching(message),
      LINE,
    ]);
  });

  test('two quantities that contradict each other are refused', async () => {
    expect(await lineOf('LIN**SK*A', 'QTY*33*5', 'PID*F****KETTLE', 'QTY*33*6')).toBe(
      'Segment 8: QTY*33 is 6, but segment 6 says 5; send one total per item.',
    );
    expect(await lineOf('LIN**SK*A-1', 'QTY*33*5', 'QTY*33*5')).toEqual(LINE);
    expect(await lineOf('LIN**SK*A-1', 'QTY*1*5')).toEqual(LINE);
  });
});

/** What is said of an interchange whose text was changed. */
const refusalOf = async (from: string | RegExp, to: string) => {
  const file = interchange([...ITEM, 'CTT*1']);
  expect(file).toMatch(from);
  return rowsOf(file.replace(from, to)).then(
    () => 'read',
    (error: unknown) => (error instanceof Error ? error.message : 'unknown'),
  );
};

describe('an inconsistent envelope is refused; the error names the segment', () => {
  test.for([
    [
      'SE*6*0001~',
      'SE*7*0001~',
      'Segment 8: SE01 says "7" segments, but there are 6 from segment 3 on, including ST and SE.',
    ],
    ['SE*6*0001~', 'SE*6*0002~', 'Segment 8: SE02 is "0002", but ST02 of segment 3 is "0001".'],
    [
      'GE*1*7~',
      'GE*2*7~',
      'Segment 9: GE01 says "2" transaction sets, but there are 1 from segment 2 on.',
    ],
    ['GE*1*7~', 'GE*1*8~', 'Segment 9: GE02 is "8", but GS06 of segment 2 is "7".'],
    [
      'IEA*1*000000042~',
      'IEA*2*000000042~',
      'Segment 10: IEA01 says "2" groups, but there are 1 from segment 1 on.',
    ],
    [
      'IEA*1*000000042~',
      'IEA*1*000000043~',
      'Segment 10: IEA02 is "000000043", but ISA13 of segment 1 is "000000042".',
    ],
    ['CTT*1~', 'CTT*2~', 'Segment 7: CTT01 says "2" line items, but there are 1.'],
    ['ST*846', 'ST*850', 'Segment 3: ST01 is "850"; only 846 (inventory advice) is supported.'],
    [
      'GS*IB',
      'GS*PO',
      'Segment 2: GS01 is "PO"; only groups of inventory advice (IB) are supported.',
    ],
    [
      'X*004010',
      'X*003040',
      'Segment 2: GS08 is "003040"; releases from 004010 to 008060 are supported.',
    ],
    [
      /IEA.*~\n/,
      '',
      'The file ends with segment 9, and the end of the interchange (IEA) that segment 1 opens is missing; the file is truncated.',
    ],
    [
      /GE[^]*/,
      '',
      'The file ends with segment 8, and the end of the group (GE) that segment 2 opens is missing; the file is truncated.',
    ],
    [
      /SE[^]*/,
      '',
      'The file ends with segment 7, and the end of the transaction set (SE) that segment 3 opens is missing; the file is truncated.',
    ],
    [/SE\*6\*0001~\nGE/, 'GE', 'Segment 8: GE is inside the transaction set of segment 3.'],
    [/GE\*1\*7~\n/, '', 'Segment 9: IEA is inside the group of segment 2.'],
    ['ST*846*0001~', 'LIN**SK*A~', 'Segment 3: "LIN" is outside of any ST … SE.'],
    [/5\*EA~\n[^]*/, '5', 'The file ends inside segment 6 ("QTY*33*5"); it is truncated.'],
  ] as const)('%s as %s', async ([from, to, message]) => {
    expect(await refusalOf(from, to)).toBe(message);
  });

  test('an ISA with unpadded fields is read, one without delimiters is refused', async () => {
    const file = interchange(ITEM);
    expect(await linesOf(file.replace(/ACME +/, 'ACME'))).toEqual([LINE]);
    await expect(rowsOf(file.slice(0, 80))).rejects.toMatchObject({
      message: textMatching(/Segment 1 should be an ISA of 106 characters/),
    });
    await expect(rowsOf(file.replace('P*>~', 'P*A~'))).rejects.toMatchObject({
      message: textMatching(/Segment 1 should be an ISA/),
    });
  });

  test('only another interchange may follow an interchange', async () => {
    await expect(rowsOf(`${interchange(ITEM)}sku_id,quantity\n`)).rejects.toMatchObject({
      message: textMatching(/Segment 10 should be an ISA/),
    });
  });

  test('a segment without an end is not buffered without limit', async () => {
    const file = `${interchange(ITEM, { lineBreak: '' }).slice(0, 200)}${'x'.repeat(2_000_000)}`;
    await expect(rowsOf(file)).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/Segment \d+ is longer than 1048576 characters; its end \("~"\)/),
    });
  });
});
