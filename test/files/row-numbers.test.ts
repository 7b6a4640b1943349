import { expect, test } from 'vitest';
import { RowNumberList, RowNumbers } from '../../src/files/row-numbers.ts';
import type { FileRow } from '../../src/formats/format.ts';
import { all } from '../formats/reading.ts';

const rowAt = (row: number): FileRow => ({
  row,
  cells: [],
  line: { skuId: 'A', gtins: [], fields: {} },
});

async function foundIn(numbers: readonly number[]) {
  const found = new RowNumbers();
  await all(
    found.of(
      (async function* () {
        for (const row of numbers) yield await Promise.resolve([rowAt(row)]);
      })(),
    ),
  );
  return found.found();
}

test.each([
  ['of a table', [2, 3, 4, 5], 1],
  ['of a table with blank rows', [2, 3, 7, 8, 9, 20], 3],
  ['of EDI items of three segments', [4, 7, 10, 13], 1],
  ['of EDI items with a row per location', [4, 4, 4, 9, 9, 15], 3],
  ['of one row', [2], 1],
  ['of none', [], 0],
])('row numbers %s are kept as runs and known by their index', async (_, numbers, runs) => {
  const { rowRuns = [], hasWarnings } = await foundIn(numbers);
  expect(rowRuns.length).toBeLessThanOrEqual(runs);
  expect(hasWarnings).toBe(false);
  const list = new RowNumberList(rowRuns);
  expect(list.count).toBe(numbers.length);
  expect(numbers.map((_number, index) => list.at(index))).toEqual(numbers);
  expect(list.at(numbers.length)).toBe(0);
});

test('row numbers without an order are not kept', async () => {
  expect(await foundIn(Array.from({ length: 3000 }, (_, i) => i * i))).toEqual({});
});
