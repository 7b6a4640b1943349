import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/wire/json.ts';
import { parseLines } from '../../../src/wire/lines/lines.ts';
import { notFoundMessage } from '../../../src/wire/lines/results.ts';
import { repr } from '../../../src/wire/lines/python-repr.ts';
import { PYTHON_REPR } from './python-repr-samples.ts';

test.for(PYTHON_REPR.map(([text, expected]) => [JSON.stringify(text), text, expected] as const))(
  '%s is printed as Python prints it',
  ([, text, expected]) => {
    expect(repr(text)).toBe(expected);
  },
);

/** Reads UTF-16 texts in hex, a line each; prints their `repr`, or a dash where its Unicode is too old. */
const PYTHON = `
import sys, unicodedata
for line in sys.stdin:
    text = bytes.fromhex(line.strip()).decode('utf-16-le', 'surrogatepass')
    known = all(unicodedata.category(character) != 'Cn' for character in text)
    print(repr(text).encode('utf-16-le', 'surrogatepass').hex() if known else '-')
`;

const hex = (text: string) => Buffer.from(text, 'utf16le').toString('hex');

test('prints what the installed Python prints, if there is one', () => {
  const texts = fc.sample(
    fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({
        unit: fc.constantFrom(...Array.from(`'"\\ \t\n\r\u00a0ab\u2028\ud800\u{1f600}`)),
        minLength: 1,
      }),
      fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
    ),
    { seed: 20_261_123, numRuns: 600 },
  );
  texts.push(...PYTHON_REPR.map(([text]) => text).filter((text) => text !== ''));
  const python = spawnSync('python3', ['-c', PYTHON], { input: texts.map(hex).join('\n') });
  if (python.status !== 0) return;
  const printed = python.stdout.toString().trim().split('\n');
  expect(printed).toHaveLength(texts.length);
  const known = texts.filter((_, i) => printed[i] !== '-');
  expect(known.map((text) => [JSON.stringify(text), hex(repr(text))])).toEqual(
    texts.flatMap((text, i) => (printed[i] === '-' ? [] : [[JSON.stringify(text), printed[i]]])),
  );
});

/** The message of a line that matches nothing and is sent as this JSON. */
function messageOf(line: string): string {
  const text = `[${line}]`;
  const body = parseJson(text);
  if (!Array.isArray(body)) throw new Error('an array is needed');
  const terms = { nowMs: 0, asOfToleranceSeconds: 0, asOfUs: undefined };
  const { skuIds, asSent, refusals } = parseLines(body, text, terms);
  expect([...refusals]).toEqual([]);
  return notFoundMessage(skuIds[0] ?? null, asSent[0] ?? null);
}

describe('the message of a line that matches no SKU', () => {
  const VALID = '; Valid identifiers: sku_id, upca, ean13, gtin14, isbn';

  test('equals the contract to the byte', () => {
    expect(messageOf('{"sku_id": "NON-EXISTENT", "quantity_in_stock": 13}')).toBe(
      "No sku found with sku identifier: {'sku_id': 'NON-EXISTENT'}; Valid identifiers: sku_id, upca, ean13, gtin14, isbn",
    );
  });

  test('has the identifiers in a fixed order, as sent, without those not given', () => {
    const line =
      '{"isbn": "0-306-40615-2", "gtin14": "", "ean13": null, "restrictions": null, "upca": " 12345678905", "sku_id": "it\'s"}';
    expect(messageOf(line)).toBe(
      `No sku found with sku identifier: {'sku_id': "it's", 'upca': ' 12345678905', 'isbn': '0-306-40615-2'}${VALID}`,
    );
  });

  test('prints numbers as plain digits of any length', () => {
    const line = '{"sku_id": 12345678901234567891, "gtin14": 9780306406157, "restrictions": ""}';
    expect(messageOf(line)).toBe(
      `No sku found with sku identifier: {'sku_id': 12345678901234567891, 'gtin14': 9780306406157}${VALID}`,
    );
  });

  test('keeps texts and numbers apart, and ignores other members', () => {
    expect(
      messageOf('{"sku_id": "\\ud800", "ean13": 96385074, "group": "g", "restrictions": ""}'),
    ).toBe(
      String.raw`No sku found with sku identifier: {'sku_id': '\ud800', 'ean13': 96385074}` + VALID,
    );
  });
});
