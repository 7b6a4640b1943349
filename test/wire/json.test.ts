import { describe, expect, test } from 'vitest';
import { OnhandError } from '../../src/domain/errors.ts';
import { DEPTH_MAX, parseBody } from '../../src/wire/json.ts';
import { LineCounter } from '../../src/wire/lines/line-counter.ts';
import { textMatching } from '../matching.ts';

const EXPECTED = 'a JSON array of lines';

function refusalOf(body: string | undefined): { code: string; message: string } {
  try {
    parseBody(body, EXPECTED);
  } catch (error) {
    if (error instanceof OnhandError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('the body was read');
}

describe('malformed JSON is refused with its position', () => {
  test.for([
    ['[{"sku_id": "A"},]', 1, 18],
    ['[\n  {"sku_id": "A" "quantity_in_stock": 5}\n]', 2, 18],
    ['[\r\n{"a": 1},\r\n{"b" 2}]', 3, 6],
    ["[{'sku_id': 1}]", 1, 3],
    ['[1, 2', 1, 6],
    ['[1] x', 1, 5],
    ['[01]', 1, 3],
    ['[1.]', 1, 2],
    ['[NaN]', 1, 2],
    ['[undefined]', 1, 2],
    ['["a\tb"]', 1, 2],
    ['["a\nb"]', 1, 2],
    [String.raw`["\x41"]`, 1, 2],
    [String.raw`["\u12"]`, 1, 2],
    ['[1] // one', 1, 5],
    ['{"a": }', 1, 7],
    ['hello', 1, 1],
    ['[\n\n1,\n,2]', 4, 1],
  ] as const)('%j', ([body, line, column]) => {
    const { code, message } = refusalOf(body);
    expect(code).toBe('body_malformed');
    expect(message).toMatch(/^The body is not valid JSON: line [0-9]+, column [0-9]+: /);
    expect(message).toContain(`line ${line}, column ${column}:`);
  });

  test.for([
    ['["\u0001"]', /control character/],
    ['[1 2]', /comma is expected/],
    ['{"a" 1}', /colon is expected/],
    ['[1', /closing bracket \] is expected/],
    ['{"a": 1', /closing brace } is expected/],
    ['{1: 1}', /member name in double quotes/],
    ['{a: 1}', /"a" has no meaning/],
    ['/* */ []', /no comments/],
    ['["abc', /does not end on its line/],
  ] as const)('%j says what is wrong', ([body, what]) => {
    expect(refusalOf(body).message).toMatch(what);
  });
});

test.for([undefined, '', ' \r\n\t'])(
  'an empty body %j is refused with what is expected',
  (body) => {
    expect(refusalOf(body)).toEqual({
      code: 'body_missing',
      message: `The request has no body; ${EXPECTED} is expected.`,
    });
  },
);

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('depth', () => {
  const tooDeep = { code: 'body_malformed', message: textMatching(/nested too deeply/) };

  test('accepts 8 levels of nesting', () => {
    expect(DEPTH_MAX).toBe(8);
    expect(parseBody(nested(8), EXPECTED).text).toBe(nested(8));
    expect(parseBody(`[${'{"a":'.repeat(7)}1${'}'.repeat(7)}]`, EXPECTED).value).toHaveLength(1);
  });

  test('rejects a ninth level', () => {
    expect(refusalOf(nested(9))).toEqual(tooDeep);
    expect(refusalOf(`[${'{"a":'.repeat(8)}1${'}'.repeat(8)}]`)).toEqual(tooDeep);
  });

  test('rejects a million levels, well-formed or not', () => {
    expect(refusalOf(nested(1_000_000))).toEqual(tooDeep);
    expect(refusalOf('['.repeat(1_000_000))).toEqual(tooDeep);
    expect(refusalOf('{"a":'.repeat(1_000_000))).toEqual(tooDeep);
  });
});

describe('JSON in the form encoding', () => {
  test.for([
    ['data=%5B%7B%22sku_id%22%3A%22A+1%22%7D%5D', [{ sku_id: 'A 1' }]],
    ['data=[{"sku_id":"A"}]', [{ sku_id: 'A' }]],
    [String.raw`data=[{\"sku_id\":\"A\"}]`, [{ sku_id: 'A' }]],
    ['data=%5B%7B%5C%22sku_id%5C%22%3A%5C%22A%5C%22%7D%5D', [{ sku_id: 'A' }]],
    ['data=%5B%22a%5C%22b%22%5D\r\n', ['a"b']],
  ] as const)('%s', ([body, value]) => {
    expect(parseBody(body, EXPECTED).value).toEqual(value);
  });

  test('text that is not JSON with or without backslashes is refused with its position', () => {
    expect(refusalOf('data=[1,').message).toContain('line 1, column 4');
    expect(refusalOf(String.raw`data=[\"a\",`).code).toBe('body_malformed');
  });
});

test('the last of duplicate members wins', () => {
  expect(parseBody('{"a": 1, "b": 2, "a": 3}', EXPECTED).value).toEqual({ a: 3, b: 2 });
});

const exceeded = (body: string, linesMax: number, chunkBytes: number): boolean => {
  const counter = new LineCounter(linesMax);
  const bytes = Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(bytes.subarray(at, at + chunkBytes));
    counter.count(chunks);
    if (counter.areTooMany) return true;
  }
  return false;
};

describe('counting lines while they arrive', () => {
  test.for([
    ['[1,2,3]', false],
    ['[1,2,3,4]', true],
    ['[[1,2],[3,4],{"a":1,"b":2}]', false],
    [String.raw`["a,b\",,,", "c,d", "e]"]`, false],
    [String.raw`["a,b\\", "c,d", "e]", 1]`, true],
    ['{"a":1,"b":2,"c":3,"d":4,"e":5}', false],
    ['   [ ]          ', false],
  ] as const)('%s has more than 3: %j', ([body, expected]) => {
    for (const chunkBytes of [1, 2, 3, 7, 100]) {
      expect(exceeded(body, 3, chunkBytes)).toBe(expected);
    }
  });
});
