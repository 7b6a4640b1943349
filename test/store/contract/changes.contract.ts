import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  entry,
  importSkus,
  problemsOf,
  type TestDatabase,
} from '../fixtures.ts';
import { useOwnDatabase, useSharedStore, type ContractStore } from './contract-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The contract of reading changes. */
export function describeChanges(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`changes of a ${kind} store`, () => {
    let store: Store;
    let supplierId: number;
    let supplierName: string;

    const begin = async (tested: ContractStore): Promise<void> => {
      ({ store } = tested);
      ({ id: supplierId, name: supplierName } = await tested.newSupplier());
    };
    const tested = useSharedStore(createDatabase, begin);
    const createOther = async (): Promise<number> => (await tested.newSupplier()).id;

    const stock = (quantityInStock: number, skuId = 'a') =>
      applyOne(store, {
        ...batchOf(supplierId, [{ skuId, fields: { quantityInStock } }]),
        reason: `to ${quantityInStock}`,
      });
    const uuidOf = async (skuId: string): Promise<string> => {
      const query = { supplierIds: [supplierId], filter: { skuId }, from: { start: 0 }, limit: 1 };
      const [sku] = (await store.skus.list(query)).skus;
      if (sku === undefined) throw new Error(`there is no SKU ${skuId}`);
      return sku.uuid;
    };
    const read = (afterSequence: number, limit = 100) =>
      store.changes.read(supplierId, afterSequence, limit);
    const sequences = async (afterSequence: number, limit?: number) =>
      (await read(afterSequence, limit)).map((change) => change.sequence);

    const history = async (more: object = {}, supplierIds = [supplierId]) => {
      const bounds = { fromMs: null, toMs: null, beforeSequence: null, limit: 100 };
      const query = { supplierIds, skuUuid: await uuidOf('a'), ...bounds, ...more };
      return (await store.changes.history(query))?.map((change) => change.after.quantityInStock);
    };

    test('are read in order after any sequence, with all details', async () => {
      await importSkus(store, supplierId, [
        entry('a', { product: { upca: '012345678905', mpn: 'M' } }),
      ]);
      const { uuid } = await stock(5);
      await stock(6);
      await stock(6);
      expect(await read(0)).toMatchObject([
        {
          supplier: { name: supplierName },
          sku: {
            uuid: await uuidOf('a'),
            skuId: 'a',
            identifiers: {
              upca: '012345678905',
              ean13: null,
              gtin14: null,
              isbn: null,
              asin: null,
              mpn: 'M',
            },
          },
          sequence: 1,
          before: NOTHING_KNOWN,
          after: { ...NOTHING_KNOWN, quantityInStock: 5 },
          batchUuid: uuid,
          reason: 'to 5',
        },
        { sequence: 2, before: { quantityInStock: 5 }, after: { quantityInStock: 6 } },
      ]);
      expect(await sequences(1)).toEqual([2]);
      expect(await sequences(0, 1)).toEqual([1]);
      expect(await sequences(2)).toEqual([]);
    });

    test('heads contain the last and the oldest sequence of each supplier', async () => {
      const other = await createOther();
      await importSkus(store, supplierId, [entry('a')]);
      await stock(1);
      await stock(2);
      expect(await store.changes.heads([supplierId, other, 999])).toEqual(
        new Map([
          [supplierId, { lastSequence: 2, oldestSequence: 1 }],
          [other, { lastSequence: 0, oldestSequence: 1 }],
        ]),
      );
      expect(await store.changes.heads([])).toEqual(new Map());
    });

    describe('of one SKU', () => {
      test('are read latest first, within bounds, for visible suppliers only', async () => {
        await importSkus(store, supplierId, [entry('a'), entry('b')]);
        for (const quantity of [1, 2, 3]) {
          await stock(quantity);
          await stock(quantity, 'b');
        }
        expect(await history()).toEqual([3, 2, 1]);
        expect(await history({ limit: 2 })).toEqual([3, 2]);
        expect(await history({ beforeSequence: 5 })).toEqual([2, 1]);
        expect(await history({ fromMs: Date.now() + HOUR_MS })).toEqual([]);
        expect(await history({ toMs: Date.now() - HOUR_MS })).toEqual([]);
        expect(await history({}, [])).toBeUndefined();
        expect(await history({}, [supplierId + 1])).toBeUndefined();
      });

      test('give the inventory at any time', async () => {
        const beforeMs = Date.now() - 1;
        await importSkus(store, supplierId, [entry('a')]);
        await stock(1);
        await stock(2);
        const [last] = (await read(0)).slice(-1);
        const at = async (atMs: number) =>
          store.changes.inventoryAt([supplierId], await uuidOf('a'), atMs);
        expect(await at(Date.now() + 1)).toEqual({
          inventory: { ...NOTHING_KNOWN, quantityInStock: 2 },
          changedAtMs: last?.changedAtMs,
        });
        expect(await at(beforeMs)).toEqual({ inventory: NOTHING_KNOWN, changedAtMs: null });
        expect(await store.changes.inventoryAt([], await uuidOf('a'), 0)).toBeUndefined();
      });
    });

    describe('past their retention', () => {
      useOwnDatabase(tested, begin);

      test('old ones are dropped in steps, and the rest can still be replayed', async () => {
        await importSkus(store, supplierId, [entry('a'), entry('b')]);
        for (const quantity of [1, 2, 3, 4]) await stock(quantity, quantity % 2 === 0 ? 'b' : 'a');
        const laterMs = Date.now() + 1;
        expect(await store.changes.dropBefore(0, 10)).toBe(false);
        expect(await sequences(0)).toEqual([1, 2, 3, 4]);
        expect(await store.changes.dropBefore(laterMs, 3)).toBe(true);
        expect(await sequences(0)).toEqual([4]);
        expect(await store.changes.heads([supplierId])).toEqual(
          new Map([[supplierId, { lastSequence: 4, oldestSequence: 4 }]]),
        );
        await store.close();
        expect(await problemsOf(tested.database)).toEqual([]);
        store = await tested.reopen();
        await store.changes.dropBefore(laterMs, 10);
        await stock(9);
        expect(await sequences(0)).toEqual([5]);
        const at = await store.changes.inventoryAt([supplierId], await uuidOf('b'), Date.now() + 1);
        expect(at?.inventory.quantityInStock).toBe(4);
        await expect(
          store.changes.inventoryAt([supplierId], await uuidOf('b'), 0),
        ).rejects.toMatchObject({ code: 'history_expired' });
      });
    });

    test('give the freshness of a supplier', async () => {
      const nobodyYet = await store.changes.freshness(supplierId, Date.now());
      expect(nobodyYet).toMatchObject({ lastHeardAtMs: null, expectedIntervalMinutes: null });
      await importSkus(store, supplierId, [entry('a'), entry('b'), entry('c')]);
      await stock(1);
      await store.changes.setExpectedInterval(supplierId, 60);
      const nowMs = Date.now();
      const counts = async (laterMs: number) => {
        const { skusByAge } = await store.changes.freshness(supplierId, nowMs + laterMs);
        return skusByAge.map(({ count }) => count);
      };
      expect(await counts(0)).toEqual([3, 0, 0, 0, 0]);
      expect(await counts(2 * HOUR_MS)).toEqual([0, 3, 0, 0, 0]);
      expect(await counts(40 * DAY_MS)).toEqual([0, 0, 0, 0, 3]);
      const { expectedIntervalMinutes, lastHeardAtMs } = await store.changes.freshness(
        supplierId,
        nowMs,
      );
      expect(expectedIntervalMinutes).toBe(60);
      expect(lastHeardAtMs).toBeGreaterThan(nowMs - HOUR_MS);
      const reports = await store.batches.expectedReports();
      expect(reports.filter((report) => report.supplierId === supplierId)).toEqual([
        { supplierId, name: supplierName, intervalMinutes: 60, lastHeardAtMs },
      ]);
    });

    test('filter SKUs by time of change and by stock', async () => {
      await importSkus(store, supplierId, [entry('a'), entry('b'), entry('c')]);
      await stock(3, 'a');
      await stock(7, 'b');
      const found = async (filter: object) => {
        const query = { supplierIds: [supplierId], filter, from: { start: 0 }, limit: 9 };
        const page = await store.skus.list(query);
        expect(page.totalCount).toBe(page.skus.length);
        return page.skus.map((sku) => sku.skuId);
      };
      expect(await found({ quantityInStockMin: 3, quantityInStockMax: 3 })).toEqual(['a']);
      expect(await found({ quantityInStockMin: 4 })).toEqual(['b']);
      expect(await found({ quantityInStockMax: 7 })).toEqual(['a', 'b']);
      expect(await found({ updatedSinceMs: Date.now() + HOUR_MS })).toEqual([]);
      expect(await found({ updatedSinceMs: 0 })).toEqual(['a', 'b', 'c']);
    });

    test('share one permanent secret key', async () => {
      const key = await store.changes.secretKey();
      expect(key.length).toBeGreaterThanOrEqual(32);
      store = await tested.reopen();
      expect(await store.changes.secretKey()).toEqual(key);
    });
  });
}
