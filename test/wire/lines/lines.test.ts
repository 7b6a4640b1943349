import { describe, expect, test } from 'vitest';
import { GIVEN_NULL, gtinsOfLine, type Lines, NOT_GIVEN } from '../../../src/domain/lines.ts';
import { parseJson } from '../../../src/wire/json.ts';
import { parseLines } from '../../../src/wire/lines/lines.ts';
import { textMatching } from '../../matching.ts';

/** Parses lines that are sent as this JSON. */
function parse(text: string): Lines {
  const body = parseJson(text);
  if (!Array.isArray(body)) throw new Error('an array is needed');
  return parseLines(body, text, { nowMs: 0, asOfToleranceSeconds: 0, asOfUs: undefined });
}

/** Why the one line that is sent as this JSON is refused; undefined where it is read. */
const refusalOf = (line: string): string | undefined => parse(`[${line}]`).refusals.get(0)?.message;

const FIELDS = ['quantity_in_stock', 'quantity_on_backorder'] as const;
const COLUMN_OF = {
  quantity_in_stock: 'quantityInStock',
  quantity_on_backorder: 'quantityOnBackorder',
  restrictions: 'restrictions',
  backorder_date: 'backorderDate',
} as const;

/** What a line sets the field to, sent as this JSON; or the refusal. */
function fieldRead(field: keyof typeof COLUMN_OF, value: string): number | string | undefined {
  const lines = parse(`[{"sku_id": "A", "${field}": ${value}}]`);
  return lines.refusals.get(0)?.message ?? lines.fields[COLUMN_OF[field]][0];
}

describe.for(FIELDS)('%s', (field) => {
  test.for([
    ['0', 0],
    ['-0', 0],
    ['2147483647', 2_147_483_647],
    ['512.0', 512],
    ['5e2', 500],
    ['5.12E+2', 512],
    ['"512"', 512],
    ['"512.0"', 512],
    ['"512.000"', 512],
    ['"  512\\t\\r\\n"', 512],
    ['"007"', 7],
    ['"2147483647"', 2_147_483_647],
    ['null', GIVEN_NULL],
  ] as const)('reads %s', ([value, expected]) => {
    expect(fieldRead(field, value)).toBe(expected);
  });

  test.for([
    '5.2',
    'true',
    'false',
    '"5e3"',
    '"+5"',
    '"-5"',
    '"-0"',
    '"1,000"',
    '"٥"',
    '"５"',
    '""',
    '" "',
    '"5."',
    '".0"',
    '"5.1"',
    '"5 0"',
    '"0x10"',
    '"\\u00a05"',
    '"NULL"',
    '-1',
    '2147483648',
    '"2147483648"',
    '1e400',
    '"99999999999999999999999999"',
    '[]',
    '[5]',
    '{}',
  ])('refuses %s, and says what is allowed', (value) => {
    expect(fieldRead(field, value)).toMatch(
      new RegExp(
        `^${field} must be a whole number from 0 to 2147483647, or null; .* is not\\.$`,
        's',
      ),
    );
  });
});

describe('restrictions', () => {
  test.for([
    ['"discontd"', 1],
    ['"tmpunavail"', 2],
    ['null', GIVEN_NULL],
    ['""', GIVEN_NULL],
  ] as const)('reads %s', ([value, expected]) => {
    expect(fieldRead('restrictions', value)).toBe(expected);
  });

  test.for(['"DISCONTD"', '" discontd"', '"sold out"', '0', '1', 'false', '[]', '{}'])(
    'refuses %s, and says what is allowed',
    (value) => {
      expect(fieldRead('restrictions', value)).toMatch(
        /^restrictions must be "discontd" or "tmpunavail", or null or "" to lift the restriction; /,
      );
    },
  );
});

describe('backorder_date', () => {
  test.for([
    ['"2026-11-23"', 20_261_123],
    ['"2024-02-29"', 20_240_229],
    ['null', GIVEN_NULL],
  ] as const)('reads %s', ([value, expected]) => {
    expect(fieldRead('backorder_date', value)).toBe(expected);
  });

  test.for([
    '""',
    '"2025-02-29"',
    '"2026-13-01"',
    '"2026-00-10"',
    '"2026-1-1"',
    '"11/23/2026"',
    '"2026-11-23T00:00:00Z"',
    '20261123',
    'true',
    '"٢٠٢٦-11-23"',
  ])('refuses %s, and says what is allowed', (value) => {
    expect(fieldRead('backorder_date', value)).toMatch(/^backorder_date must be .*yyyy-mm-dd/);
  });
});

test('a field that is not given stays unchanged', () => {
  const lines = parse('[{"sku_id": "A", "quantity_in_stock": 5}]');
  expect(lines.fields.quantityOnBackorder[0]).toBe(NOT_GIVEN);
  expect(lines.fields.restrictions[0]).toBe(NOT_GIVEN);
  expect(lines.fields.backorderDate[0]).toBe(NOT_GIVEN);
});

/** The `sku_id` that a line names, sent as this JSON; or the refusal. */
function skuIdRead(value: string): string | null | undefined {
  const lines = parse(`[{"sku_id": ${value}, "quantity_in_stock": 5}]`);
  return lines.refusals.get(0)?.message ?? lines.skuIds[0];
}

describe('sku_id', () => {
  test.for([
    ['"A"', 'A'],
    ['" A "', ' A '],
    ['"it\'s"', "it's"],
    ['42', '42'],
    ['0', '0'],
    ['12345678901234567891', '12345678901234567891'],
    ['"\\u0000"', '\0'],
    ['"\\ud800"', '\ud800'],
  ] as const)('reads %s', ([value, expected]) => {
    expect(skuIdRead(value)).toBe(expected);
  });

  test('has 1 to 256 code points', () => {
    for (const character of ['x', 'é', '\u{1f600}']) {
      expect(skuIdRead(JSON.stringify(character.repeat(256)))).toBe(character.repeat(256));
      expect(skuIdRead(JSON.stringify(character.repeat(257)))).toMatch(
        /^sku_id .*… is longer than 256 characters\.$/,
      );
    }
    expect(skuIdRead('9'.repeat(256))).toBe('9'.repeat(256));
    expect(skuIdRead('9'.repeat(257))).toMatch(/longer than 256/);
  });

  test.for(['""', 'null', 'true', '[]', '["A"]', '{}'])('refuses %s', (value) => {
    expect(skuIdRead(value)).toMatch(/^sku_id .* is not a text of 1 to 256 characters\.$/);
  });

  test.for(['1.0', '1e3', '-1', '-0', '1.5'])('refuses the number %s, with a hint', (value) => {
    expect(skuIdRead(value)).toBe(
      `sku_id ${value} is a number that is not written as plain digits; put it in quotes.`,
    );
  });
});

/** The GTINs that a line names, sent as this JSON; or the refusal. */
function gtinsRead(members: string): readonly number[] | string {
  const lines = parse(`[{${members}, "quantity_in_stock": 5}]`);
  return lines.refusals.get(0)?.message ?? [...gtinsOfLine(lines, 0)];
}

describe('upca, ean13, gtin14 and isbn', () => {
  test.for([
    ['"upca": "012345678905"', [12_345_678_905]],
    ['"upca": 12345678905', [12_345_678_905]],
    ['"ean13": 4006381333931', [4_006_381_333_931]],
    ['"isbn": 306406152', [9_780_306_406_157]],
    ['"isbn": "080442957x"', [9_780_804_429_573]],
    ['"isbn": "0306406152", "ean13": "9780306406157"', [9_780_306_406_157]],
    ['"gtin14": 10012345678902, "upca": "012345678905"', [10_012_345_678_902, 12_345_678_905]],
    ['"ean13": null, "upca": "", "gtin14": 96385074', [96_385_074]],
  ] as const)('%s', ([members, expected]) => {
    expect(gtinsRead(members)).toEqual(expected);
  });

  test.for([
    ['"upca": true', 'upca true is neither a text nor a number written as plain digits.'],
    [
      '"ean13": ["4006381333931"]',
      'ean13 an array is neither a text nor a number written as plain digits.',
    ],
    ['"gtin14": {}', 'gtin14 an object is neither a text nor a number written as plain digits.'],
    ['"ean13": -4006381333931', 'ean13 -4006381333931 is negative.'],
    ['"ean13": "1511"', 'ean13 "1511" has fewer than 8 digits.'],
    ['"isbn": 0', textMatching(/^isbn 0 has 1 characters/)],
  ] as const)('%s is refused', ([members, expected]) => {
    expect(gtinsRead(members)).toEqual(expected);
  });

  test.for([
    '9.78043902348e+12',
    '9.780306406157e12',
    '9780306406157.0',
    '9780306406157e0',
    '97803064061570e-1',
  ])('the number %s was rounded, whatever its value', (number) => {
    for (const form of ['ean13', 'gtin14', 'isbn'] as const) {
      for (const written of [number, `"${number}"`]) {
        expect(gtinsRead(`"${form}": ${written}`)).toMatch(/was rounded by a spreadsheet/);
        expect(gtinsRead(`"${form}": ${written}`)).toContain(`${form} ${written}`);
      }
    }
  });

  test('numbers are read from the source text of their own line', () => {
    const lines = parse(`[
      {"note": "1.5, [2.5", "ean13": 9780306406157, "quantity_in_stock": 1},
      {"ean13": 9780306406157, "quantity_in_stock": 1.0},
      {"ean13": 9780306406157.0, "quantity_in_stock": 1},
      {"ean13": 9.780306406157e12, "ean13": 9780306406157, "quantity_in_stock": 1},
      {"ean13": 9780306406157, "ean\\u00313": 9.780306406157e12, "quantity_in_stock": 1}
    ]`);
    expect([...lines.refusals.keys()]).toEqual([0, 2, 4]);
    expect(lines.refusals.get(0)?.message).toMatch(/^"note" is not a known member/);
    expect(lines.refusals.get(2)?.message).toMatch(/rounded/);
    expect(lines.refusals.get(4)?.message).toMatch(/rounded/);
    expect([1, 3].map((i) => [...gtinsOfLine(lines, i)])).toEqual([
      [9_780_306_406_157],
      [9_780_306_406_157],
    ]);
  });
});

const VALID_MEMBERS =
  'Valid members: sku_id, upca, ean13, gtin14, isbn, quantity_in_stock, quantity_on_backorder, restrictions, backorder_date, quantity_in_stock_change, expected_quantity_in_stock, as_of, group.';

describe('unknown members', () => {
  test.for([
    'quantity',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'asin',
    'Sku_id',
    '',
  ])('%j is an error that lists the valid ones, for its line alone', (name) => {
    const good = '{"sku_id": "A", "quantity_in_stock": 5}';
    const bad = `{"sku_id": "A", "quantity_in_stock": 5, ${JSON.stringify(name)}: {"x": 1}}`;
    const lines = parse(`[${good}, ${bad}, ${good}]`);
    expect(lines.count).toBe(3);
    const message = `${JSON.stringify(name)} is not a known member. ${VALID_MEMBERS}`;
    expect([...lines.refusals]).toEqual([[1, { message, namesRead: true }]]);
    expect([...lines.fields.quantityInStock]).toEqual([5, NOT_GIVEN, 5]);
  });

  test('every invalid member is named in the order sent', () => {
    expect(
      refusalOf(
        '{"zzz": 1, "quantity_in_stock": "x", "7": 1, "upca": "1511", "sku_id": "", "restrictions": 3, "0": 2}',
      ),
    ).toBe(
      [
        '"zzz" is not a known member.',
        'quantity_in_stock must be a whole number from 0 to 2147483647, or null; "x" is not.',
        '"7" is not a known member.',
        'upca "1511" has fewer than 8 digits.',
        'sku_id "" is not a text of 1 to 256 characters.',
        'restrictions must be "discontd" or "tmpunavail", or null or "" to lift the restriction; 3 is not.',
        '"0" is not a known member.',
        VALID_MEMBERS,
      ].join(' '),
    );
  });

  test('a thousand unknown members give a message of bounded length', () => {
    const members = Array.from({ length: 1000 }, (_, i) => `"m${i}": 1`).join(', ');
    const refusal = refusalOf(`{"sku_id": "A", "quantity_in_stock": 1, ${members}}`) ?? '';
    expect(refusal).toContain('Nor are 900 more.');
    expect(refusal.length).toBeLessThan(5000);
  });
});

describe('the last of duplicate members wins', () => {
  test('if the last is valid', () => {
    const lines = parse(
      '[{"sku_id": "", "quantity_in_stock": "x", "sku_id": "A", "quantity_in_stock": 5}]',
    );
    expect(lines.skuIds[0]).toBe('A');
    expect(lines.fields.quantityInStock[0]).toBe(5);
  });

  test('if the last is invalid', () => {
    expect(refusalOf('{"sku_id": "A", "sku_id": 1.0, "quantity_in_stock": 5}')).toMatch(
      /^sku_id 1\.0 /,
    );
  });
});

describe('what is missing', () => {
  const NO_IDENTIFIER =
    'The line names no SKU: give one or more of sku_id, upca, ean13, gtin14, isbn.';
  const NO_FIELD =
    'The line sets nothing: give one or more of quantity_in_stock, quantity_on_backorder, restrictions, backorder_date.';

  test.for([
    ['{"quantity_in_stock": 5}', NO_IDENTIFIER],
    ['{"upca": null, "isbn": "", "quantity_in_stock": 5}', NO_IDENTIFIER],
    ['{"sku_id": "A"}', NO_FIELD],
    ['{}', `${NO_IDENTIFIER} ${NO_FIELD}`],
  ] as const)('%s', ([line, message]) => {
    expect(refusalOf(line)).toBe(message);
  });

  test('a field set to null counts as given', () => {
    for (const field of Object.keys(COLUMN_OF)) {
      expect(refusalOf(`{"sku_id": "A", "${field}": null}`)).toBeUndefined();
    }
  });

  test.for([
    ['5', '5'],
    ['null', 'null'],
    ['"A"', '"A"'],
    ['true', 'true'],
    ['[]', 'an array'],
  ] as const)('%s is no line', ([value, echoed]) => {
    expect(refusalOf(value)).toBe(
      `A line is an object such as {"sku_id": "A-1", "quantity_in_stock": 5}; ${echoed} is not.`,
    );
  });
});
