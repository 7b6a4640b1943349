/**
 * Distributes a database by supplier, with the extension Citus.
 *
 * Every row of a supplier is on one worker, so that a batch is written by one machine. Organizations and users, which
 * rows of all suppliers refer to, have a copy on every machine. What is neither stays on the coordinator alone: it can be
 * written while a worker is down.
 */
import type { PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import { inTransaction, type ConnectionPool } from '../connection/pool.ts';
import { lockSchema } from './lock.ts';

/** Tables of which every machine has a copy, because tables of all machines refer to them. */
export const COPIED_TABLES: readonly string[] = ['organizations', 'users'];

/** Tables whose rows belong to a supplier, by the column that says to which. `suppliers` comes first. */
export const DISTRIBUTED_TABLES: Readonly<Record<string, string>> = {
  suppliers: 'id',
  skus: 'supplier_id',
  gtins: 'supplier_id',
  inventory: 'supplier_id',
  batches: 'supplier_id',
  batch_failures: 'supplier_id',
  changes: 'supplier_id',
  baselines: 'supplier_id',
  idempotency_keys: 'supplier_id',
  confirmations: 'supplier_id',
  product_changes: 'supplier_id',
  hour_counts: 'supplier_id',
  feed_suppliers: 'supplier_id',
  feeds: 'supplier_id',
  feed_pieces: 'supplier_id',
};

/** Tables that only the coordinator has. */
export const COORDINATOR_TABLES: readonly string[] = [
  'schema_version',
  'connections',
  'tokens',
  'probes',
  'secrets',
  'webhooks',
  'webhook_positions',
  'webhook_attempts',
  'notification_recipients',
  'confirmation_emails',
  'safety_limit_trips',
  'notification_turns',
  'audit_entries',
  'audit_head',
];

/** Whether a database is distributed. */
export async function isDistributed(pool: ConnectionPool): Promise<boolean> {
  const placed = await inTransaction(pool, placedTables, { readOnly: true });
  return placed.has('suppliers');
}

/**
 * Distributes the tables that are not distributed yet, with the rows that they have, in one transaction. The schema must
 * be current. Servers must be stopped: those that run do not notice.
 *
 * @returns the statements that it ran
 * @throws OnhandError `parameter_invalid` if the database is no coordinator of a Citus cluster with workers
 */
export function distribute(pool: ConnectionPool): Promise<readonly string[]> {
  return inTransaction(pool, async (client) => {
    await lockSchema(client);
    const statements = await distributingStatements(client);
    for (const sql of statements) await client.query(sql);
    return statements;
  });
}

/**
 * The statements that `distribute` would run. Changes nothing.
 *
 * @throws OnhandError as `distribute`
 */
export function pendingDistribution(pool: ConnectionPool): Promise<readonly string[]> {
  return inTransaction(pool, distributingStatements, { readOnly: true });
}

/** The tables that Citus has placed on machines other than the coordinator. */
async function placedTables(client: PoolClient): Promise<ReadonlySet<string>> {
  const catalogue = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('pg_dist_partition') IS NOT NULL AS "exists"`,
  );
  if (catalogue.rows[0]?.exists !== true) return new Set();
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
     WHERE relnamespace = current_schema()::regnamespace
       AND (partmethod = 'h' OR partmethod = 'n' AND repmodel = 't')`,
  );
  return new Set(rows.map(({ name }) => name));
}

async function distributingStatements(client: PoolClient): Promise<readonly string[]> {
  const placed = await placedTables(client);
  if (!placed.has('suppliers')) await requireWorkers(client);
  const keys = placed.has('suppliers') ? [] : COLOCATED_KEYS;
  return [
    ...keys.map(([table, key]) => `ALTER TABLE ${table} DROP CONSTRAINT ${key}`),
    ...COPIED_TABLES.filter((table) => !placed.has(table)).map(
      (table) => `SELECT create_reference_table('${table}')`,
    ),
    ...Object.entries(DISTRIBUTED_TABLES)
      .filter(([table]) => !placed.has(table))
      .map(([table, column]) => distributing(table, column)),
    ...keys.map(
      ([table, key]) =>
        `ALTER TABLE ${table} ADD CONSTRAINT ${key} FOREIGN KEY (supplier_id) REFERENCES suppliers (id)`,
    ),
  ];
}

async function requireWorkers(client: PoolClient): Promise<void> {
  const extension = await client.query(`SELECT FROM pg_extension WHERE extname = 'citus'`);
  if (extension.rowCount === 0) {
    throw new OnhandError(
      'parameter_invalid',
      'The database has no extension citus. Install Citus on the coordinator and on each worker, run CREATE EXTENSION citus in this database on each of them, and name them to the coordinator; docs/scaling.md has the statements.',
    );
  }
  const { rows } = await client.query<{ readonly coordinators: number; readonly workers: number }>(
    `SELECT count(*) FILTER (WHERE groupid = 0) AS coordinators,
       count(*) FILTER (WHERE groupid <> 0) AS workers
     FROM pg_dist_node WHERE isactive AND noderole = 'primary'`,
  );
  const [cluster] = rows;
  if (cluster === undefined || cluster.coordinators === 0 || cluster.workers === 0) {
    throw new OnhandError(
      'parameter_invalid',
      "The database knows no coordinator, or no worker. On the coordinator, run SELECT citus_set_coordinator_host('HOST', PORT) with the address that workers reach it at, and SELECT citus_add_node('HOST', PORT) for each worker.",
    );
  }
}

/** Foreign keys between distributed tables: both must be distributed before there can be one. */
const COLOCATED_KEYS = [
  ['skus', 'skus_supplier_id_fkey'],
  ['batches', 'batches_supplier_id_fkey'],
] as const;

function distributing(table: string, column: string): string {
  const colocation = table === 'suppliers' ? '' : `, colocate_with => 'suppliers'`;
  return `SELECT create_distributed_table('${table}', '${column}'${colocation})`;
}
