import { describe, expect, test } from 'vitest';
import {
  BACKORDER_DATE_CODES,
  GTIN_TYPES,
  OTHER_ID_TYPES,
  QUANTITY_CODES,
  SKU_ID_TYPES,
} from '../../src/formats/edifact/codes.ts';
import { textMatching } from '../matching.ts';
import { interchangeOf, message, report } from './edifact.ts';
import { all } from './reading.ts';
import { linesOf, openInventory, rowsOf } from './stock-files.ts';

const ITEM = ['LIN+1++A-1:SA', 'QTY+145:5:PCE'];
const LINE = { skuId: 'A-1', gtins: [], fields: { quantityInStock: 5 } };

const lineOf = async (...segments: readonly string[]) => (await linesOf(report(segments)))[0];

/** The `quantity_in_stock` and the location of each row of an item, or its message. */
const stockOf = async (segments: readonly string[], release = '96A') =>
  (await rowsOf(report(['LIN+1++A-1:SA', ...segments], { release }))).map(
    ({ cells, line: { fields, refusal } }) =>
      refusal === undefined ? [fields.quantityInStock, cells.at(-1)] : refusal.message,
  );

test('an inventory report is read segment by segment', async () => {
  const file = [
    "UNA:+.? 'UNB+UNOC:3+5412345000013:14+4012345000094:14+261123:0915+INT42++++++EANCOM'",
    "UNH+ME1+INVRPT:D:96A:UN:EAN008'BGM+35+IVR21599+9'DTM+137:20261123:102'",
    "DTM+366:202611230800:203'NAD+SU+5412345000013::9'NAD+WH+4023083000008::9'RFF+ON:4711'",
    "LIN+1++4006381333931:EN'PIA+1+KETTLE?+CRE:SA'IMD+F++:::Enamel kettle, cream'",
    "QTY+145:12.000:PCE'QTY+83:4:PCE'DTM+44:20270131:102'",
    "LIN+2'PIA+5+B?'1:SA::91+77:IN'PIA+4+OTHER:SA'QTY+17:0'",
    "CNT+2:2'UNT+19+ME1'UNZ+1+INT42'",
  ].join('\r\n');
  const opened = await openInventory(file);
  const rows = (await all(opened.rows)).flat();
  expect(opened).toMatchObject({ format: 'edifact', rowUnit: 'segment' });
  expect(opened.datedAs()).toBe('202611230800');
  const warehouse = '4023083000008';
  expect(rows.map(({ row, cells }) => [row, ...cells])).toEqual([
    [9, '9', 'KETTLE+CRE', '', '4006381333931', '', '', '12', '4', '2027-01-31', '', warehouse],
    [15, '15', "B'1", '', '', '', '', '0', '', '', '', warehouse],
  ]);
});

describe('an EDIFACT inventory report is read', () => {
  test.for([
    ['without UNA', {}],
    ['with the UNA of the standard', { una: ":+.? '" }],
    ['with other service characters', { una: '|^,\\ ~' }],
    ['without a release character', { una: ":+.  '" }],
    ['with a line break as the end of a segment', { una: ':+.? \n', lineBreak: '' }],
    ['in one line', { lineBreak: '' }],
    ['of D.01B', { release: '01B' }],
    ['in UNOA', { characterSet: 'UNOA' }],
    ['in UNOW', { characterSet: 'UNOW' }],
  ] as const)('%s', async ([, writing]) => {
    expect(await linesOf(report([...ITEM, 'CNT+2:1'], writing))).toEqual([LINE]);
  });

  test('wherever its bytes are split', async () => {
    const file = report([...ITEM, "LIN+2++K?'ä??:SA", 'QTY+17:7', 'CNT+2:2'], { una: ":+.? '" });
    const whole = await linesOf(file);
    expect(whole).toMatchObject([LINE, { skuId: "K'ä?" }]);
    for (const chunkBytes of [1, 2, 7, 9, 10])
      expect(await linesOf(file, { chunkBytes })).toEqual(whole);
  });

  test('of several messages, groups and interchanges', async () => {
    const two = interchangeOf([message(ITEM), message(ITEM, { reference: '2' })]);
    const group = report(ITEM)
      .replace('UNH', "UNG+INVRPT+A+B+261123:0915+7+UN+D:96A'UNH")
      .replace('UNZ', "UNE+1+7'UNZ");
    expect(await linesOf(two + report(ITEM, { una: '|^,\\ ~' }) + group)).toEqual([
      LINE,
      LINE,
      LINE,
      LINE,
    ]);
  });

  test('in Latin-1', async () => {
    const file = Buffer.from(report(['LIN+1++K\u00e4se:SA', 'QTY+145:5']), 'latin1');
    expect(await linesOf(file)).toEqual([{ ...LINE, skuId: 'Käse' }]);
    const other = Buffer.from(
      report(['LIN+1++K\u00e4se:SA', 'QTY+145:5'], { characterSet: 'UNOD' }),
      'latin1',
    );
    await expect(rowsOf(other)).rejects.toMatchObject({
      message: textMatching(/^Segment 5: UNB names the character set "UNOD", of which only ASCII/),
    });
  });
});

describe('the identifiers of an EDIFACT item', () => {
  test.for(SKU_ID_TYPES)('$code, $meaning, is the sku_id', async ({ code }) => {
    expect(await lineOf(`LIN+1++A-1:${code}`, 'QTY+145:5')).toEqual(LINE);
    expect(await lineOf('LIN+1', `PIA+1+A-1:${code}`, 'QTY+145:5')).toEqual(LINE);
  });

  test('further numbers of the supplier are alternatives of the sku_id', async () => {
    const rows = await rowsOf(report(['LIN+1++C:VP', 'PIA+1+A:SA+B:VN', 'QTY+145:5']));
    expect(rows.map(({ line }) => [line.skuId, line.alternatives])).toEqual([['A', ['B', 'C']]]);
  });

  test.for(OTHER_ID_TYPES)(
    '$code, $meaning, is the sku_id only if nothing else is',
    async ({ code }) => {
      expect(await lineOf(`LIN+1++A-1:${code}`, 'QTY+145:5')).toEqual(LINE);
      expect(await lineOf(`LIN+1++9:${code}`, 'PIA+5+A-1:SA', 'QTY+145:5')).toEqual(LINE);
    },
  );

  const SAMPLES: Readonly<Record<string, readonly string[]>> = {
    SRV: ['4006381333931', '012345678905', '10012345678902', '96385074'],
    EN: ['4006381333931', '96385074', '10012345678902'],
    UP: ['012345678905'],
    IB: ['9780306406157', '0306406152'],
  };

  test.for(GTIN_TYPES)('$code, $meaning, is a GTIN', async ({ code }) => {
    for (const text of SAMPLES[code] ?? []) {
      const gtin = text === '0306406152' ? 9_780_306_406_157 : Number(text);
      expect(await lineOf(`LIN+1++${text}:${code}`, 'QTY+145:5')).toMatchObject({ gtins: [gtin] });
    }
  });

  test.for([
    [
      ['LIN+1++77:MN', 'QTY+145:5'],
      /^Segment 5: the LIN names no SKU: it has only "MN"; send one of SA, SK, VN, VP, SRV/,
    ],
    [
      ['LIN+1++4006381333932:SRV', 'QTY+145:5'],
      /^Segment 5: SRV "4006381333932" has a wrong check digit/,
    ],
    [
      ['LIN+1++A:SA', 'PIA+1+B:SA', 'QTY+145:5'],
      /^Segment 6: SA is "B", but segment 5 says "A"\.$/,
    ],
    [
      ['LIN+1++A:SA', 'QTY+156:5'],
      /^Segment 5: the LIN sets nothing: it has only "QTY\+156"; send one of QTY\+145/,
    ],
    [['LIN+1+2+A:SA', 'QTY+145:5'], /^Segment 5: the LIN is deleted/],
    [['LIN+1++A:SA', 'QTY+145:1,000'], /^Segment 6: QTY\+145 is "1,000", not a whole number/],
    [
      ['LIN+1++A:SA', 'QTY+145:5', 'DTM+44:2027:602'],
      /^Segment 7: DTM\+44 is "2027" in the format "602"/,
    ],
  ] as const)('%j are refused', async ([segments, expected]) => {
    expect(await lineOf(...segments)).toEqual(textMatching(expected));
  });
});

describe('the quantities of an EDIFACT item', () => {
  test.for(QUANTITY_CODES)('$code, $meaning, is $field', async ({ code, field }) => {
    expect(await lineOf('LIN+1++A-1:SA', `QTY+${code}:5:PCE`)).toEqual({
      ...LINE,
      fields: { [field]: 5 },
    });
  });

  test.for(BACKORDER_DATE_CODES)('DTM $code, $meaning, is the backorder date', async ({ code }) => {
    expect(await lineOf(...ITEM, `DTM+${code}:20270131:102`)).toMatchObject({
      fields: { backorderDate: 20_270_131 },
    });
  });

  test.for([
    ['101', '270131'],
    ['201', '2701310915'],
    ['203', '202701310915'],
    ['204', '20270131091500'],
    ['303', '202701310915CET'],
    ['718', '20270101-20270131'],
    ['', '20270131'],
  ] as const)('a date in the format %s', async ([format, text]) => {
    expect(await lineOf(...ITEM, `DTM+44:${text}:${format}`)).toMatchObject({
      fields: { backorderDate: 20_270_131 },
    });
  });

  test('the decimal mark is that of UNA', async () => {
    expect(await linesOf(report(['LIN+1++A-1:SA', 'QTY+145:5,000'], { una: ":+,? '" }))).toEqual([
      LINE,
    ]);
  });

  test.for([
    [['QTY+145:2:DZN'], [[24, '']]],
    [['QTY+145:2:CT', 'QTY+59:6'], [[12, '']]],
    [
      ['QTY+145:2:CT'],
      [
        'Segment 6: QTY+145 is 2 in the unit "CT" (carton), but the file does not say how many units that is; send QTY+59 with that number, or units (EA).',
      ],
    ],
    [
      ['QTY+145:2:KGM'],
      ['Segment 6: QTY+145 is 2 in the unit "KGM", which is not counted; send units (EA).'],
    ],
    [
      ['QTY+145:60', 'LOC+18+E1', 'QTY+145:40', 'LOC+18+W1'],
      [
        [60, 'E1'],
        [40, 'W1'],
      ],
    ],
    [['QTY+145:100', 'QTY+145:60', 'LOC+18+E1', 'QTY+145:40', 'LOC+18+W1'], [[100, '']]],
    [
      ['QTY+145:60', 'NAD+WH+E1::92', 'LOC+14+BIN-7', 'QTY+145:40', 'NAD+WH+W1::92'],
      [
        [60, 'E1 BIN-7'],
        [40, 'W1'],
      ],
    ],
    [['LOC+27+DE', 'QTY+145:60'], [[60, '']]],
    [
      ['QTY+145:60', 'QTY+145:40'],
      ['Segment 7: QTY+145 is 40, but segment 6 says 60; send one total per item.'],
    ],
  ] as const)('%j are %j', async ([segments, expected]) => {
    expect(await stockOf(segments)).toEqual(expected);
  });

  test('inventory that cannot be sold is left out', async () => {
    expect(await stockOf(['QTY+145:60', 'INV++1', 'QTY+145:7', 'INV++2'])).toEqual([[60, '']]);
    expect(await stockOf(['INV++2', 'QTY+145:7', 'INV++1', 'QTY+145:60'], '01B')).toEqual([
      [60, ''],
    ]);
    // A movement is not what is there.
    expect(await stockOf(['QTY+145:60', 'INV++1', 'QTY+145:7', 'INV+1++4'])).toEqual([[60, '']]);
    expect(await stockOf(['QTY+145:7', 'INV++2'])).toEqual([
      textMatching(/it has only "QTY\+145 \(damaged\)"/),
    ]);
  });
});

describe('the date of an EDIFACT report', () => {
  test.for([
    ['DTM+137:202611230915:203', '202611230915'],
    ["DTM+137:20261123:102'DTM+366:20261121:102", '20261121'],
    ['DTM+137:23.11.2026:102', '23.11.2026 (102)'],
    ['DTM+137:261123:101', '20261123'],
    ['FTX+AAI+++none', null],
  ] as const)('%s is %s', async ([dtm, expected]) => {
    const text = report(ITEM).replace('DTM+137:202611230915:203', dtm);
    const opened = await openInventory(text.replace('UNT+6', `UNT+${dtm.includes("'") ? 7 : 6}`));
    await all(opened.rows);
    expect(opened.datedAs()).toBe(expected);
  });
});

/** What is said of an interchange whose text was changed, and its acknowledgement. */
const refusalOf = async (from: string | RegExp, to: string) => {
  const file = report([...ITEM, 'CNT+2:1'], { lineBreak: '' });
  expect(file).toMatch(from);
  const opened = await openInventory(file.replace(from, to));
  const said = await all(opened.rows).then(
    () => 'read',
    (error: unknown) => (error instanceof Error ? error.message : 'unknown'),
  );
  const terms = {
    controlNumber: 77,
    atMs: Date.UTC(2026, 10, 23, 9, 5),
    isRefused: said !== 'read',
  };
  const [contrl = ''] = opened.acknowledge(() => terms);
  return [said, contrl.split("'").slice(2, -3).join("'")];
};

describe('an inconsistent EDIFACT envelope is refused, and rejected in a CONTRL', () => {
  const REJECTED = 'UCI+42+4012345000009:14+ACME:ZZ+4';
  const MESSAGE = `${REJECTED}'UCM+1+INVRPT:D:96A:UN+4`;
  test.for([
    [
      "UNT+7+1'",
      "UNT+8+1'",
      'Segment 8: UNT says "8" segments, but there are 7 from segment 2 on, including UNH and UNT.',
      `${MESSAGE}+29`,
    ],
    [
      "UNT+7+1'",
      "UNT+7+2'",
      'Segment 8: UNT has the reference "2", but UNH of segment 2 has "1".',
      `${MESSAGE}+28`,
    ],
    [
      'UNZ+1+42',
      'UNZ+2+42',
      'Segment 9: UNZ says "2" messages or groups, but there are 1 from segment 1 on.',
      `${REJECTED}+29`,
    ],
    [
      'UNZ+1+42',
      'UNZ+1+43',
      'Segment 9: UNZ has the reference "43", but UNB of segment 1 has "42".',
      `${REJECTED}+28`,
    ],
    ['CNT+2:1', 'CNT+2:3', 'Segment 7: CNT says "3" line items, but there are 1.', `${MESSAGE}+29`],
    [
      'INVRPT:D:96A',
      'DESADV:D:96A',
      'Segment 2: the message is "DESADV"; only INVRPT (inventory report) is supported.',
      `${REJECTED}'UCM+1+DESADV:D:96A:UN+4+14`,
    ],
    [
      'INVRPT:D:96A',
      'INVRPT:2:912',
      'Segment 2: the message is of version "2"; directories from D.96A on are supported.',
      `${REJECTED}'UCM+1+INVRPT:2:912:UN+4+14`,
    ],
    [
      'INV-1+9',
      'INV-1+1',
      'Segment 3: the message is a cancellation (function 1 in BGM); send the quantities that are right now, with function 9.',
      `${MESSAGE}+14`,
    ],
    [
      /UNZ.*/,
      '',
      'The file ends with segment 8, and the end of the interchange (UNZ) that segment 1 opens is missing; the file is truncated.',
      `${REJECTED}+13`,
    ],
    [
      /UNT.*/,
      '',
      'The file ends with segment 7, and the end of the message (UNT) that segment 2 opens is missing; the file is truncated.',
      `${MESSAGE}+13`,
    ],
    [/UNT[^']*'/, '', 'Segment 8: UNZ is inside the message of segment 2.', `${MESSAGE}+13`],
    [/UNH[^']*'/, '', 'Segment 2: "BGM" is outside of any UNH … UNT.', `${REJECTED}+15`],
    [
      /5:PCE'.*/,
      '5',
      'The file ends inside segment 6 ("QTY+145:5"); it is truncated.',
      `${REJECTED}+18`,
    ],
  ] as const)('%s as %s', async ([from, to, said, contrl]) => {
    expect(await refusalOf(from, to)).toEqual([said, contrl]);
  });

  test('only another interchange may follow an interchange', async () => {
    await expect(rowsOf(`${report(ITEM)}sku_id,quantity\n`)).rejects.toMatchObject({
      message: 'Segment 9 should be UNB, after UNA if the interchange has one, and is "sku_id,qu".',
    });
  });
});

test.for([
  [{}, '', 'UNB+UNOC:3+ACME:ZZ+4012345000009:14+261123:0905+77'],
  [{ una: '|^,\\ ~' }, 'UNA|^,\\ ~', 'UNB^UNOC|3^ACME|ZZ^4012345000009|14^261123|0905^77'],
] as const)(
  'a CONTRL is addressed to the sender, with the service characters of the interchange',
  async ([writing, una, unb]) => {
    const opened = await openInventory(report(ITEM, writing));
    await all(opened.rows);
    const terms = { controlNumber: 77, atMs: Date.UTC(2026, 10, 23, 9, 5), isRefused: false };
    const end = una === '' ? "'" : '~';
    const printed = opened.acknowledge(() => terms)[0]?.split(end) ?? [];
    const rest = [
      'UNH+1+CONTRL:D:3:UN',
      'UCI+42+4012345000009:14+ACME:ZZ+7',
      'UNT+3+1',
      'UNZ+1+77',
      '',
    ];
    const own = (text: string): string =>
      una === '' ? text : text.replaceAll('+', '^').replaceAll(':', '|');
    const service = una === '' ? [] : [una.slice(0, -1)];
    expect(printed).toEqual([...service, unb, ...rest.map(own)]);
  },
);
