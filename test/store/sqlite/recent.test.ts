import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SqliteDatabase } from '../../../src/store/sqlite/database.ts';
import { SqliteSkus } from '../../../src/store/sqlite/read/skus.ts';
import { RecentFeed, type RecentChanges } from '../../../src/store/sqlite/recent/feed.ts';
import { Following } from '../../../src/store/sqlite/recent/following.ts';
import { InventoryView } from '../../../src/store/sqlite/recent/inventory-view.ts';
import { RecentInventory } from '../../../src/store/sqlite/recent/recent-inventory.ts';
import { LOOKS_AT_MANY_SKUS, queryRows } from '../../../src/store/sqlite/statements.ts';
import type { SkuFilter, SkuQuery, Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  crashImage,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  sweptDatabase,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';

const SKUS = Array.from({ length: 40 }, (_, i) => `sku-${i}`);
const HOUR_MS = 3_600_000;

let databases: TestDatabase[];
let stores: Store[];
beforeEach(() => {
  databases = [];
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  for (const database of databases) await database.remove();
});

async function opened(database: TestDatabase): Promise<Store> {
  const store = await openTestStore(database);
  stores.push(store);
  return store;
}

/** A database with a supplier's SKUs, open. */
async function stocked(
  create: () => Promise<TestDatabase> = sqliteDatabase,
): Promise<{ database: TestDatabase; store: Store; supplierId: number }> {
  const database = await create();
  databases.push(database);
  const store = await opened(database);
  const supplierId = await createSupplier(store, 'Acme');
  await importSkus(
    store,
    supplierId,
    SKUS.map((skuId) => entry(skuId, { inventory: { quantityInStock: 1 } })),
  );
  return { database, store, supplierId };
}

async function setStock(
  store: Store,
  supplierId: number,
  quantityInStock: number,
  others: Partial<Draft> = {},
  skuIds: readonly string[] = SKUS,
): Promise<void> {
  const lines = skuIds.map((skuId) => ({ skuId, fields: { quantityInStock }, ...others }));
  await applyOne(store, batchOf(supplierId, lines));
}

async function quantitiesOf(store: Store, supplierId: number): Promise<ReadonlySet<number | null>> {
  const page = { supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 500 };
  const { skus } = await store.skus.list(page);
  return new Set(skus.map(({ inventory }) => inventory.quantityInStock));
}

/** What the inventory table holds, without the changes that it lacks. */
function rowsOf(database: TestDatabase): {
  readonly quantities: ReadonlySet<number>;
  readonly lacking: number;
} {
  const db = new Sqlite(database.url.replace(/^sqlite:/, ''), { readonly: true });
  try {
    const quantities = db.prepare<[], number>('SELECT quantity_in_stock FROM inventory').pluck();
    const lacking = db
      .prepare<[], number>('SELECT last_sequence - complete_sequence FROM suppliers')
      .pluck();
    return { quantities: new Set(quantities.all()), lacking: lacking.get() ?? 0 };
  } finally {
    db.close();
  }
}

test('a commit leaves the inventory table as it is, and readers see the new inventory', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  expect(rowsOf(database)).toEqual({ quantities: new Set([1]), lacking: SKUS.length });
  expect(await quantitiesOf(store, supplierId)).toEqual(new Set([7]));
  for (const [bounds, totalCount] of [
    [{ quantityInStockMin: 7 }, SKUS.length],
    [{ quantityInStockMax: 6 }, 0],
  ] as const) {
    const page = { supplierIds: [supplierId], from: { start: 0 }, limit: 5 };
    expect(await store.skus.list({ ...page, filter: bounds })).toMatchObject({ totalCount });
  }
  expect(await problemsOf(database)).toEqual([]);
});

test('filters by inventory count recent inventory and rows of the table together', async () => {
  const { store, supplierId } = await stocked();
  const [first = ''] = SKUS;
  await setStock(store, supplierId, 7, {}, [first]);
  const count = async (filter: SkuFilter): Promise<number> => {
    const from = { start: 0 };
    const page = await store.skus.list({ supplierIds: [supplierId], filter, from, limit: 1 });
    return page.totalCount;
  };
  expect(await count({ quantityInStockMin: 7 })).toBe(1);
  expect(await count({ quantityInStockMax: 6 })).toBe(SKUS.length - 1);
  expect(await count({ quantityInStockMin: 1, skuId: first })).toBe(1);
  expect(await count({ quantityInStockMax: 6, skuId: first })).toBe(0);
  expect(await count({ restrictions: null })).toBe(SKUS.length);
});

test('reads of few SKUs do not pay for marks of all recent inventory', async () => {
  const { database, supplierId } = await stocked();
  const db = new Sqlite(database.url.replace(/^sqlite:/, ''), { readonly: true });
  try {
    let asked: string[] = [];
    const skus = new SqliteSkus(
      new SqliteDatabase({
        query: (statement) => {
          asked.push(statement.sql);
          return Promise.resolve(queryRows(db, statement));
        },
        run: () => Promise.reject(new Error('a read writes nothing')),
      }),
    );
    const isMarked = async (read: () => Promise<unknown>): Promise<boolean> => {
      asked = [];
      await read();
      return asked.some((text) => text.includes(LOOKS_AT_MANY_SKUS));
    };
    const list = (query: Partial<SkuQuery>) =>
      skus.list({ supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 5, ...query });
    const { skus: listed } = await list({});
    const few = [
      () => list({}),
      () => list({ filter: { skuId: 'sku-1' } }),
      () => list({ sort: { by: 'sku_id', isDescending: false, skusMax: 100 } }),
      () => skus.find([supplierId], listed[0]?.uuid ?? ''),
    ];
    for (const read of few) expect(await isMarked(read)).toBe(false);
    const many = [
      () => list({ filter: { quantityInStockMin: 1 } }),
      () => list({ sort: { by: 'quantity_in_stock', isDescending: true, skusMax: 100 } }),
    ];
    for (const read of many) expect(await isMarked(read)).toBe(true);
  } finally {
    db.close();
  }
});

test('a read whose transaction the database has ended does not hide recent inventory from the next', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  const image = await crashImage(database);
  databases.push(image);
  const db = new Sqlite(image.url.replace(/^sqlite:/, ''), { readonly: true });
  try {
    const view = new InventoryView(db);
    // As SQLite does when the disk fails.
    const fail = (): never => {
      db.exec('ROLLBACK');
      throw new Error('the disk failed');
    };
    expect(() => view.read(fail)).toThrow('the disk failed');
    const quantities = db.prepare<[], number>('SELECT quantity_in_stock FROM inventory').pluck();
    expect(new Set(view.read(() => quantities.all()))).toEqual(new Set([7]));
  } finally {
    db.close();
  }
});

test('a database that is closed has a complete inventory table', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  await store.close();
  expect(rowsOf(database)).toEqual({ quantities: new Set([7]), lacking: 0 });
});

test('after a crash, opening replays the changes that the inventory table lacks', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  const image = await crashImage(database);
  databases.push(image);
  expect(rowsOf(image).quantities).toEqual(new Set([1]));
  expect(await problemsOf(image)).toEqual([]);
  const again = await opened(image);
  expect(await quantitiesOf(again, supplierId)).toEqual(new Set([7]));
  // Relative changes start from what was replayed.
  const add = { fields: {}, stockChange: 2 };
  await applyOne(again, batchOf(supplierId, [{ skuId: 'sku-3', ...add }]));
  expect(await quantitiesOf(again, supplierId)).toEqual(new Set([7, 9]));
  await again.close();
  expect(rowsOf(image)).toEqual({ quantities: new Set([7, 9]), lacking: 0 });
  expect(await problemsOf(image)).toEqual([]);
});

function entriesOf(recent: RecentInventory) {
  return recent.blockNumbers().flatMap((block) => [...recent.entriesOf(block)]);
}

test('after a crash, the reader thread learns from the writer what the inventory table lacks', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  await setStock(store, supplierId, 8, {}, SKUS.slice(0, 5));
  const image = await crashImage(database);
  databases.push(image);
  const db = new Sqlite(image.url.replace(/^sqlite:/, ''), { readonly: true });
  const { port1: sending, port2: receiving } = new MessageChannel();
  try {
    const [replayed, told] = [new RecentInventory(), new RecentInventory()];
    const [writer, reader] = [new Following(db, replayed), new Following(db, told)];
    writer.follow();
    new RecentFeed(sending).sendAll(writer.tails, replayed);
    const sent: { message: RecentChanges } | undefined = receiveMessageOnPort(receiving);
    if (sent === undefined) throw new Error('nothing was sent');
    reader.accept(sent.message);
    expect(entriesOf(told)).toEqual(entriesOf(replayed));
    expect(told.blockCount).toBeGreaterThan(0);
    expect(reader.tails).toEqual(writer.tails);
  } finally {
    sending.close();
    db.close();
  }
});

test('recent inventory finds what was set, deleted and dropped last, in key order', () => {
  const recent = new RecentInventory();
  const expected = new Map<number, number>();
  const inventory = { quantityOnBackorder: null, backorderDate: null, restrictions: null };
  // Two blocks, one of them full at times; 7919 and 2048 have no common divisor.
  for (let sequence = 1; sequence <= 20_000; sequence += 1) {
    const key = (sequence * 7919 + Math.floor(sequence / 2048)) % 2048;
    if (sequence % 5 === 0) {
      recent.delete(key);
      expected.delete(key);
    } else {
      recent.set(key, { ...inventory, quantityInStock: sequence }, sequence, 0);
      expected.set(key, sequence);
    }
    if (sequence % 3000 !== 0) continue;
    recent.dropThrough(new Map([[0, sequence - 700]]));
    for (const [dropped, last] of expected) if (last <= sequence - 700) expected.delete(dropped);
  }
  const found = entriesOf(recent).map(([key, { lastSequence }]) => [key, lastSequence]);
  expect(found).toEqual([...expected].sort(([a], [b]) => a - b));
  for (let key = 0; key < 2048; key += 1)
    expect(recent.sequenceOf(key)).toBe(expected.get(key) ?? 0);
});

test('the inventory table never lacks more changes than ONHAND_RECENT_CHANGES_MAX', async () => {
  const { database, store, supplierId } = await stocked(sweptDatabase);
  const lacking: number[] = [];
  for (const [i, skuId] of SKUS.entries()) {
    await setStock(store, supplierId, 100 + i, {}, [skuId]);
    lacking.push(rowsOf(database).lacking);
  }
  expect(Math.max(...lacking)).toBeGreaterThan(0);
  expect(Math.max(...lacking)).toBeLessThanOrEqual(database.settings?.recentChangesMax ?? 0);
});

test('a server that has nothing to write completes the inventory table', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  await expect
    .poll(() => rowsOf(database), { timeout: 20_000 })
    .toEqual({
      quantities: new Set([7]),
      lacking: 0,
    });
  expect(await quantitiesOf(store, supplierId)).toEqual(new Set([7]));
});

test.each([sqliteDatabase, sweptDatabase])(
  'two stores that write to one file see each other’s inventory (%o)',
  async (create) => {
    const { database, store, supplierId } = await stocked(create);
    const other = await opened(database);
    const add = { fields: {}, stockChange: 1 };
    for (let round = 1; round <= 6; round += 1) {
      const writer = round % 2 === 0 ? store : other;
      await applyOne(
        writer,
        batchOf(
          supplierId,
          SKUS.map((skuId) => ({ skuId, ...add })),
        ),
      );
      for (const reader of [store, other]) {
        expect(await quantitiesOf(reader, supplierId)).toEqual(new Set([1 + round]));
      }
      expect(await problemsOf(database)).toEqual([]);
    }
    await other.close();
    await setStock(store, supplierId, 50, { expectedQuantity: 7 });
    expect(await quantitiesOf(store, supplierId)).toEqual(new Set([50]));
  },
);

test('a SKU whose row is written at once keeps its as-of time beside recent changes', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  const laterUs = (Date.now() + HOUR_MS) * 1000;
  // Confirms what a change that the table lacks has left.
  await setStock(store, supplierId, 7, { asOfUs: laterUs }, ['sku-1']);
  await setStock(store, supplierId, 8, { asOfUs: laterUs }, ['sku-2']);
  const image = await crashImage(database);
  databases.push(image);
  for (const each of [store, await opened(image)]) {
    const older = ['sku-0', 'sku-1', 'sku-2'].map((skuId) => ({
      skuId,
      fields: { quantityInStock: 9 },
      asOfUs: laterUs - 1_000_000,
    }));
    const { statuses } = await applyOne(each, batchOf(supplierId, older));
    expect([...statuses]).toEqual([200, 412, 412]);
  }
  expect(await problemsOf(image)).toEqual([]);
  expect(await problemsOf(database)).toEqual([]);
});

test('a product that is rewritten keeps the recent inventory of its SKU and is updated now', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  const beforeMs = Date.now();
  await importSkus(store, supplierId, [entry('sku-1', { product: { title: 'New' } })]);
  const page = { supplierIds: [supplierId], from: { start: 0 }, limit: 500 };
  const { skus } = await store.skus.list({ ...page, filter: { skuId: 'sku-1' } });
  expect(skus).toMatchObject([{ inventory: { quantityInStock: 7 } }]);
  expect(skus[0]?.updatedAtMs).toBeGreaterThanOrEqual(beforeMs);
  await setStock(store, supplierId, 8);
  expect(await quantitiesOf(store, supplierId)).toEqual(new Set([8]));
  expect(await problemsOf(database)).toEqual([]);
});

test('changes that the inventory table lacks are swept before they are deleted', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  expect(rowsOf(database).lacking).toBe(SKUS.length);
  while (await store.changes.dropBefore(Date.now() + HOUR_MS, 15));
  expect(rowsOf(database)).toEqual({ quantities: new Set([7]), lacking: 0 });
  expect(await quantitiesOf(store, supplierId)).toEqual(new Set([7]));
  expect(await problemsOf(database)).toEqual([]);
});

test('the inventory table is checked up to the sequence that it claims', async () => {
  const { database, store, supplierId } = await stocked();
  await setStock(store, supplierId, 7);
  const image = await crashImage(database);
  databases.push(image);
  const db = new Sqlite(image.url.replace(/^sqlite:/, ''));
  db.exec('UPDATE suppliers SET complete_sequence = last_sequence');
  db.close();
  const problems = (await problemsOf(image)).join('\n');
  expect(problems).toContain('SKU 1 of supplier 1 has no row with change');
  expect(problems).toContain('replaying the changes gives the inventory');
});
