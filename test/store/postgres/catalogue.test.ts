import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import { REFERENCE_TABLES } from '../../../src/store/postgres/schema/migrations.ts';
import type { TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';

/** Columns of `keys` (attribute numbers), in their order. */
const COLUMNS_OF = (keys: string, table: string): string =>
  `(SELECT array_agg(attname::text ORDER BY place) FROM unnest(${keys}) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute ON attrelid = ${table} AND attnum = number)`;

interface Key {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
}

function isReference(table: string): boolean {
  return REFERENCE_TABLES.includes(table);
}

describe.for([0, 8])('the schema in %i partitions', (partitions) => {
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

  /** What does not begin with the supplier, and has to. */
  const offenders = async (): Promise<readonly string[]> => {
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

  test('has the tables that are named as not growing', async () => {
    expect(await tables()).toEqual(expect.arrayContaining([...REFERENCE_TABLES]));
  });

  test('begins every key of a growing table with the supplier', async () => {
    expect(await offenders()).toEqual([]);
  });

  test('does not let a table grow any other way', async () => {
    await pool.query(`
      CREATE TABLE keyless (supplier_id int);
      CREATE TABLE widgets (id int PRIMARY KEY, supplier_id int, number int, UNIQUE (supplier_id, number));
      CREATE UNIQUE INDEX widget_numbers ON widgets (number);
      CREATE TABLE parts (supplier_id int, number int, widget_id int REFERENCES widgets,
        PRIMARY KEY (supplier_id, number));`);
    expect(await offenders()).toEqual([
      'keyless',
      'parts_widget_id_fkey',
      'widget_numbers',
      'widgets_pkey',
    ]);
    await pool.query('DROP TABLE parts, widgets, keyless');
  });

  test.for(['inventory', 'suppliers'])(
    'has no index on what an update of %s changes, so that it stays on its page',
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
