import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import { migrate, SCHEMA_VERSION } from '../../../src/store/postgres/schema/migrations.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { emptyPostgresDatabase } from './database.ts';

const NODES = 8;

let database: TestDatabase;
let pool: ConnectionPool;

beforeEach(async () => {
  database = await emptyPostgresDatabase();
  pool = new ConnectionPool({ url: database.url, connectionsMax: 2 });
});

afterEach(async () => {
  await pool.close();
  await database.remove();
});

test('nodes that start at once make the schema once', async () => {
  const stores = await Promise.all(Array.from({ length: NODES }, () => openTestStore(database)));
  await Promise.all(stores.map((store) => store.probe()));
  await Promise.all(stores.map((store) => store.close()));
  expect(await read(pool, 'SELECT * FROM schema_version')).toEqual([
    { version: SCHEMA_VERSION, partitions: 0 },
  ]);
  expect(await problemsOf(database)).toEqual([]);
});

test('a database stays partitioned as it was made', async () => {
  await migrate(pool, { partitions: 4 });
  await migrate(pool, { partitions: 0 });
  expect(await read(pool, 'SELECT * FROM schema_version')).toEqual([
    { version: SCHEMA_VERSION, partitions: 4 },
  ]);
});

test('a step that fails leaves nothing behind', async () => {
  await pool.query('CREATE TABLE batches (mine int)');
  await expect(migrate(pool, { partitions: 0 })).rejects.toThrow('"batches" already exists');
  expect(await read(pool, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)).toEqual([
    { tablename: 'batches' },
  ]);
});

test('a newer schema is refused, and named', async () => {
  await migrate(pool, { partitions: 0 });
  await pool.query('UPDATE schema_version SET version = 1000');
  await expect(openTestStore(database)).rejects.toThrow(
    `The database has schema version 1000, newer than the ${SCHEMA_VERSION} that this onhand knows.`,
  );
  expect(await problemsOf(database)).toEqual([
    `schema is migrated: schema version is 1000, not ${SCHEMA_VERSION}`,
  ]);
});

test('a check of a database that is none of ours says so, and leaves it as it is', async () => {
  expect(await problemsOf(database)).toEqual([
    `schema is migrated: schema version is 0, not ${SCHEMA_VERSION}`,
  ]);
  expect(await read(pool, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
});
