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

  /** Writes until the store refuses; returns the last quantity that was applied. */
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

  test('a batch is refused as a whole, and acknowledged batches are still there', async () => {
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

  test('the store is not ready but still answers reads', async () => {
    await fill();
    await expect(store.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.accounts.visibleSupplierIds(supplierId, 'supplier')).toEqual([supplierId]);
  });

  test('a small batch is applied although another batch of its group does not fit', async () => {
    await fill();
    await fill(1);
    await store.close();
    // Room for a small batch, wherever its rows go; not for a large one.
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

  test('writing resumes once there is room', async () => {
    const last = await fill();
    await store.close();
    store = await openTestStore(database);
    await store.probe();
    await setAll(last + 1);
    expect(await problemsOf(database)).toEqual([]);
  });
});
