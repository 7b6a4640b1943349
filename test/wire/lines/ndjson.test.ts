import { array, assert, constantFrom, nat, oneof, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { ROW_BYTES_MAX, RowSplitter, type Row } from '../../../src/wire/lines/ndjson.ts';

/** The rows of bytes that come in parts, cut at these places. */
function rowsOf(bytes: Buffer, cuts: readonly number[] = []): readonly Row[] {
  const splitter = new RowSplitter();
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  const rows = places
    .slice(1)
    .flatMap((place, i) => [...splitter.take(bytes.subarray(places[i], place))]);
  const last = splitter.end();
  return last === undefined ? rows : [...rows, last];
}

const faultOf = (row: Row | undefined): string | undefined =>
  typeof row === 'object' ? row.fault : undefined;

test('rows do not depend on how their bytes are split', () => {
  const pieces = constantFrom('a', 'é', '💧', '\r', '\n', '\n\n', '\uFEFF', '{"a":1}', '\u0000');
  const bytes = oneof(
    array(pieces).map((parts) => Buffer.from(parts.join(''))),
    uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
    array(constantFrom(10, 0xc3, 0xa9, 0xff, 65), { maxLength: 40 }).map((array) =>
      Buffer.from(array),
    ),
  );
  assert(
    property(bytes, array(nat()), (all, places) => {
      const cuts = places.map((place) => place % (all.length + 1));
      expect(rowsOf(all, cuts)).toEqual(rowsOf(all));
    }),
    { seed: 42 },
  );
});

test('the last row needs no line break', () => {
  expect(rowsOf(Buffer.from('a\nb'))).toEqual(['a', 'b']);
  expect(rowsOf(Buffer.from('a\nb\n'))).toEqual(['a', 'b']);
  expect(rowsOf(Buffer.from(''))).toEqual([]);
});

test('a row that is not UTF-8 does not affect other rows', () => {
  const rows = rowsOf(Buffer.from('a\n\xff\nb\n', 'latin1'));
  expect([rows[0], rows[2]]).toEqual(['a', 'b']);
  expect(faultOf(rows[1])).toContain('is not UTF-8');
});

test('a byte order mark is dropped before the first row only', () => {
  expect(rowsOf(Buffer.from('\uFEFFa\n\uFEFFb\n'), [1, 2, 4])).toEqual(['a', '\uFEFFb']);
});

test.for([0, 1, 2, 100_000])(
  'a row is too long from the first byte above the limit (%i more)',
  (more) => {
    const long = 'x'.repeat(ROW_BYTES_MAX + more);
    for (const cuts of [[], [1], [ROW_BYTES_MAX], [ROW_BYTES_MAX + 1], [long.length + 2]]) {
      const rows = rowsOf(Buffer.from(`a\n${long}\nb`), cuts);
      expect(rows).toHaveLength(3);
      expect([rows[0], rows[2]]).toEqual(['a', 'b']);
      if (more === 0) expect(rows[1]).toBe(long);
      else expect(faultOf(rows[1])).toBe(`is longer than ${ROW_BYTES_MAX} bytes`);
    }
    const wide = 'é'.repeat(ROW_BYTES_MAX / 2) + 'x'.repeat(more);
    const [row] = rowsOf(Buffer.from(`${wide}\nb`));
    expect(typeof row).toBe(more === 0 ? 'string' : 'object');
  },
);
