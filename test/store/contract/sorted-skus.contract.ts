import { describe, expect, test } from 'vitest';
import { sortValueOf, type Sku, type SkuSortKey } from '../../../src/domain/sku.ts';
import type { SkuFilter } from '../../../src/store/store.ts';
import { entry, importSkus, type TestDatabase } from '../fixtures.ts';
import { set, useSupplier } from './tested-supplier.ts';

const QUANTITIES = { b: 5, A: 0, c: null, 'B-2': 5, a: 12, ü: 1 };

const names = (skus: readonly Sku[]): readonly string[] => skus.map(({ skuId }) => skuId);

/** The contract of sorted lists of SKUs. */
export function describeSortedSkus(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`sorted SKUs of a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    /** Creates SKUs, half of them of another supplier; resolves with both suppliers. */
    const stock = async (): Promise<readonly number[]> => {
      const other = await supplier.createOther();
      const entries = Object.entries(QUANTITIES).map(([skuId, quantityInStock]) =>
        entry(skuId, { product: { title: 'Jug' }, inventory: { quantityInStock } }),
      );
      await importSkus(supplier.store, supplier.id, entries.slice(0, 3));
      await importSkus(supplier.store, other, [...entries.slice(3), entry('b')]);
      return [supplier.id, other];
    };

    /** Reads a sorted list page after page; `between` runs after the first. */
    const pages = async (
      supplierIds: readonly number[],
      by: SkuSortKey,
      isDescending: boolean,
      {
        filter = {},
        limit = 2,
        between = () => Promise.resolve(),
      }: {
        readonly filter?: SkuFilter;
        readonly limit?: number;
        readonly between?: () => Promise<unknown>;
      } = {},
    ): Promise<readonly Sku[]> => {
      const query = { supplierIds, filter, limit, sort: { by, isDescending, skusMax: 100 } };
      const read: Sku[] = [];
      for (let last: Sku | undefined, hasMore = true; hasMore; last = read.at(-1)) {
        const from =
          last === undefined
            ? { afterUuid: null }
            : { afterUuid: last.uuid, afterValue: sortValueOf(last, by) };
        const page = await supplier.store.skus.page({ ...query, from });
        if (last === undefined) await between();
        read.push(...page.skus);
        ({ hasMore } = page);
      }
      return read;
    };
    test('sorts by sku_id in the order of code points, over all suppliers', async () => {
      const ids = await stock();
      const ascending = ['A', 'B-2', 'a', 'b', 'b', 'c', 'ü'];
      for (const limit of [1, 2, 50]) {
        expect(names(await pages(ids, 'sku_id', false, { limit }))).toEqual(ascending);
        expect(names(await pages(ids, 'sku_id', true, { limit }))).toEqual(ascending.toReversed());
      }
    });

    test('sorts by quantity, and unknown quantities last in either order', async () => {
      const ids = await stock();
      const ascending = await pages(ids, 'quantity_in_stock', false);
      expect(names(ascending)).toEqual(['A', 'ü', 'b', 'B-2', 'a', 'c', 'b']);
      const descending = await pages(ids, 'quantity_in_stock', true);
      expect(names(descending)).toEqual(['a', 'b', 'B-2', 'ü', 'A', 'c', 'b']);
    });

    test('sorts by the last change', async () => {
      await stock();
      for (const skuId of ['c', 'b', 'A']) {
        // Changes are told apart by the millisecond.
        const before = Date.now();
        while (Date.now() === before);
        await supplier.apply([set(skuId, 77)]);
      }
      const ids = [supplier.id];
      expect(names(await pages(ids, 'last_updated', true))).toEqual(['A', 'b', 'c']);
      expect(names(await pages(ids, 'last_updated', false))).toEqual(['c', 'b', 'A']);
    });

    test('sorts what a filter selects, and begins at an offset', async () => {
      const ids = await stock();
      const filters: readonly SkuFilter[] = [
        { quantityInStockMin: 5 },
        { quantityInStockMin: 5, titlePrefix: 'jug' },
        { quantityInStockMin: 5, search: { text: 'JUG', gtins: [] } },
      ];
      for (const filter of filters) {
        expect(names(await pages(ids, 'sku_id', true, { filter }))).toEqual(['b', 'a', 'B-2']);
        const quantities = await pages(ids, 'quantity_in_stock', true, { filter });
        expect(names(quantities)).toEqual(['a', 'b', 'B-2']);
        const page = await supplier.store.skus.list({
          supplierIds: ids,
          filter,
          sort: { by: 'sku_id', isDescending: false, skusMax: 100 },
          from: { start: 1 },
          limit: 1,
        });
        expect([page.totalCount, page.hasMore, ...names(page.skus)]).toEqual([3, true, 'a']);
      }
    });

    test('omits retired SKUs', async () => {
      const ids = await stock();
      const retired = entry('A', { retires: true });
      await importSkus(supplier.store, supplier.id, [{ ...retired, product: {}, inventory: {} }]);
      for (const by of ['sku_id', 'quantity_in_stock', 'last_updated'] as const) {
        expect(names(await pages(ids, by, false)).toSorted()).toEqual(
          ['B-2', 'a', 'b', 'b', 'c', 'ü'].toSorted(),
        );
      }
    });

    test('returns each SKU that does not change once while others change', async () => {
      const ids = await stock();
      // The last SKU of the first page becomes the first of all.
      const read = await pages(ids, 'quantity_in_stock', true, {
        between: () => supplier.apply([set('b', 1000)]),
      });
      expect(names(read)).toEqual(['a', 'b', 'B-2', 'ü', 'A', 'c', 'b']);
    });

    test('refuses an order that no index has for more SKUs than it may read', async () => {
      await stock();
      const query = { supplierIds: [supplier.id], from: { start: 0 }, limit: 9 };
      const sort = { isDescending: false, skusMax: 2 };
      const walked = await supplier.store.skus.list({
        ...query,
        filter: {},
        sort: { ...sort, by: 'sku_id' },
      });
      expect(walked.totalCount).toBe(3);
      for (const refused of [
        { filter: {}, sort: { ...sort, by: 'quantity_in_stock' as const } },
        { filter: { quantityInStockMin: 1 }, sort: { ...sort, by: 'sku_id' as const } },
      ]) {
        await expect(supplier.store.skus.list({ ...query, ...refused })).rejects.toMatchObject({
          code: 'parameter_invalid',
        });
      }
    });
  });
}
