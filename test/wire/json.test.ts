import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OnhandError } from '../../src/domain/errors.ts';
import { JsonCounter } from '../../src/wire/json-counter.ts';
import { DEPTH_MAX, findFault } from '../../src/wire/json-fault.ts';
import { parseBody } from '../../src/wire/json.ts';
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

const LIMITS = { linesMax: 3, membersMax: 64, textBytesMax: 65_536, formBytesMax: 1_048_576 };

/** The code of the refusal of a body that arrives in chunks; undefined if it is accepted. */
const counted = (body: string, chunkBytes: number, limits = LIMITS): string | undefined => {
  const counter = new JsonCounter(limits);
  const bytes = Buffer.from(body);
  try {
    for (let end = chunkBytes; end - chunkBytes < bytes.length; end += chunkBytes) {
      counter.count(bytes.subarray(0, end));
    }
  } catch (error) {
    if (error instanceof OnhandError) return error.code;
    throw error;
  }
  return undefined;
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
      expect(counted(body, chunkBytes)).toBe(expected ? 'too_many_lines' : undefined);
    }
  });
});

const members = (count: number, name: (i: number) => string): string =>
  `{${Array.from({ length: count }, (_, i) => `"${name(i)}":1`).join(',')}}`;

describe('what JSON may hold is limited before it is parsed', () => {
  const limits = { ...LIMITS, linesMax: 200_000 };
  const padding = ' '.repeat(65_536);

  test.for([
    ['an object of 65 members', `[${members(65, () => 'a')}]`, 'body_too_large'],
    ['an object of 64 members', `[${members(64, () => 'a')}]`, undefined],
    [
      '66 different names in objects of one member',
      `[${Array.from({ length: 66 }, (_, i) => `{"n${i}":1}`).join(',')}]`,
      'body_too_large',
    ],
    ['64 different names', `[${members(64, (i) => `n${i}`)}]`, undefined],
    ['a text of 65,537 bytes', `["${'x'.repeat(65_537)}"]`, 'body_too_large'],
    ['a text that does not end', `["${'x'.repeat(65_537)}`, 'body_too_large'],
    ['a text of 65,535 bytes', `["${'x'.repeat(65_535)}"]`, undefined],
    ['nine levels', `[[[[[[[[[]]]]]]]]]`, 'body_malformed'],
    ['eight levels', `[[[[[[[[]]]]]]]]`, undefined],
    ['more values than lines have', `[[${'1,'.repeat(3_200_001)}1]]`, 'too_many_lines'],
    ['a form of more than 1 MiB', `data=${'+'.repeat(1_048_576)}`, 'body_too_large'],
    ['a form of less', `data=${'+'.repeat(1_000_000)}`, undefined],
  ] as const)('$0', ([, body, code]) => {
    const isForm = body.startsWith('data=');
    expect(counted(isForm ? body : padding + body, 50_000, limits)).toBe(code);
  });

  test('a body of at most 64 KiB may have any shape', () => {
    expect(
      counted(
        members(3000, (i) => `n${i}`),
        1000,
        limits,
      ),
    ).toBeUndefined();
  });

  test('the JSON of a form is limited after it is decoded', () => {
    const json = `[${Array.from({ length: 6000 }, (_, i) => `{"name${i}":1}`).join(',')}]`;
    for (const sent of [encodeURIComponent(json), json.replaceAll('"', '\\"')]) {
      expect(() => parseBody(`data=${sent}`, EXPECTED, limits)).toThrow(/ONHAND_MEMBERS_MAX/);
    }
    expect(() => parseBody(`data=[1,2,3,4]`, EXPECTED, LIMITS)).toThrow(/more than 3 lines/);
  });
});

test('a form is decoded as URLSearchParams decodes it', () => {
  const part = constantFrom('+', '%', '%41', '%e2%82%ac', '%E2%82', '7', ' ', '%2', '%zz');
  assert(
    property(array(part), (parts) => {
      const json = JSON.stringify(parts.join(''));
      const decoded = new URLSearchParams(`data=${json}`).get('data') ?? '';
      expect(parseBody(`data=${json}`, EXPECTED).text).toBe(decoded);
    }),
  );
});

test('a fault is found in exactly the texts that are not JSON', () => {
  const part = constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e',
    '"\\n"',
    '-',
    '0',
    '1.5',
    'e3',
    '.',
    'true',
    'nul',
    ' ',
    '\n',
    '\t',
    '/',
    '//',
    "'",
    '\u2028',
    '\uFEFF',
    '"',
  );
  assert(
    property(array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const fault = findFault(text, 50);
      expect(fault === undefined).toBe(isJson(text));
      if (fault !== undefined) expect(fault.offset).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: 2000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
