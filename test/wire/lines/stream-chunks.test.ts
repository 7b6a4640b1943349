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

/** Chunks of rows: each is cut when it must be, and when `cutsEarly` says so. */
function chunksOf(rows: readonly string[], cutsEarly: (i: number) => boolean = () => false) {
  const reader = new ChunkReader(() => TERMS, { withEffects: false });
  const chunks: Chunk[] = [];
  for (const [i, row] of rows.entries()) {
    while (reader.isFull || (reader.canCut && cutsEarly(i))) chunks.push(reader.cut());
    reader.add(row);
    expect(reader.next.index).toBeLessThanOrEqual(i + 1);
  }
  while (reader.isFull) chunks.push(reader.cut());
  reader.end();
  while (reader.canCut) chunks.push(reader.cut());
  return chunks;
}

const messagesOf = ({ refusals }: Lines): readonly string[] =>
  [...refusals].toSorted(([a], [b]) => a - b).map(([, { message }]) => message);
const rowOf = (group?: string, more: object = {}): string =>
  JSON.stringify({ sku_id: 'A', quantity_in_stock: 1, ...more, ...(group && { group }) });
const repeated = (count: number, row: string): readonly string[] =>
  Array.from({ length: count }, () => row);

describe('lines of a stream', () => {
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

  test('are read like those of an array, wherever chunks are cut', () => {
    assert(
      property(lines, array(boolean()), (values, cuts) => {
        const rows = values.map((value) => JSON.stringify(value));
        const whole = parseLines(values, `[${rows.join(',')}]`, TERMS);
        const chunks = chunksOf(rows, (i) => cuts[i] === true);
        expect(chunks.flatMap((chunk) => chunk.lines.skuIds)).toEqual(whole.skuIds);
        expect(chunks.flatMap((chunk) => chunk.lines.asSent)).toEqual(whole.asSent);
        expect(chunks.flatMap((chunk) => [...chunk.lines.gtins])).toEqual([...whole.gtins]);
        expect(chunks.flatMap((chunk) => [...chunk.lines.fields.quantityInStock])).toEqual([
          ...whole.fields.quantityInStock,
        ]);
        expect(chunks.flatMap((chunk) => messagesOf(chunk.lines))).toEqual(messagesOf(whole));
      }),
      { seed: 42 },
    );
  });

  test('have the row and index that their chunk reports', () => {
    const [first, second] = chunksOf(['', rowOf(), '', '', rowOf(), rowOf()], (i) => i === 5);
    expect(first).toMatchObject({ first: { row: 2, index: 0 }, last: { row: 5, index: 1 } });
    expect(second).toMatchObject({ first: { row: 6, index: 2 }, last: { row: 6, index: 2 } });
  });
});

/** The groups of chunks, each as the places of its lines; none may be in two chunks. */
function runsOf(chunks: readonly Chunk[]): readonly (readonly number[])[] {
  return chunks.flatMap(({ lines, first }) => {
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

describe('groups in a stream', () => {
  test('are never split across chunks', () => {
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
    'are in one chunk after %i other lines',
    (before) => {
      const rows = [...repeated(before, rowOf()), ...repeated(5, rowOf('g')), rowOf()];
      const chunks = chunksOf(rows);
      expect(runsOf(chunks)).toEqual([[0, 1, 2, 3, 4].map((i) => before + i)]);
      expect(chunks.every(({ lines }) => lines.count <= CHUNK_LINES_MAX)).toBe(true);
      expect(chunks.reduce((sum, { lines }) => sum + lines.count, 0)).toBe(rows.length);
    },
  );

  test('of 10,000 lines fill a chunk alone', () => {
    const chunks = chunksOf([rowOf(), ...repeated(CHUNK_LINES_MAX, rowOf('g')), rowOf('h')]);
    expect(chunks.map(({ lines }) => lines.count)).toEqual([1, CHUNK_LINES_MAX, 1]);
  });
});

test('a chunk exceeds its weight limit by at most one line', () => {
  const row = rowOf(undefined, { note: 'n'.repeat(1000) });
  const chunks = chunksOf(repeated(CHUNK_LINES_MAX, row));
  expect(chunks.length).toBeGreaterThan(2);
  for (const { lines } of chunks) {
    expect((lines.count - 1) * row.length).toBeLessThan(CHUNK_WEIGHT_MAX);
  }
});
