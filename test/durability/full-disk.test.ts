import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

const SKUS = 500;
const ROOM_BYTES = 1_000_000;
const PAGE_BYTES = 2048;
const ROUNDS_MAX = 10_000;

describe('when the disk is full', () => {
  let database: TestDatabase;
  let store: Store;
  let supplierId: number;

  beforeEach(async () => {
    database = await sqliteDatabase();
    // SQLite itself enforces the limit, with the error of a full disk.
    store = await openTestStore(database, { databaseBytesMax: ROOM_BYTES });
    supplierId = await createSupplier(store, 'Acme');
    await importSkus(
      store,
      supplierId,
      Array.from({ length: SKUS }, (_, i) => entry(`sku-${i}`)),
    );
  });

  afterEach(async () => {
    await store.close();
    await database.remove();
  });

  const setFirst = (count: number, quantity: number) =>
    applyOne(
      store,
      batchOf(
        supplierId,
        Array.from({ length: count }, (_, i) => ({
          skuId: `sku-${i}`,
          fields: { quantityInStock: quantity },
        })),
      ),
    );
  const setAll = (quantity: number) => setFirst(SKUS, quantity);

  /** Writes until the store refuses; gives the last quantity that was answered 200. */
  const fill = async (count: number = SKUS): Promise<number> => {
    for (let quantity = 1; quantity < ROUNDS_MAX; quantity += 1) {
      try {
        await setFirst(count, quantity);
      } catch (error) {
        expect(error).toMatchObject({ code: 'store_unavailable' });
        expect(String(error)).toContain('full');
        return quantity - 1;
      }
    }
    throw new Error('the store never became full');
  };

  test('a batch is refused whole, and what was answered before is there', async () => {
    const last = await fill();
    const { skus } = await store.skus.list({
      supplierIds: [supplierId],
      filter: {},
      from: { start: 0 },
      limit: 500,
    });
    expect(new Set(skus.map((sku) => sku.inventory.quantityInStock))).toEqual(new Set([last]));
    expect(await problemsOf(database)).toEqual([]);
  });

  test('the store says that it is not ready, and still answers reads', async () => {
    await fill();
    await expect(store.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.accounts.visibleSupplierIds(supplierId, 'supplier')).toEqual([supplierId]);
  });

  test('a batch that the rest of its group has no room for does not fail with it', async () => {
    await fill();
    await fill(1);
    await store.close();
    // Room for what a small batch leaves, wherever its rows come to stand; not for a large one.
    store = await openTestStore(database, { databaseBytesMax: ROOM_BYTES + 4 * PAGE_BYTES });
    const unchanged = batchOf(supplierId, [{ skuId: 'missing', fields: { quantityInStock: 1 } }]);
    const large = batchOf(
      supplierId,
      Array.from({ length: SKUS }, (_, i) => ({
        skuId: `sku-${i}`,
        fields: { quantityInStock: 7_777 },
      })),
    );
    const [first, second] = await store.apply([large, unchanged]);
    expect(first).toMatchObject({ code: 'store_unavailable' });
    expect(second).toMatchObject({ statuses: new Uint16Array([404]) });
  });

  test('once there is room again, writing goes on', async () => {
    const last = await fill();
    await store.close();
    store = await openTestStore(database);
    await store.probe();
    await setAll(last + 1);
    expect(await problemsOf(database)).toEqual([]);
  });
});
