import type { PendingMigrations } from '../../driver.ts';
import { ConnectionPool, read, type PoolSettings } from '../connection/pool.ts';
import { distribute, pendingDistribution } from './distribution.ts';
import { MIGRATIONS, SCHEMA_VERSION, schemaVersion, type SchemaOptions } from './migrations.ts';

/** The migrations that `migrate` would run. Changes nothing. */
export async function pendingMigrations(
  settings: PoolSettings,
  options: SchemaOptions,
): Promise<PendingMigrations> {
  const pool = new ConnectionPool({ ...settings, connectionsMax: 1 });
  try {
    const version = await schemaVersion(pool);
    const stored =
      version === 0
        ? options
        : (await read<SchemaOptions>(pool, 'SELECT partitions FROM schema_version'))[0];
    const steps = MIGRATIONS.slice(version).map((migration) =>
      [migration(stored ?? options)].flat().join(';\n'),
    );
    return { version, knownVersion: SCHEMA_VERSION, steps };
  } finally {
    await pool.close();
  }
}

/** Distributes a database, or only returns the statements for it. */
export async function distributeDatabase(
  settings: PoolSettings,
  dryRun: boolean,
): Promise<readonly string[]> {
  const { url, connectTimeoutMs = 0 } = settings;
  // Without a statement timeout: rows are moved to their machines.
  const pool = new ConnectionPool({ url, connectTimeoutMs, connectionsMax: 1 });
  try {
    return await (dryRun ? pendingDistribution(pool) : distribute(pool));
  } finally {
    await pool.close();
  }
}
