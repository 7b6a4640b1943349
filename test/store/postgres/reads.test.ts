import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import type { Store } from '../../../src/store/store.ts';
import { createSupplier, openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { alterPostgres, fillSupplier } from './rows.ts';

let database: TestDatabase;
let store: Store;
let supplierId: number;

async function open(): Promise<void> {
  database = await postgresDatabase();
  store = await openTestStore(database);
  supplierId = await createSupplier(store, 'Acme');
}

async function close(): Promise<void> {
  await store.close();
  await database.remove();
}

describe('a list of SKUs', () => {
  const COUNTS = [1200, 0, 3, 700];
  let supplierIds: number[];
  let expected: string[];

  beforeAll(async () => {
    await open();
    supplierIds = [];
    expected = [];
    for (const [i, count] of COUNTS.entries()) {
      const id = i === 0 ? supplierId : await createSupplier(store, `Supplier ${i}`);
      supplierIds.push(id);
      await fillSupplier(database, id, count);
      expected.push(...Array.from({ length: count }, (_, n) => `${id} S${n + 1}`));
    }
  });

  afterAll(close);

  const page = async (from: { start: number } | { afterUuid: string | null }, limit: number) => {
    const { totalCount, skus, hasMore } = await store.skus.list({
      supplierIds: supplierIds.toReversed(),
      filter: {},
      from,
      limit,
    });
    const idOf = (name: string): number =>
      supplierIds[name === 'Acme' ? 0 : Number(name.slice('Supplier '.length))] ?? 0;
    return {
      totalCount,
      hasMore,
      names: skus.map(({ supplier, skuId }) => `${idOf(supplier.name)} ${skuId}`),
      lastUuid: skus.at(-1)?.uuid ?? null,
    };
  };

  test.for([
    [0, 10],
    [1190, 20],
    [1199, 1],
    [1199, 2],
    [1200, 3],
    [1201, 500],
    [1402, 500],
    [1403, 500],
    [1902, 1],
    [1903, 5],
    [9999, 5],
  ] as const)('starting at %i returns a page of %i, across suppliers', async ([start, limit]) => {
    const { totalCount, names, hasMore } = await page({ start }, limit);
    expect({ totalCount, names, hasMore }).toEqual({
      totalCount: expected.length,
      names: expected.slice(start, start + limit),
      hasMore: start + limit < expected.length,
    });
  });

  test('read page by page skips and repeats no SKU', async () => {
    const seen: string[] = [];
    let afterUuid: string | null = null;
    for (let hasMore = true; hasMore;) {
      const read = await page({ afterUuid }, 333);
      seen.push(...read.names);
      ({ hasMore, lastUuid: afterUuid } = read);
    }
    expect(seen).toEqual(expected);
  });
});

test('a page deep in the list reads only its own rows', async () => {
  await open();
  await fillSupplier(database, supplierId, 1200);
  const query = { supplierIds: [supplierId], filter: {}, from: { start: 1100 }, limit: 50 };
  const { skus } = await store.skus.list(query);
  expect(skus.map(({ skuId }) => skuId)).toEqual(
    Array.from({ length: 50 }, (_, i) => `S${1101 + i}`),
  );
  // Sessions report their statistics when they end, if not before.
  await store.close();
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  const fetched = async (): Promise<number> => {
    const [row] = await read<{ fetched: number }>(
      pool,
      `SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint AS fetched
       FROM pg_stat_user_tables WHERE relname IN ('skus', 'inventory')`,
    );
    return row?.fetched ?? 0;
  };
  await expect.poll(fetched).toBeGreaterThan(0);
  expect(await fetched()).toBeLessThanOrEqual(2 * skus.length);
  await pool.close();
  await close();
});

describe('a check of a database', () => {
  beforeEach(async () => {
    await open();
    await fillSupplier(database, supplierId, 500);
  });

  afterEach(close);

  test('finds no problem in a healthy one', async () => {
    expect(await problemsOf(database)).toEqual([]);
  });

  test.for([
    [
      'inventory that differs from its last change',
      'UPDATE inventory SET quantity_in_stock = 77 WHERE quantity_in_stock = 7',
      'replaying the changes gives the inventory: SKU 7 of supplier 1 does not hold what change 7 left',
    ],
    [
      'a gap in the sequence',
      'DELETE FROM changes WHERE sequence = 250',
      "suppliers' sequences have no gap: supplier 1 counts from 0 to 500, has 499 changes, the last with sequence 500",
    ],
    [
      'a missing batch',
      'DELETE FROM batches',
      "suppliers' batches have no gap, and count their changes: supplier 1 counts to batch 1, has 0",
    ],
    [
      'a missing SKU',
      'DELETE FROM skus WHERE sku_number = 3',
      "suppliers' SKUs are numbered without gaps: supplier 1 counts 500 SKUs, has 499, the last with number 500",
    ],
    [
      'missing inventory',
      'DELETE FROM inventory WHERE sku_number = 3',
      'every SKU has its inventory, and every inventory its SKU: SKU 3 of supplier 1 has no inventory',
    ],
    [
      'a missing GTIN',
      'DELETE FROM gtins WHERE sku_number = 3',
      "every SKU's GTINs can be found, and no others: GTIN 4000000000003 of SKU 3 of supplier 1 cannot be found",
    ],
    [
      'a stale GTIN',
      'UPDATE skus SET ean13 = NULL WHERE sku_number = 3',
      "every SKU's GTINs can be found, and no others: GTIN 4000000000003 is no longer one of SKU 3 of supplier 1",
    ],
    [
      'a wrong count of SKUs that can be sold',
      'UPDATE suppliers SET live_count = 1',
      'suppliers count their SKUs that can be sold: supplier 1 counts 1 SKUs in stock and unrestricted, has 500',
    ],
    [
      'a change that does not start from the previous one',
      'UPDATE changes SET before_quantity_in_stock = 9 WHERE sequence = 9',
      "each change starts from its SKU's previous one: change 9 of supplier 1 does not start from change 0",
    ],
  ] as const)('finds %s, and says what is wrong where', async ([, sql, finding]) => {
    await alterPostgres(database, sql);
    expect(await problemsOf(database)).toContain(finding);
  });
});
