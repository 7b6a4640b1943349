import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchOptions } from '../../../src/domain/batches.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { StatementRecorder, withPlanNotices } from './plans.ts';
import { fillSupplier, queryPostgres } from './rows.ts';

const PARTITIONS = 8;
const SUPPLIERS = 6;
const SKUS = 2000;
/** Statements whose effects outlive a transaction. */
const SESSION_STATEMENT =
  /\b(LISTEN|NOTIFY|PREPARE|DEALLOCATE|DISCARD|TEMP|TEMPORARY|WITH HOLD|pg_(try_)?advisory_lock)\b|(^|;)\s*SET (?!LOCAL )/i;
const FAR_MS = Date.now() + 3_600_000;

let database: TestDatabase;
let store: Store;
let recorder: StatementRecorder;
let supplierId: number;
let partition: string;
let skuUuid: string;
let sequencesBefore: readonly object[];
/** All statements of all operations. */
const sent: string[] = [];

beforeAll(async () => {
  database = await postgresDatabase(PARTITIONS);
  const quiet = await openTestStore(database);
  const supplierIds: number[] = [];
  for (let i = 0; i < SUPPLIERS; i += 1) {
    supplierIds.push(await createSupplier(quiet, `Supplier ${i}`));
  }
  for (const id of supplierIds) await fillSupplier(database, id, SKUS);
  supplierId = supplierIds[2] ?? 0;
  const query = {
    supplierIds: [supplierId],
    filter: { skuId: 'S7' },
    from: { start: 0 },
    limit: 1,
  };
  skuUuid = (await quiet.skus.list(query)).skus[0]?.uuid ?? '';
  await quiet.close();
  partition = await partitionOf(supplierId);
  sequencesBefore = await sequences();
  recorder = new StatementRecorder();
  store = await openTestStore(withPlanNotices(database));
});

afterAll(async () => {
  await store.close();
  recorder.stop();
  await database.remove();
});

function query<R extends object>(sql: string): Promise<readonly R[]> {
  return queryPostgres<R>(database, sql);
}

async function partitionOf(id: number): Promise<string> {
  const sql = `SELECT DISTINCT tableoid::regclass::text AS name FROM skus WHERE supplier_id = ${id}`;
  const [row] = await query<{ name: string }>(sql);
  return row?.name.replace('skus_', '') ?? '';
}

const sequences = () =>
  query('SELECT sequencename, last_value FROM pg_sequences ORDER BY sequencename');

const fields = { quantityInStock: 1 };
const apply = (drafts: readonly Draft[], options: BatchOptions = {}) =>
  applyOne(store, { ...batchOf(supplierId, drafts), options });
const key = (text: string) => ({
  key: text,
  fingerprint: new TextEncoder().encode(text),
  requestId: text,
  expiresAtMs: FAR_MS,
});
const list = (filter: object, start = 0) =>
  store.skus.list({ supplierIds: [supplierId], filter, from: { start }, limit: 50 });
const lastBatch = async () => {
  const { batches } = await store.batches.list(supplierId, { start: 0, limit: 1 });
  return batches[0]?.uuid ?? '';
};
const catalogue = (title: string) =>
  Array.from({ length: 500 }, (_, i) => {
    const inventory = { quantityInStock: i };
    return entry(`N${i}`, { product: { upca: '012345678905', title }, inventory });
  });
const breaker = { percentMax: 100, skusMin: 1 };

/** Every frequent operation, on one supplier. */
const OPERATIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  'a line by sku_id': () => apply([{ skuId: 'S1', fields }]),
  'a thousand lines by sku_id': () =>
    apply(
      Array.from({ length: 1000 }, (_, i) => ({ skuId: `S${i}`, fields: { quantityInStock: 9 } })),
    ),
  'a thousand lines by GTIN': () =>
    apply(Array.from({ length: 1000 }, (_, i) => ({ gtins: [4_000_000_000_000 + i], fields }))),
  'lines with both': () => apply([{ skuId: 'S1', gtins: [4_000_000_000_001], fields }]),
  'a line with an unknown sku_id': () => apply([{ skuId: 'unknown', fields }]),
  'a line as of a time': () => apply([{ skuId: 'S1', fields, asOfUs: FAR_MS * 1000 }]),
  'a relative line': () => apply([{ skuId: 'S2', fields: {}, stockChange: 1 }]),
  'a batch with a key': () => apply([{ skuId: 'S3', fields }], { idempotency: key('k') }),
  'a batch sent again': () => apply([{ skuId: 'S3', fields }], { idempotency: key('k') }),
  'a batch with effects': () => apply([{ skuId: 'S4', fields }], { withEffects: true }),
  'a dry run': () => apply([{ skuId: 'S5', fields }], { dryRun: true }),
  'a snapshot': () =>
    apply([{ skuId: 'S6', fields }], { snapshot: { asOfUs: null, defaultSafetyLimit: breaker } }),
  'an undo': async () =>
    store.batches.revert({
      supplierId,
      uuid: await lastBatch(),
      force: false,
      dryRun: false,
      userId: null,
    }),
  'an undo of an undone batch': async () => {
    const { batches: last } = await store.batches.list(supplierId, { start: 0, limit: 2 });
    const uuid = last.at(1)?.uuid ?? '';
    await store.batches.revert({ supplierId, uuid, force: false, dryRun: false, userId: null });
  },
  'a new catalogue': () => importSkus(store, supplierId, catalogue('one')),
  'a catalogue with other titles': () => importSkus(store, supplierId, catalogue('other')),
  'shared GTINs': () => store.sharedGtins(supplierId, 0, 100),
  'a list': () => list({}),
  'a page deep in a list': () => list({}, 1500),
  'a SKU by sku_id': () => list({ skuId: 'S7' }),
  'a SKU by GTIN': () => list({ gtins: [4_000_000_000_007] }),
  'SKUs by quantity and time': () =>
    list({ quantityInStockMin: 1, updatedSinceMs: 1, restrictions: null }),
  'a SKU by uuid': () => store.skus.find([supplierId], skuUuid),
  batches: () => store.batches.list(supplierId, { start: 0, limit: 50 }),
  'a batch': async () => store.batches.find(supplierId, await lastBatch()),
  'lines that failed': async () => store.batches.failures(supplierId, await lastBatch()),
  changes: () => store.changes.read(supplierId, 100, 500),
  'the history of a SKU': () =>
    store.changes.history({
      supplierIds: [supplierId],
      skuUuid,
      fromMs: null,
      toMs: null,
      beforeSequence: null,
      limit: 50,
    }),
  'a SKU at a past time': () => store.changes.inventoryAt([supplierId], skuUuid, 1000),
  freshness: () => store.changes.freshness(supplierId, Date.now()),
};

test.for(Object.keys(OPERATIONS))('%s touches one partition of each table', async (name) => {
  recorder.take();
  await OPERATIONS[name]?.();
  const { texts, runs } = recorder.take();
  sent.push(...texts);
  const others = runs
    .map(({ text, relations }) => ({ text, relations: relations.filter(isOtherPartition) }))
    .filter(({ relations }) => relations.length > 0);
  expect(others).toEqual([]);
  expect(runs.flatMap(({ relations }) => relations).some(isOwnPartition)).toBe(true);
});

test('no operation uses session state or notifications', () => {
  expect(sent.length).toBeGreaterThan(Object.keys(OPERATIONS).length);
  expect(sent.filter((text) => SESSION_STATEMENT.test(text))).toEqual([]);
});

test('no operation uses a sequence that suppliers share', async () => {
  expect(sent.filter((text) => /\b(next|set|curr|last)val\b/i.test(text))).toEqual([]);
  expect(await sequences()).toEqual(sequencesBefore);
});

/** Whether it is a partition of another supplier. */
function isOtherPartition(relation: string): boolean {
  const part = /_([0-9]+)$/.exec(relation)?.[1];
  return part !== undefined && part !== partition;
}

function isOwnPartition(relation: string): boolean {
  return relation.endsWith(`_${partition}`);
}
