import { expect, test } from 'vitest';
import type { FileRow } from '../../src/formats/format.ts';
import { CHUNK_LINES_MAX, chunksOf, wholeOf } from '../../src/files/chunks.ts';

/** Rows, of which those from `first` to before `end` are one group. */
function rows(count: number, first = 0, end = 0): readonly FileRow[] {
  return Array.from({ length: count }, (_, i) => ({
    row: i + 1,
    cells: [],
    line: {
      skuId: 'A-1',
      gtins: [],
      fields: {},
      ...(i >= first && i < end && { group: 1 }),
    },
  }));
}

async function* inChunks(
  all: readonly FileRow[],
  size: number,
): AsyncGenerator<readonly FileRow[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

const undated = (): null => null;

async function lengths(all: readonly FileRow[], size: number): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const chunk of chunksOf(inChunks(all, size), undated)) found.push(chunk.count);
  return found;
}

test.for([1, 999, 4096, 50_000])(
  'chunks do not depend on how many rows arrive at once: %d',
  async (size) => {
    expect(await lengths(rows(25_000), size)).toEqual([10_000, 10_000, 5000]);
    expect(await lengths(rows(10_000), size)).toEqual([10_000]);
    expect(await lengths(rows(25_000, 9990, 10_020), size)).toEqual([9990, 10_000, 5010]);
    expect(await lengths(rows(20_001, 5, 10_005), size)).toEqual([5, 10_000, 9996]);
  },
);

test('no rows make no chunk', async () => {
  expect(await lengths([], 10)).toEqual([]);
});

test('a group larger than a chunk is refused', async () => {
  await expect(lengths(rows(25_000, 5, 20_000), 999)).rejects.toMatchObject({
    code: 'body_shape_wrong',
  });
  expect(await lengths(rows(20_000, 0, CHUNK_LINES_MAX), 999)).toEqual([10_000, 10_000]);
});

test('a file that is applied as one batch has a limit of lines', async () => {
  expect((await wholeOf(inChunks(rows(100), 30), undated, 100)).count).toBe(100);
  await expect(wholeOf(inChunks(rows(101), 30), undated, 100)).rejects.toMatchObject({
    code: 'too_many_lines',
  });
});
