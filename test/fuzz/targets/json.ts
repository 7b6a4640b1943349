import { JsonCounter, type JsonLimits } from '../../../src/wire/json-counter.ts';
import { DEPTH_MAX, findFault } from '../../../src/wire/json-fault.ts';
import { parseBody } from '../../../src/wire/json.ts';
import { parsingBulk } from '../../../src/wire/lines/bulk-body.ts';
import { decodeUtf8 } from '../../../src/wire/utf8.ts';
import type { Lines } from '../../../src/domain/lines.ts';
import { parseSkuChange, parseSkuCreation } from '../../../src/wire/inventory/sku-creation.ts';
import { sourceMembersOf } from '../../../src/wire/json-source.ts';
import {
  checkMessage,
  cut,
  expectSame,
  expectThat,
  outcomeOf,
  type Outcome,
  type Target,
} from '../target.ts';
import type { Random } from '../../random.ts';

/** So small that inputs of a few kilobytes reach them. */
const LIMITS: JsonLimits = {
  linesMax: 40,
  membersMax: 24,
  textBytesMax: 1024,
  formBytesMax: 2048,
};
const NO_LIMITS: JsonLimits = {
  linesMax: 1e6,
  membersMax: 1e6,
  textBytesMax: 1e9,
  formBytesMax: 1e9,
};
const TERMS = { nowMs: 1_795_000_000_000, asOfToleranceSeconds: 300, asOfUs: undefined };

/** Texts that lines contain. */
export const LINE_TOKENS = [
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '\\ud800',
  '"sku_id":"A-1"',
  '"sku_id":7',
  '"upca":"012345678905"',
  '"ean13":4006381333931',
  '"gtin14":"00012345678905"',
  '"isbn":"0306406152"',
  '"quantity_in_stock":5',
  '"quantity_in_stock":"5.0"',
  '"quantity_in_stock_change":-1',
  '"quantity_on_backorder":null',
  '"restrictions":"discontd"',
  '"backorder_date":"2026-02-29"',
  '"expected_quantity_in_stock":5',
  '"as_of":"2026-11-23T16:21:19.041+02:00"',
  '"group":"g"',
  '{"sku_id":"A-1","quantity_in_stock":5}',
  '"0":1',
  'data=',
  '%5B',
  '+',
  '&',
  '1e5',
  '12.5E-3',
  ' \n',
  '\r\n',
];

const SEEDS = [
  '[]',
  '[{"sku_id":"xkuOwSQ3utl","quantity_in_stock":512},{"upca":"012345678905","restrictions":""}]',
  '[{"group":"g","sku_id":"a","quantity_in_stock_change":-1},{"group":"g","isbn":306406152,"backorder_date":null,"quantity_on_backorder":1}]',
  '{"sku_id":"b","ean13":4006381333931,"quantity_in_stock":"7.0","as_of":"2026-11-23T16:21:19Z"}',
  'data=[{"sku_id":"a b","quantity_in_stock":1}]&x=1',
  'data=[{\\"sku_id\\":\\"a\\",\\"quantity_in_stock\\":1}]',
  '{"sku_id":"N","title":"t","upca":"012345678905","condition":"new","item":{"uuid":"00000000-0000-0000-0000-000000000001"}}',
];

/** Bodies: the JSON, the lines of a bulk update, and a new SKU. */
export const json: Target = {
  name: 'json',
  tokens: LINE_TOKENS,
  seeds: SEEDS,
  run: (bytes, random) => {
    const decoded = outcomeOf(() => decodeUtf8(bytes));
    if (!('value' in decoded)) return;
    const text = decoded.value;
    readsAsJsonDoes(text);
    countsTheSame(bytes, random);
    readsAllLines(text);
    for (const read of [parseSkuCreation, parseSkuChange]) {
      const body = outcomeOf(() => parseBody(text, 'a SKU', NO_LIMITS));
      if ('value' in body) outcomeOf(() => read(body.value.value, body.value.text));
    }
  },
};

/** A body is accepted if `JSON.parse` accepts it and it is not too deep, and has the same value. */
function readsAsJsonDoes(text: string): void {
  const body = outcomeOf(() => parseBody(text, 'lines', NO_LIMITS));
  let expected: unknown;
  let isJson = true;
  try {
    expected = JSON.parse(text);
  } catch {
    isJson = false;
  }
  const fault = findFault(text, Infinity);
  expectThat((fault === undefined) === isJson, 'the first fault of JSON that has none', {
    fault,
    text,
  });
  if (text.trim().startsWith('data=')) return;
  const isRead = isJson && findFault(text, DEPTH_MAX) === undefined;
  if ('value' in body) expectSame('another value than JSON.parse', body.value.value, expected);
  else if (isJson) expectThat(depthOf(expected) > DEPTH_MAX, 'valid JSON is refused', body);
  expectThat(!isRead || 'value' in body, 'JSON that is not too deep is refused', text);
  if (isJson && typeof expected === 'object' && expected !== null && !Array.isArray(expected)) {
    const names = [...sourceMembersOf(text).keys()];
    expectSame('other members', names.toSorted(), Object.keys(expected).toSorted());
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function countsTheSame(bytes: Buffer, random: Random): void {
  const whole = outcomeOf(() => new JsonCounter(LIMITS).count(bytes));
  const counter = new JsonCounter(LIMITS);
  let end = 0;
  const parts = outcomeOf(() => {
    for (const part of cut(bytes, random)) {
      end += part.length;
      counter.count(bytes.subarray(0, end));
    }
  });
  expectSame('the counter depends on how bytes arrive', whole, parts);
}

function linesOf(text: string): Outcome<Lines> {
  return outcomeOf(() => {
    const parsing = parsingBulk(text, { limits: LIMITS, asOf: TERMS });
    for (;;) {
      const step = parsing.next();
      if (step.done === true) return step.value;
    }
  });
}

/** Each element is a line: it sets something for a SKU, or is refused with a reason. */
function readsAllLines(text: string): void {
  const outcome = linesOf(text);
  expectSame('lines are read differently the second time', outcome, linesOf(text));
  if (!('value' in outcome)) return;
  const lines = outcome.value;
  const body = parseBody(text, 'lines', NO_LIMITS).value;
  expectThat(Array.isArray(body) && body.length === lines.count, 'the count of lines', lines.count);
  for (let i = 0; i < lines.count; i += 1) {
    const refusal = lines.refusals.get(i);
    if (refusal !== undefined) {
      checkMessage(refusal.message);
      continue;
    }
    const names = (lines.gtinEnds[i] ?? 0) - (lines.gtinEnds[i - 1] ?? 0);
    expectThat(names > 0 || lines.skuIds[i] !== null, 'a line that names no SKU is not refused', i);
    const isSet = Object.values(lines.fields).some((column) => column[i] !== -2);
    const isChanged = lines.conditions?.stockChanges[i] !== undefined;
    expectThat(isSet || isChanged, 'a line that sets nothing is not refused', i);
  }
}
