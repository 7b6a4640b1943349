import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { createSupplier, openTestStore, type TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { OPERATIONS, Target } from './operations.ts';
import { StatementRecorder, withPlanNotices } from './plans.ts';
import { fillSupplier, queryPostgres } from './rows.ts';

const PARTITIONS = 8;
const SUPPLIERS = 6;
const SKUS = 2000;
/** Statements whose effects outlive a transaction. */
const SESSION_STATEMENT =
  /\b(LISTEN|NOTIFY|PREPARE|DEALLOCATE|DISCARD|TEMP|TEMPORARY|WITH HOLD|pg_(try_)?advisory_lock)\b|(^|;)\s*SET (?!LOCAL )/i;

let database: TestDatabase;
let store: Store;
let recorder: StatementRecorder;
let partition: string;
let target: Target;
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
  const supplierId = supplierIds[2] ?? 0;
  await quiet.close();
  partition = await partitionOf(supplierId);
  sequencesBefore = await sequences();
  recorder = new StatementRecorder();
  store = await openTestStore(withPlanNotices(database));
  target = await Target.of(store, supplierId);
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

test.for(Object.keys(OPERATIONS))('%s touches one partition of each table', async (name) => {
  recorder.take();
  await OPERATIONS[name]?.(target);
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
