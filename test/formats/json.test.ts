import { describe, expect, test } from 'vitest';
import { parseLines } from '../../src/wire/lines/lines.ts';
import { textMatching } from '../matching.ts';
import { linesOf, rowsOf } from './stock-files.ts';

const TERMS = { nowMs: 0, asOfToleranceSeconds: Infinity, asOfUs: undefined };

/** Lines whose reading depends on how they are written, or on the lines before. */
const LINES = [
  '{"sku_id": "A-1", "quantity_in_stock": 512.0}',
  '{"sku_id": 12, "quantity_in_stock": 5e2}',
  '{"sku_id": 1.20e1, "quantity_in_stock": "5.0"}',
  '{"upca": 9.78043902348e+12, "quantity_in_stock": 1}',
  '{"upca": 12345678905, "quantity_in_stock": null}',
  '{"sku_id": "A", "quantity_in_stock": 1, "quantity_in_stock": 2}',
  '{"sku_id": "A", "2": 1, "1": 2, "__proto__": 3}',
  '{"sku_id": "A", "quantity_in_stock_change": -5, "expected_quantity_in_stock": 9}',
  '{"sku_id": "A", "quantity_in_stock": 1, "group": "g"}',
  '{"sku_id": "B", "quantity_in_stock": 2, "group": "g"}',
  '{"sku_id": "C", "quantity_in_stock": 3}',
  '{"sku_id": "D", "quantity_in_stock": 4, "group": "h"}',
  '{"sku_id": "A", "quantity_in_stock": 1, "as_of": "2026-11-23T16:21:19Z"}',
  '{"sku_id": "\\ud800", "quantity_in_stock": 1}',
  '{"sku_id": "a\\"b,[{", "restrictions": ""}',
  '{"sku_id": "A"}',
  '{}',
  '[1, {"a": []}]',
  '"text, with a comma"',
  'null',
  '1e400',
];

/** What the bulk endpoint makes of the same lines. */
const inRequest = () => {
  const text = `[${LINES.join(',')}]`;
  const body: unknown = JSON.parse(text);
  if (!Array.isArray(body)) throw new Error('not an array');
  return parseLines(body, text, TERMS);
};

describe.for([
  ['NDJSON', LINES.join('\n')],
  ['NDJSON with blanks around its lines', LINES.map((line) => ` ${line}\t\r\n\r\n`).join('')],
  ['a JSON array', `[${LINES.join(',')}]`],
  ['a JSON array over many lines', `[\n${LINES.join('\n  ,\n')}\n]\n`],
] as const)('lines of %s', ([, file]) => {
  // A file that begins with an array is not NDJSON; this one begins with an object.
  test('are read like the same lines in a request', async () => {
    const lines = inRequest();
    for (const chunkBytes of [7, 64 * 1024]) {
      const rows = await rowsOf(file, { chunkBytes });
      expect(rows).toHaveLength(LINES.length);
      for (const [i, { line }] of rows.entries()) {
        expect([i, line.skuId, line.refusal, line.group ?? 0]).toEqual([
          i,
          lines.skuIds[i],
          lines.refusals.get(i),
          lines.groups?.[i],
        ]);
      }
    }
  });
});

describe('a row of NDJSON', () => {
  test('is numbered as a line of the file, including blank lines', async () => {
    const file = '{"sku_id":"A","quantity_in_stock":1}\n\n \n{"sku_id":"B","quantity_in_stock":1}';
    expect((await rowsOf(file)).map(({ row, cells }) => [row, ...cells])).toEqual([
      [1, '{"sku_id":"A","quantity_in_stock":1}'],
      [4, '{"sku_id":"B","quantity_in_stock":1}'],
    ]);
  });

  test('that is not valid JSON is refused; the others are read', async () => {
    const good = '{"sku_id":"A","quantity_in_stock":1}';
    const line = { skuId: 'A', gtins: [], fields: { quantityInStock: 1 } };
    expect(await linesOf(`${good}\n{"sku_id":\n${good}\nnope\n${good}`)).toEqual([
      line,
      textMatching(/^Line 2 is not valid JSON: /),
      line,
      textMatching(/^Line 4 is not valid JSON: /),
      line,
    ]);
  });

  test('that is too long is refused and discarded; the others are read', async () => {
    const good = '{"sku_id":"A","quantity_in_stock":1}';
    const long = `{"sku_id":"${'x'.repeat(3000)}"}`;
    const terms = { limits: { rowCharactersMax: 1000 } };
    for (const file of [`${good}\n${long}\n${good}`, `${good}\n${good}\n${long}`]) {
      for (const chunkBytes of [100, 64 * 1024]) {
        const lines = await linesOf(file, { ...terms, chunkBytes });
        expect(lines).toHaveLength(3);
        expect(lines.filter((line) => typeof line === 'string')).toEqual([
          textMatching(/^Line [23] is longer than 1000 characters\.$/),
        ]);
      }
    }
  });

  test('may be nested as deep as its length allows, and refuses only itself', async () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    expect(await linesOf(`{}\n${deep}\n`)).toEqual([
      textMatching(/^The line names no SKU/),
      textMatching(/^A line is an object such as .*; an array is not\.$/),
    ]);
  });
});

describe('a malformed JSON array is refused as a whole; the error names the element', () => {
  const first = '{"sku_id":"A","quantity_in_stock":1}';

  test.for([
    [`[${first}`, /ends inside element 1; the bracket that closes the array is missing/],
    [`[${first},{"sku_id":`, /ends inside element 2/],
    [`[${first},]`, /element 2 is empty: there is a comma too many/],
    [`[${first},,${first}]`, /element 2 is empty/],
    [`[${first}} ]`, /element 1 ends in a brace too many/],
    [`[${first}] ${first}`, /text (?:after|outside) the array/],
    [`[${first}] x`, /text after the array/],
    [`[${first}][]`, /text (?:after|outside) the array/],
    [`[${first},{]}]`, /element 2 ends in a brace too many/],
    [`[${first},{"a" 1}]`, /Element 2 of the array is not valid JSON/],
    [`[${first} ${first}]`, /Element 1 of the array is not valid JSON/],
    [
      `[${'['.repeat(8)}1${']'.repeat(8)}]`,
      /element 1 is nested too deeply; the array may be at most 8 levels deep/,
    ],
  ] as const)('%s', async ([file, message]) => {
    for (const chunkBytes of [3, 64 * 1024]) {
      await expect(rowsOf(file, { chunkBytes })).rejects.toMatchObject({
        code: 'body_malformed',
        message: textMatching(message),
      });
    }
  });

  test('a character beyond 16 bits that is not JSON is refused with a message that is well-formed', async () => {
    await expect(rowsOf('[\u{1F600}{""}]')).rejects.toMatchObject({
      message: "Element 1 of the array is not valid JSON: Unexpected token '\uFFFD'.",
    });
  });

  test('an empty array has no rows', async () => {
    expect(await rowsOf('[]')).toEqual([]);
    expect(await rowsOf(' [ \n ] ')).toEqual([]);
  });

  test('an element that is too long is refused, whatever its length', async () => {
    const file = `[${first},{"sku_id":"${'x'.repeat(3000)}"}]`;
    await expect(rowsOf(file, { limits: { rowCharactersMax: 1000 } })).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/^Element 2 is longer than 1000 characters\.$/),
    });
  });
});
