import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

const SKUS = 4000;
const SUPPLIERS = 200;
/** It is about 1. If what is found is looked up again for each supplier, it is 10. */
const RATIO_MAX = 3;
const ATTEMPTS = 4;

let database: TestDatabase;
let store: Store;
let large: number;
let all: readonly number[];

beforeAll(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  large = await createSupplier(store, 'Large');
  await importSkus(
    store,
    large,
    Array.from({ length: SKUS }, (_, i) => entry(`sku-${i}`, { product: { title: `Title ${i}` } })),
  );
  const others: number[] = [];
  for (let i = 0; i < SUPPLIERS; i += 1) others.push(await createSupplier(store, `Other ${i}`));
  all = [large, ...others];
});
afterAll(async () => {
  await store.close();
  await database.remove();
});

const FILTERS = {
  'a title': { titlePrefix: 'T' },
  'a search': { search: { text: 't', gtins: [] } },
  'a search in which no SKU has the quantity': {
    search: { text: 's', gtins: [] },
    quantityInStockMin: 1_000_000,
  },
};

test.for(Object.entries(FILTERS).map(([name, filter]) => ({ name, filter })))(
  '$name that finds all SKUs of one supplier is as fast among many suppliers',
  async ({ filter }) => {
    const msOf = async (supplierIds: readonly number[]): Promise<number> => {
      const startedMs = performance.now();
      await store.skus.list({ filter, supplierIds, from: { start: 0 }, limit: 25 });
      return performance.now() - startedMs;
    };
    await msOf(all);
    const ratios: number[] = [];
    do {
      const aloneMs = await msOf([large]);
      ratios.push((await msOf(all)) / aloneMs);
    } while (Math.min(...ratios) >= RATIO_MAX && ratios.length < ATTEMPTS);
    expect(Math.min(...ratios)).toBeLessThan(RATIO_MAX);
  },
);

async function scannerActiveMs(): Promise<number> {
  return (await store.measure()).threadsActiveMs?.['scanner'] ?? 0;
}

test('what looks at many SKUs runs in a thread of its own, so that other reads do not wait for it', async () => {
  const from = { start: 0 };
  const list = { filter: {}, supplierIds: [large], from, limit: 25 };
  for (const read of [
    () => store.skus.list({ ...list, filter: FILTERS['a search'] }),
    () => store.skus.list({ ...list, filter: { quantityInStockMin: 1 } }),
    () =>
      store.skus.list({ ...list, sort: { by: 'last_updated', isDescending: true, skusMax: SKUS } }),
    () => store.changes.freshness(large, Date.now()),
  ]) {
    const beforeMs = await scannerActiveMs();
    await read();
    expect(await scannerActiveMs()).toBeGreaterThan(beforeMs);
  }
});
