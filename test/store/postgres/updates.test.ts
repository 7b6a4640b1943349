import { expect, test } from 'vitest';
import { PostgresProcess } from '../../durability/postgres-process.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  type TestDatabase,
} from '../fixtures.ts';
import { queryPostgres } from './rows.ts';

const NAMES = Array.from({ length: 500 }, (_, i) => `sku-${i}`);
const ROUNDS = 20;

/** Needs its own server: a long transaction in any database of a server keeps dead row versions alive. */
test('every inventory update is a HOT update', async () => {
  const server = await PostgresProcess.start();
  const database: TestDatabase = { url: server.url('postgres'), remove: () => server.remove() };
  try {
    const store = await openTestStore(database);
    const supplierId = await createSupplier(store, 'Acme');
    await importSkus(
      store,
      supplierId,
      NAMES.map((name) => entry(name)),
    );
    for (let round = 1; round <= ROUNDS; round += 1) {
      const fields = { quantityInStock: round, quantityOnBackorder: round };
      const lines = NAMES.map((skuId) => ({ skuId, fields }));
      await applyOne(store, batchOf(supplierId, lines));
    }
    // Sessions report their statistics when they end.
    await store.close();
    const updated = ROUNDS * NAMES.length;
    await expect
      .poll(() => inventoryUpdates(database), { timeout: 10_000 })
      .toMatchObject([{ updated }]);
    expect(await inventoryUpdates(database)).toEqual([{ updated, hot: updated }]);
  } finally {
    await database.remove();
  }
});

function inventoryUpdates(database: TestDatabase) {
  return queryPostgres(
    database,
    `SELECT n_tup_upd AS updated, n_tup_hot_upd AS hot FROM pg_stat_user_tables
     WHERE relname = 'inventory'`,
  );
}
