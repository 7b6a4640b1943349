import type { PoolClient } from 'pg';
import { refuseNewer } from '../../driver.ts';
import { type ConnectionPool, read, inTransaction } from '../connection/pool.ts';
import { MIGRATIONS, SCHEMA_VERSION, type SchemaOptions } from './migrations.ts';

/** Key of the advisory lock that a migration holds: an arbitrary number. */
const MIGRATION_LOCK = 0x6f6e_6861;

/**
 * Migrates the schema to this version of onhand, one transaction per migration. If several nodes start at
 * the same time, one migrates and the others wait.
 *
 * @param options for a new database; an existing one keeps the options that it was created with
 */
export async function migrate(pool: ConnectionPool, options: SchemaOptions): Promise<void> {
  while ((await schemaVersion(pool)) < SCHEMA_VERSION) {
    await inTransaction(pool, (client) => runNextMigration(client, options));
  }
}

/**
 * The number of migrations that have run.
 *
 * @throws OnhandError `store_unavailable` if a newer onhand has migrated the database
 */
export async function schemaVersion(pool: ConnectionPool): Promise<number> {
  const version = await readSchemaVersion(pool);
  refuseNewer(version, SCHEMA_VERSION);
  return version;
}

/** The number of migrations that have run; 0 if the database is not one of onhand's. */
export async function readSchemaVersion(pool: ConnectionPool): Promise<number> {
  const [table] = await read<{ exists: boolean }>(
    pool,
    `SELECT to_regclass('schema_version') IS NOT NULL AS "exists"`,
  );
  if (table?.exists !== true) return 0;
  const [row] = await read<{ version: number }>(pool, 'SELECT version FROM schema_version');
  return row?.version ?? 0;
}

/** The lock is held by the transaction, because a session lock does not work behind a pooler. */
async function runNextMigration(client: PoolClient, options: SchemaOptions): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_version (
      version integer NOT NULL,
      -- Hash partitions per growing table; later migrations need it.
      partitions integer NOT NULL)`,
  );
  const { rows } = await client.query<{ version: number; partitions: number }>(
    'SELECT version, partitions FROM schema_version',
  );
  const current = rows[0] ?? { version: 0, partitions: options.partitions };
  const next = MIGRATIONS[current.version];
  if (next === undefined) return;
  await client.query(next(current));
  await client.query(
    rows.length === 0
      ? 'INSERT INTO schema_version VALUES ($1, $2)'
      : 'UPDATE schema_version SET version = $1, partitions = $2',
    [current.version + 1, current.partitions],
  );
}
