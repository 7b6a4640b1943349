import { describe, expect, test } from 'vitest';
import {
  GIVEN_NULL,
  gtinsOfLine,
  type Lines,
  NO_STOCK_CHANGE,
  NOT_GIVEN,
} from '../../../src/domain/lines.ts';
import { parseJson } from '../../../src/wire/json.ts';
import { parseLines } from '../../../src/wire/lines/lines.ts';

/** The lines that are sent as this JSON, at a time and with what holds for all of them. */
function parseAt(text: string, asOfUs?: number): Lines {
  const body = parseJson(text);
  if (!Array.isArray(body)) throw new Error('an array is needed');
  return parseLines(body, text, { nowMs: 1_000_000, asOfToleranceSeconds: 10, asOfUs });
}

describe('conditions of lines', () => {
  test('have no columns if no line has a condition', () => {
    const lines = parseAt('[{"sku_id": "A", "quantity_in_stock": 5}]');
    expect([lines.conditions, lines.groups]).toEqual([null, null]);
  });

  test('have their own columns, one element per line', () => {
    const { conditions } = parseAt(`[
      {"sku_id": "A", "quantity_in_stock": 5},
      {"sku_id": "A", "quantity_in_stock": 5, "as_of": "1970-01-01T00:00:01.000002Z"},
      {"sku_id": "A", "quantity_in_stock": 5, "expected_quantity_in_stock": null},
      {"sku_id": "A", "quantity_in_stock": 5, "expected_quantity_in_stock": "7"},
      {"sku_id": "A", "quantity_in_stock_change": "-3"},
      {"sku_id": "A", "quantity_in_stock_change": -0}
    ]`);
    expect([...(conditions?.asOfUs ?? [])]).toEqual([NaN, 1_000_002, NaN, NaN, NaN, NaN]);
    expect([...(conditions?.expectedQuantities ?? [])]).toEqual([
      NOT_GIVEN,
      NOT_GIVEN,
      GIVEN_NULL,
      7,
      NOT_GIVEN,
      NOT_GIVEN,
    ]);
    const none = NO_STOCK_CHANGE;
    expect([...(conditions?.stockChanges ?? [])]).toEqual([none, none, none, none, -3, 0]);
  });

  test('a timestamp for all lines applies to lines without their own', () => {
    const { conditions } = parseAt(
      '[{"sku_id": "A", "quantity_in_stock": 5}, {"sku_id": "A", "quantity_in_stock": 5, "as_of": "1970-01-01T00:00:00Z"}]',
      77,
    );
    expect([...(conditions?.asOfUs ?? [])]).toEqual([77, 0]);
  });

  test('without an inventory field set nothing', () => {
    const line =
      '{"sku_id": "A", "expected_quantity_in_stock": 5, "as_of": "1970-01-01T00:00:00Z", "group": "g"}';
    expect(parseAt(`[${line}]`).refusals.get(0)?.message).toMatch(/^The line sets nothing: /);
  });
});

const grouped = (group?: string) =>
  JSON.stringify({ sku_id: 'A', quantity_in_stock: 5, ...(group !== undefined && { group }) });

describe('groups of lines', () => {
  test('are numbered in the order in which they begin; 0 is no group', () => {
    const names = [undefined, 'a', 'a', 'b', undefined, 'c', 'c'];
    const lines = parseAt(`[${names.map((name) => grouped(name)).join(',')}]`);
    expect([...(lines.groups ?? [])]).toEqual([0, 1, 1, 2, 0, 3, 3]);
    expect([...lines.refusals]).toEqual([]);
  });

  test.for([grouped(), grouped('b'), '5', '{"sku_id": "A", "quantity_in_stock": 5, "group": 7}'])(
    'that are interrupted are refused for the lines after the interruption: %s',
    (between) => {
      const lines = parseAt(`[${grouped('a')}, ${between}, ${grouped('a')}, ${grouped('a')}]`);
      expect([lines.refusals.get(2)?.message, lines.refusals.get(3)?.message]).toEqual(
        Array(2).fill(
          'group "a" ended before this line: the lines of a group must follow one another.',
        ),
      );
      expect([...(lines.groups ?? [])].slice(2)).toEqual([0, 0]);
    },
  );

  test('include lines that are refused for another reason', () => {
    const broken = '{"sku_id": "A", "quantity_in_stock": -1, "group": "a"}';
    const lines = parseAt(`[${grouped('a')}, ${broken}, ${grouped('a')}]`);
    expect([...(lines.groups ?? [])]).toEqual([1, 1, 1]);
    expect([...lines.refusals.keys()]).toEqual([1]);
  });
});

describe('a refused line', () => {
  test.for([
    ['{"sku_id": "A", "quantity_in_stock": -1}', true, 'A', []],
    ['{"sku_id": "A", "ean13": 96385074}', true, 'A', [96_385_074]],
    ['{"sku_id": "A", "quantity": 1}', true, 'A', []],
    ['{"sku_id": "A", "ean13": "1511", "quantity_in_stock": 1}', false, 'A', []],
    ['{"sku_id": "", "ean13": 96385074, "quantity_in_stock": 1}', false, null, [96_385_074]],
    ['{"skuid": "A", "quantity_in_stock": 1}', false, null, []],
    ['{"upca": null, "quantity_in_stock": 1}', false, null, []],
    ['5', false, null, []],
  ] as const)(
    'keeps what it names, and whether that is all: %s',
    ([line, namesRead, skuId, gtins]) => {
      const lines = parseAt(`[${line}]`);
      expect(lines.count).toBe(1);
      expect(lines.refusals.get(0)?.namesRead).toBe(namesRead);
      expect([lines.skuIds[0], [...gtinsOfLine(lines, 0)]]).toEqual([skuId, gtins]);
      expect(Object.values(lines.fields).map((column) => column[0])).toEqual(
        Array(4).fill(NOT_GIVEN),
      );
    },
  );
});

test('identifiers are stored as sent unless the line has only a textual sku_id', () => {
  const { asSent } = parseAt(`[
    {"sku_id": "A", "quantity_in_stock": 5, "upca": "", "isbn": null},
    {"isbn": "0-306-40615-2", "sku_id": "A", "quantity_in_stock": 5},
    {"sku_id": 12345678901234567891, "quantity_in_stock": 5},
    {"ean13": 96385074, "gtin14": "", "quantity_in_stock": 5}
  ]`);
  expect(asSent.map((sent): unknown => (sent === null ? null : JSON.parse(sent)))).toEqual([
    null,
    { sku_id: 'A', isbn: '0-306-40615-2' },
    { sku_id: ['12345678901234567891'] },
    { ean13: ['96385074'] },
  ]);
});
