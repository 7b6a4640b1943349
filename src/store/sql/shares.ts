/**
 * Spends a budget on several suppliers: each gets an equal share, and what some leave goes to the others. Resolves with
 * whether some may have more.
 *
 * @param spend spends at most `limit` on one supplier, and resolves with how much that was
 */
export async function spendInShares(
  supplierIds: readonly number[],
  budget: number,
  spend: (supplierId: number, limit: number) => Promise<number>,
): Promise<boolean> {
  let left = budget;
  // Another first one each time, since a budget may be smaller than the number of suppliers.
  const start = Math.floor(Math.random() * supplierIds.length);
  let waiting = [...supplierIds.slice(start), ...supplierIds.slice(0, start)];
  while (waiting.length > 0) {
    const share = Math.max(1, Math.floor(left / waiting.length));
    const more: number[] = [];
    for (const id of waiting) {
      if (left <= 0) return true;
      const limit = Math.min(share, left);
      const spent = await spend(id, limit);
      left -= spent;
      if (spent === limit) more.push(id);
    }
    waiting = more;
  }
  return false;
}
