import { expect, test } from 'vitest';
import { spendInShares } from '../../src/store/sql/shares.ts';

test('a supplier with little gets its share beside one with much, and what it leaves is spent', async () => {
  const stored = new Map([
    [1, 1000],
    [2, 5],
    [3, 40],
  ]);
  const spend = (id: number, limit: number): Promise<number> => {
    const spent = Math.min(limit, stored.get(id) ?? 0);
    stored.set(id, (stored.get(id) ?? 0) - spent);
    return Promise.resolve(spent);
  };
  expect(await spendInShares([1, 2, 3], 90, spend)).toBe(true);
  expect([...stored.values()]).toEqual([955, 0, 0]);
  expect(await spendInShares([1, 2, 3], 2000, spend)).toBe(false);
});
