import { expect, test } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
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

const NAMES = Array.from({ length: 500 }, (_, i) => `sku-${i}`);
const ROUNDS = 20;

/**
 * On a server of its own: a transaction that is under way in any of a server's databases keeps the versions
 * that ended since it began.
 */
test('all updates of inventory stay on their pages, and touch no index', async () => {
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
    // Sessions report what they did when they end.
    await store.close();
    const updated = ROUNDS * NAMES.length;
    await expect
      .poll(() => updatesOfInventory(database), { timeout: 10_000 })
      .toMatchObject([{ updated }]);
    expect(await updatesOfInventory(database)).toEqual([{ updated, hot: updated }]);
  } finally {
    await database.remove();
  }
});

async function updatesOfInventory(database: TestDatabase) {
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  try {
    return await read(
      pool,
      `SELECT n_tup_upd AS updated, n_tup_hot_upd AS hot FROM pg_stat_user_tables
       WHERE relname = 'inventory'`,
    );
  } finally {
    await pool.close();
  }
}
