import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { applyOne, batchOf, problemsOf, sqliteDatabase, type TestDatabase } from '../fixtures.ts';
import { CrashingStore } from './crashing-store.ts';

/** Written by the version whose commits updated the inventory table: two suppliers with the same stock. */
const OLD_FILE = new URL('version-6.db.gz', import.meta.url);
const SUPPLIERS = ['Acme', 'Bolt'];
const DATE = 20_270_131;
/** In order: in stock, on backorder, backorder date, restrictions. */
const INVENTORY = [
  [0, 0, DATE, 1],
  [7, 1, DATE, null],
  [2, 2, DATE, 1],
  [33, 3, DATE, null],
  [4, 4, DATE, 1],
  [5, 5, DATE, null],
  ...[6, 7, 8, 9, 10, 11].map((inStock) => [inStock, null, null, inStock % 2 === 0 ? 1 : null]),
];

let database: TestDatabase;
beforeEach(async () => {
  database = await sqliteDatabase();
  const file = database.url.replace(/^sqlite:/, '');
  await writeFile(file, gunzipSync(await readFile(OLD_FILE)));
});
afterEach(() => database.remove());

async function inventoryOf(store: Store, name: string) {
  const supplier = await store.accounts.findOrganization(name);
  const page = { filter: {}, from: { start: 0 }, limit: 100 };
  const { skus } = await store.skus.list({ ...page, supplierIds: [supplier?.id ?? 0] });
  return skus.map(({ inventory }) => [
    inventory.quantityInStock,
    inventory.quantityOnBackorder,
    inventory.backorderDate,
    inventory.restrictions,
  ]);
}

test('a file of the version before keeps its inventory, which later changes build on', async () => {
  const crashing = await CrashingStore.open(database);
  try {
    for (const name of SUPPLIERS) {
      expect(await inventoryOf(crashing.store, name)).toEqual(INVENTORY);
    }
    expect(await problemsOf(database)).toEqual([]);
    const lines = [
      { skuId: 'Acme-0', fields: {}, stockChange: 5 },
      // Its inventory is as of the year 2096.
      { skuId: 'Acme-1', fields: { quantityInStock: 1 }, asOfUs: Date.now() * 1000 },
    ];
    const { statuses } = await applyOne(crashing.store, batchOf(1, lines));
    expect([...statuses]).toEqual([200, 412]);
    const after = INVENTORY.with(0, [5, 0, DATE, 1]);
    expect(await inventoryOf(await crashing.crash(), 'Acme')).toEqual(after);
    expect(await inventoryOf(crashing.store, 'Bolt')).toEqual(INVENTORY);
  } finally {
    await crashing.close();
  }
});
