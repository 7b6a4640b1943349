import type { PoolClient } from 'pg';
import { refuseNewer, type PendingMigrations } from '../../maintenance.ts';
import { ConnectionPool, read, transact, type PoolSettings } from '../connection/pool.ts';
import { MIGRATIONS, type SchemaOptions } from './migrations.ts';

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Whoever migrates holds this lock; any number will do that nobody else takes. */
const MIGRATION_LOCK = 0x6f6e_6861;

/**
 * Brings the schema up to this program's version, each step in a transaction of its own. Of nodes that
 * start at once one does it, and the others wait.
 *
 * @param options for a database that is new; one that is there stays as it was made
 */
export async function migrate(pool: ConnectionPool, options: SchemaOptions): Promise<void> {
  while ((await schemaVersion(pool)) < SCHEMA_VERSION) {
    await transact(pool, (client) => takeStep(client, options));
  }
}

/**
 * The number of steps that have run.
 *
 * @throws OnhandError `store_unavailable` where a newer onhand knows more of them
 */
async function schemaVersion(pool: ConnectionPool): Promise<number> {
  const version = await readSchemaVersion(pool);
  refuseNewer(version, SCHEMA_VERSION);
  return version;
}

/** The number of steps that have run; 0 for a database that is none of onhand's. */
export async function readSchemaVersion(pool: ConnectionPool): Promise<number> {
  const [table] = await read<{ isThere: boolean }>(
    pool,
    `SELECT to_regclass('schema_version') IS NOT NULL AS "isThere"`,
  );
  if (table?.isThere !== true) return 0;
  const [row] = await read<{ version: number }>(pool, 'SELECT version FROM schema_version');
  return row?.version ?? 0;
}

/** What `migrate` would do. Changes nothing. */
export async function pendingMigrations(
  settings: PoolSettings,
  options: SchemaOptions,
): Promise<PendingMigrations> {
  const pool = new ConnectionPool({ ...settings, connectionsMax: 1 });
  try {
    const version = await schemaVersion(pool);
    const made =
      version === 0
        ? options
        : (await read<SchemaOptions>(pool, 'SELECT partitions FROM schema_version'))[0];
    const steps = MIGRATIONS.slice(version).map((step) => step(made ?? options));
    return { version, knownVersion: SCHEMA_VERSION, steps };
  } finally {
    await pool.close();
  }
}

/** The lock is the transaction's: one of the session would be lost behind a pooler. */
async function takeStep(client: PoolClient, options: SchemaOptions): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_version (
      version integer NOT NULL,
      -- Into how many the growing tables are hashed: later steps go on with it.
      partitions integer NOT NULL)`,
  );
  const { rows } = await client.query<{ version: number; partitions: number }>(
    'SELECT version, partitions FROM schema_version',
  );
  const made = rows[0] ?? { version: 0, partitions: options.partitions };
  const next = MIGRATIONS[made.version];
  if (next === undefined) return;
  await client.query(next(made));
  await client.query(
    rows.length === 0
      ? 'INSERT INTO schema_version VALUES ($1, $2)'
      : 'UPDATE schema_version SET version = $1, partitions = $2',
    [made.version + 1, made.partitions],
  );
}
