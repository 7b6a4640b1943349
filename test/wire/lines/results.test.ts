import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import { type LineDraft, type Lines, LinesBuilder } from '../../../src/domain/lines.ts';
import {
  type Failure,
  type LineOutcomes,
  printFailures,
  printResults,
  resultOfLine,
} from '../../../src/wire/lines/results.ts';

function linesOf(drafts: readonly Partial<LineDraft>[]): Lines {
  const builder = new LinesBuilder(drafts.length);
  for (const draft of drafts) builder.add({ skuId: null, gtins: [], fields: {}, ...draft });
  return builder.build();
}

type Failing = readonly [
  line: Partial<LineDraft>,
  status: number,
  detail: Failure['detail'],
  message: string,
];

/** Lines that fail, and the message that says why. */
const FAILING: readonly Failing[] = [
  [
    { refusal: { message: 'It cannot be read.', namesRead: false } },
    400,
    null,
    'It cannot be read.',
  ],
  [
    { skuId: "it's" },
    404,
    null,
    `No sku found with sku identifier: {'sku_id': "it's"}; Valid identifiers: sku_id, upca, ean13, gtin14, isbn`,
  ],
  [
    { skuId: '007', gtins: [96_385_074], asSent: { sku_id: ['007'], ean13: '9638-5074' } },
    404,
    null,
    `No sku found with sku identifier: {'sku_id': 007, 'ean13': '9638-5074'}; Valid identifiers: sku_id, upca, ean13, gtin14, isbn`,
  ],
  [
    { skuId: 'A' },
    412,
    { kind: 'older', heldAsOfUs: 1_795_450_879_041_007 },
    'The line is older than what is held, which is as of 2026-11-23T16:21:19.041007Z',
  ],
  [
    { skuId: 'A' },
    412,
    { kind: 'unexpected', quantityInStock: 7 },
    'quantity_in_stock is 7, and not what the line expects',
  ],
  [
    { skuId: 'A' },
    412,
    { kind: 'unexpected', quantityInStock: null },
    'quantity_in_stock is null (unknown), and not what the line expects',
  ],
  [
    { skuId: 'A' },
    422,
    { kind: 'impossible', quantityInStock: 2, change: -3 },
    'quantity_in_stock is 2: a change of -3 would take it below 0',
  ],
  [
    { skuId: 'A' },
    422,
    { kind: 'impossible', quantityInStock: 2_147_483_647, change: 1 },
    'quantity_in_stock is 2147483647: a change of 1 would take it above 2147483647',
  ],
  [
    { skuId: 'A' },
    422,
    { kind: 'impossible', quantityInStock: null, change: 1 },
    'quantity_in_stock is null (unknown): there is nothing to change until it is set',
  ],
  [
    { gtins: [96_385_074], asSent: { ean13: '96385074' } },
    422,
    { kind: 'ambiguous', skuIds: ['A', 'B'] },
    "More than one sku matches: 'A', 'B'; name the one that is meant by its sku_id",
  ],
  [
    { skuId: 'A' },
    424,
    { kind: 'left_out', because: 3 },
    'Left out because the line at index 3 was not applied',
  ],
];

const lines = linesOf([{ skuId: 'A' }, ...FAILING.map(([draft]) => draft)]);
const outcomes: LineOutcomes = {
  statuses: Uint16Array.from([200, ...FAILING.map(([, status]) => status)]),
  details: new Map(
    FAILING.flatMap(([, , detail], i) => (detail === null ? [] : [[i + 1, detail]])),
  ),
  effects: new Map(),
};

function printed(failuresOnly: boolean): string {
  return [...printResults(lines, outcomes, { failuresOnly })].join('');
}

const RESULTS = FAILING.map(([, status_code, , message]) => ({ status_code, message }));

test('each line has its status and message at its index', () => {
  const success = { status_code: 200, message: 'success' };
  expect(printed(false)).toBe(JSON.stringify([success, ...RESULTS]));
});

describe('failed lines only', () => {
  const EXPECTED = JSON.stringify(RESULTS.map((result, i) => ({ index: i + 1, ...result })));

  test('have their index', () => {
    expect(printed(true)).toBe(EXPECTED);
  });

  test('are printed from storage to the same bytes', () => {
    const kept = FAILING.map(([, status, detail], i) => ({
      index: i + 1,
      status,
      detail,
      message: lines.refusals.get(i + 1)?.message ?? null,
      skuId: lines.skuIds[i + 1] ?? null,
      asSent: lines.asSent[i + 1] ?? null,
    }));
    expect([...printFailures(kept)].join('')).toBe(EXPECTED);
    expect([...printFailures([])].join('')).toBe('[]');
  });
});

test('a result has the effect of its line if it is known', () => {
  const after = {
    ...NOTHING_KNOWN,
    quantityInStock: 5,
    backorderDate: 20_270_101,
    restrictions: 2,
  };
  const effect = { skuUuid: 'u', before: NOTHING_KNOWN, after, sequence: 9 };
  const one = { ...outcomes, statuses: Uint16Array.of(200), effects: new Map([[0, effect]]) };
  const results = printResults(linesOf([{ skuId: 'A' }]), one, { failuresOnly: false });
  expect([...results].join('')).toBe(
    '[{"status_code":200,"message":"success","sku_uuid":"u",' +
      '"before":{"quantity_in_stock":null,"quantity_on_backorder":null,"restrictions":null,"backorder_date":null},' +
      '"after":{"quantity_in_stock":5,"quantity_on_backorder":null,"restrictions":"tmpunavail","backorder_date":"2027-01-01"},' +
      '"sequence":9}]',
  );
});

test('throws for a failure without a reason', () => {
  const bare = { ...outcomes, statuses: Uint16Array.of(412), details: new Map() };
  expect(() => resultOfLine(linesOf([{ skuId: 'A' }]), bare)).toThrow('no reason');
});

test('long results are printed in slices, and whole', () => {
  const many = linesOf(Array.from({ length: 20_000 }, (_, i) => ({ skuId: `A-${i}` })));
  const statuses = Uint16Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? 200 : 404));
  const slices = [...printResults(many, { ...outcomes, statuses }, { failuresOnly: false })];
  expect(Math.max(...slices.map((slice) => slice.length))).toBeLessThan(70_000);
  expect(JSON.parse(slices.join(''))).toHaveLength(20_000);
});
