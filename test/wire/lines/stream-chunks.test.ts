import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  oneof,
  property,
  record,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lines } from '../../../src/domain/lines.ts';
import { parseLines } from '../../../src/wire/lines/lines.ts';
import {
  type Chunk,
  CHUNK_LINES_MAX,
  CHUNK_WEIGHT_MAX,
  ChunkReader,
} from '../../../src/wire/lines/stream-chunks.ts';

const TERMS = { nowMs: 0, asOfToleranceSeconds: 300, asOfUs: undefined };

/** Pieces of rows: each is cut when it must be, and when `cutsEarly` says so. */
function chunksOf(rows: readonly string[], cutsEarly: (i: number) => boolean = () => false) {
  const reader = new ChunkReader(() => TERMS, { withEffects: false });
  const pieces: Chunk[] = [];
  for (const [i, row] of rows.entries()) {
    while (reader.isFull || (reader.hasLines && cutsEarly(i))) pieces.push(reader.cut());
    reader.add(row);
    expect(reader.next.index).toBeLessThanOrEqual(i + 1);
  }
  while (reader.isFull) pieces.push(reader.cut());
  reader.end();
  while (reader.hasLines) pieces.push(reader.cut());
  return pieces;
}

const messagesOf = ({ refusals }: Lines): readonly string[] =>
  [...refusals].toSorted(([a], [b]) => a - b).map(([, { message }]) => message);
const rowOf = (group?: string, more: object = {}): string =>
  JSON.stringify({ sku_id: 'A', quantity_in_stock: 1, ...more, ...(group && { group }) });
const repeated = (count: number, row: string): readonly string[] =>
  Array.from({ length: count }, () => row);

describe('lines', () => {
  const lines = array(
    oneof(
      record(
        {
          sku_id: constantFrom('A', '', 7, 'é'),
          ean13: constantFrom('4006381333931', 96385074, 'x', null),
          quantity_in_stock: constantFrom(1, 5.2, null, '7'),
          as_of: constantFrom('1970-01-01T00:00:01Z', 'x'),
          typo: constant(1),
        },
        { requiredKeys: [] },
      ),
      record({ '1': constant(1), '0': constant(1), sku_id: constant(1.5) }),
    ),
    { maxLength: 30 },
  );

  test('are those of an array, wherever pieces are cut', () => {
    assert(
      property(lines, array(boolean()), (values, cuts) => {
        const rows = values.map((value) => JSON.stringify(value));
        const whole = parseLines(values, `[${rows.join(',')}]`, TERMS);
        const pieces = chunksOf(rows, (i) => cuts[i] === true);
        expect(pieces.flatMap((piece) => piece.lines.skuIds)).toEqual(whole.skuIds);
        expect(pieces.flatMap((piece) => piece.lines.asSent)).toEqual(whole.asSent);
        expect(pieces.flatMap((piece) => [...piece.lines.gtins])).toEqual([...whole.gtins]);
        expect(pieces.flatMap((piece) => [...piece.lines.fields.quantityInStock])).toEqual([
          ...whole.fields.quantityInStock,
        ]);
        expect(pieces.flatMap((piece) => messagesOf(piece.lines))).toEqual(messagesOf(whole));
      }),
      { seed: 42 },
    );
  });

  test('stand where their piece says', () => {
    const [first, second] = chunksOf(['', rowOf(), '', '', rowOf(), rowOf()], (i) => i === 5);
    expect(first).toMatchObject({ first: { row: 2, index: 0 }, last: { row: 5, index: 1 } });
    expect(second).toMatchObject({ first: { row: 6, index: 2 }, last: { row: 6, index: 2 } });
  });
});

/** The groups of pieces, each as the places of its lines; none may be in two pieces. */
function runsOf(pieces: readonly Chunk[]): readonly (readonly number[])[] {
  return pieces.flatMap(({ lines, first }) => {
    const runs = new Map<number, number[]>();
    for (let i = 0; i < lines.count; i += 1) {
      const group = lines.groups?.[i] ?? 0;
      const run = runs.get(group) ?? [];
      run.push(first.index + i);
      if (group !== 0) runs.set(group, run);
    }
    return [...runs.values()];
  });
}

describe('groups', () => {
  test('are in one piece each, wherever pieces are cut', () => {
    const rows = array(constantFrom(rowOf(), rowOf('g'), rowOf('h'), ''), { maxLength: 40 });
    assert(
      property(rows, array(boolean()), (all, cuts) => {
        const runs = runsOf(chunksOf(all, (i) => cuts[i] === true));
        expect(runs).toEqual(runsOf(chunksOf(all)));
      }),
      { seed: 42 },
    );
  });

  test.for([CHUNK_LINES_MAX - 5, CHUNK_LINES_MAX - 1, CHUNK_LINES_MAX, CHUNK_LINES_MAX + 1])(
    'are in one piece where %i lines stand before them',
    (before) => {
      const rows = [...repeated(before, rowOf()), ...repeated(5, rowOf('g')), rowOf()];
      const pieces = chunksOf(rows);
      expect(runsOf(pieces)).toEqual([[0, 1, 2, 3, 4].map((i) => before + i)]);
      expect(pieces.every(({ lines }) => lines.count <= CHUNK_LINES_MAX)).toBe(true);
      expect(pieces.reduce((sum, { lines }) => sum + lines.count, 0)).toBe(rows.length);
    },
  );

  test('of 10,000 lines are in a piece, beside nothing', () => {
    const pieces = chunksOf([rowOf(), ...repeated(CHUNK_LINES_MAX, rowOf('g')), rowOf('h')]);
    expect(pieces.map(({ lines }) => lines.count)).toEqual([1, CHUNK_LINES_MAX, 1]);
  });
});

test('a piece has no more than it may weigh, and one line', () => {
  const row = rowOf(undefined, { note: 'n'.repeat(1000) });
  const pieces = chunksOf(repeated(CHUNK_LINES_MAX, row));
  expect(pieces.length).toBeGreaterThan(2);
  for (const { lines } of pieces) {
    expect((lines.count - 1) * row.length).toBeLessThan(CHUNK_WEIGHT_MAX);
  }
});
