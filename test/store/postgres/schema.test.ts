import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import {
  COORDINATOR_TABLES,
  COPIED_TABLES,
  DISTRIBUTED_TABLES,
} from '../../../src/store/postgres/schema/distribution.ts';
import { SCHEMA_VERSION, migrate } from '../../../src/store/postgres/schema/migrations.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { emptyPostgresDatabase, postgresDatabase } from './database.ts';

const NODES = 8;

describe('a migration', () => {
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

  test('runs once when several nodes start at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: NODES }, () => openTestStore(database)));
    await Promise.all(stores.map((store) => store.probe()));
    await Promise.all(stores.map((store) => store.close()));
    expect(await read(pool, 'SELECT * FROM schema_version')).toEqual([
      { version: SCHEMA_VERSION, partitions: 0 },
    ]);
    expect(await problemsOf(database)).toEqual([]);
  });

  test('keeps the number of partitions that the database was created with', async () => {
    await migrate(pool, { partitions: 4 });
    await migrate(pool, { partitions: 0 });
    expect(await read(pool, 'SELECT * FROM schema_version')).toEqual([
      { version: SCHEMA_VERSION, partitions: 4 },
    ]);
  });

  test('that fails leaves nothing behind', async () => {
    await pool.query('CREATE TABLE batches (mine int)');
    await expect(migrate(pool, { partitions: 0 })).rejects.toThrow('"batches" already exists');
    expect(await read(pool, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)).toEqual(
      [{ tablename: 'batches' }],
    );
  });

  test('refuses a newer schema, and names its version', async () => {
    await migrate(pool, { partitions: 0 });
    await pool.query('UPDATE schema_version SET version = 1000');
    await expect(openTestStore(database)).rejects.toThrow(
      `The database has schema version 1000, newer than the ${SCHEMA_VERSION} that this onhand knows.`,
    );
    expect(await problemsOf(database)).toEqual([
      `schema is migrated: schema version is 1000, not ${SCHEMA_VERSION}`,
    ]);
  });

  test('has not run on a foreign database: a check reports that, and changes nothing', async () => {
    expect(await problemsOf(database)).toEqual([
      `schema is migrated: schema version is 0, not ${SCHEMA_VERSION}`,
    ]);
    expect(await read(pool, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
  });
});

/** The column names of `keys` (attribute numbers), in order. */
const COLUMNS_OF = (keys: string, table: string): string =>
  `(SELECT array_agg(attname::text ORDER BY ordinal) FROM unnest(${keys}) WITH ORDINALITY AS k (number, ordinal)
    JOIN pg_attribute ON attrelid = ${table} AND attnum = number)`;

interface Key {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** The tables that do not grow with SKUs or batches. */
const SMALL_TABLES = [...COPIED_TABLES, ...COORDINATOR_TABLES, 'suppliers'];

function isReference(table: string): boolean {
  return SMALL_TABLES.includes(table);
}

describe.for([0, 8])('the schema with %i partitions', (partitions) => {
  let database: TestDatabase;
  let pool: ConnectionPool;

  beforeAll(async () => {
    database = await postgresDatabase(partitions);
    pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  });

  afterAll(async () => {
    await pool.close();
    await database.remove();
  });

  const tables = async (): Promise<readonly string[]> => {
    const rows = await read<{ name: string }>(
      pool,
      `SELECT relname AS name FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
    );
    return rows.map(({ name }) => name);
  };
  const uniqueKeys = (): Promise<readonly Key[]> =>
    read<Key>(
      pool,
      `SELECT indrelid::regclass::text AS table, indexrelid::regclass::text AS name,
         ${COLUMNS_OF('indkey::smallint[]', 'indrelid')} AS columns
       FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
       WHERE relnamespace = 'public'::regnamespace AND indisunique`,
    );
  const foreignKeys = (): Promise<readonly (Key & { readonly target: string })[]> =>
    read<Key & { readonly target: string }>(
      pool,
      `SELECT conrelid::regclass::text AS table, conname AS name, confrelid::regclass::text AS target,
         ${COLUMNS_OF('conkey', 'conrelid')} AS columns
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'f'`,
    );

  /** Tables, indexes and foreign keys that violate the rule. */
  const violations = async (): Promise<readonly string[]> => {
    const unique = (await uniqueKeys()).filter(({ table }) => !isReference(table));
    const keyless = (await tables()).filter(
      (name) => !isReference(name) && !unique.some(({ table }) => table === name),
    );
    const foreign = (await foreignKeys()).filter(
      ({ table, target }) => !isReference(table) && !isReference(target),
    );
    return [
      ...keyless,
      ...[...unique, ...foreign]
        .filter(({ columns }) => columns[0] !== 'supplier_id')
        .map(({ name }) => name),
    ].toSorted();
  };

  test('has exactly the tables that have a place where it is distributed', async () => {
    const placed = [...COPIED_TABLES, ...COORDINATOR_TABLES, ...Object.keys(DISTRIBUTED_TABLES)];
    expect((await tables()).toSorted()).toEqual(placed.toSorted());
  });

  test('has supplier_id first in every key of every growing table', async () => {
    expect(await violations()).toEqual([]);
  });

  test('would fail with a growing table that has another key', async () => {
    await pool.query(`
      CREATE TABLE keyless (supplier_id int);
      CREATE TABLE widgets (id int PRIMARY KEY, supplier_id int, number int, UNIQUE (supplier_id, number));
      CREATE UNIQUE INDEX widget_numbers ON widgets (number);
      CREATE TABLE parts (supplier_id int, number int, widget_id int REFERENCES widgets,
        PRIMARY KEY (supplier_id, number));`);
    expect(await violations()).toEqual([
      'keyless',
      'parts_widget_id_fkey',
      'widget_numbers',
      'widgets_pkey',
    ]);
    await pool.query('DROP TABLE parts, widgets, keyless');
  });

  test.for(['inventory', 'suppliers'])(
    'has no index on a column that updates of %s change, so that they stay HOT',
    async (table) => {
      const indexed = await read<{ column: string }>(
        pool,
        `SELECT DISTINCT attname::text AS column FROM pg_index
         JOIN pg_attribute ON attrelid = indexrelid WHERE indrelid = $1::regclass`,
        [table],
      );
      expect(indexed.map(({ column }) => column).toSorted()).toEqual(
        table === 'suppliers' ? ['id'] : ['sku_number', 'supplier_id'],
      );
    },
  );
});
