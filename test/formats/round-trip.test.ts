import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readGtin } from '../../src/domain/gtin.ts';
import { linesOf } from './stock-files.ts';
import { write, type AnyLine, type Writing } from './writing.ts';

/** Digits with a right check digit behind them, by mod 10. */
function checked(digits: string): string {
  const sum = Array.from(digits)
    .toReversed()
    .reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 3 : 1), 0);
  return digits + String((10 - (sum % 10)) % 10);
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[1-9][0-9]{${length - 1}}$`));

const gtin = fc.oneof(
  digits(11).map((text) => ({ form: 'upca' as const, text: checked(text) })),
  digits(12).map((text) => ({ form: 'ean13' as const, text: checked(text) })),
  digits(13).map((text) => ({ form: 'gtin14' as const, text: checked(text) })),
  digits(9).map((text) => ({ form: 'isbn' as const, text: checked(`978${text}`) })),
);

/**
 * A `sku_id` that every format can hold: without control characters, without blanks at its ends, which X12 drops,
 * and not `NULL`, which has a meaning of its own in tables.
 */
const skuId = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .map((text) => text.replaceAll(/[\p{Cc}\p{Cs}\uFEFF\uFFFE\uFFFF]/gu, '').trim())
  .filter((text) => text !== '' && text !== 'NULL');

const quantity = fc.oneof(fc.nat({ max: 2_147_483_647 }), fc.nat({ max: 100 }));
const date = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((day) => Number(day.toISOString().slice(0, 10).replaceAll('-', '')));

const line: fc.Arbitrary<AnyLine> = fc
  .record(
    {
      skuId,
      gtin,
      inStock: quantity,
      onBackorder: quantity,
      backorderDate: date,
      restrictions: fc.constantFrom(null, 1, 2),
    },
    { requiredKeys: [] },
  )
  .map(({ skuId: named = 'A', inStock = 0, ...rest }) => ({
    ...(rest.gtin === undefined || named !== 'A' ? { skuId: named } : {}),
    inStock,
    ...rest,
  }));

const writing: fc.Arbitrary<Writing> = fc.record({
  format: fc.constantFrom('csv', 'xlsx', 'json', 'ndjson', 'x12', 'edifact'),
  packing: fc.constantFrom(null, 'gzip', 'zip'),
  separator: fc.constantFrom(',', ';', '\t', '|'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  encoding: fc.constantFrom('utf8', 'marked', 'utf16le', 'utf16be'),
  isQuoted: fc.boolean(),
  release: fc.constantFrom('4010', '5010'),
});

/** What a line means. */
function meaningOf(line: AnyLine) {
  const { inStock, onBackorder, backorderDate, restrictions } = line;
  const reading = line.gtin === undefined ? undefined : readGtin(line.gtin.form, line.gtin.text);
  return {
    skuId: line.skuId ?? null,
    gtins: reading !== undefined && 'gtin' in reading ? [reading.gtin] : [],
    fields: {
      ...(inStock !== undefined && { quantityInStock: inStock }),
      ...(onBackorder !== undefined && { quantityOnBackorder: onBackorder }),
      ...(backorderDate !== undefined && { backorderDate }),
      ...(restrictions !== undefined && { restrictions }),
    },
  };
}

test('any lines, written in any format and read back, are the same lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 12 }),
      writing,
      fc.integer({ min: 1, max: 300 }),
      async (sent, how, chunkBytes) => {
        const lines =
          how.format === 'edifact'
            ? sent.map((line) => ({ ...line, restrictions: undefined }))
            : sent;
        const file = await write(lines, how);
        expect(await linesOf(file, { chunkBytes })).toEqual(lines.map(meaningOf));
      },
    ),
    { seed: 20_261_123, numRuns: 200 },
  );
});
