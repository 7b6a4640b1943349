/**
 * Distributes a database by supplier, with the extension Citus.
 *
 * Every row of a supplier lies on one worker, so that a batch is written by one machine. Organizations and users, which
 * rows of all suppliers refer to, have a copy on every machine. What is neither stays on the coordinator alone: it can be
 * written while a worker is down.
 */
import { inTransaction, read, type ConnectionPool } from '../connection/pool.ts';

/** Tables of which every machine has a copy. */
export const REFERENCE_TABLES: readonly string[] = ['organizations', 'users'];

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
  'audit_entries',
  'audit_head',
];

/** Whether a database is distributed. */
export async function isDistributed(pool: ConnectionPool): Promise<boolean> {
  const [catalogue] = await read<{ exists: boolean }>(
    pool,
    `SELECT to_regclass('pg_dist_partition') IS NOT NULL AS "exists"`,
  );
  if (catalogue?.exists !== true) return false;
  const [table] = await read<{ exists: boolean }>(
    pool,
    `SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('suppliers')
       AND partmethod = 'h') AS "exists"`,
  );
  return table?.exists === true;
}

/** Distributes a database whose schema is current, with the rows that it has. No server may be writing. */
export async function distribute(pool: ConnectionPool): Promise<void> {
  await inTransaction(pool, async (client) => {
    for (const sql of distributingStatements()) await client.query(sql);
  });
}

/** The statements that distribute a database, in order, for one transaction. */
export function distributingStatements(): readonly string[] {
  return [
    ...COLOCATED_KEYS.map(([table, key]) => `ALTER TABLE ${table} DROP CONSTRAINT ${key}`),
    ...REFERENCE_TABLES.map((table) => `SELECT create_reference_table('${table}')`),
    ...Object.entries(DISTRIBUTED_TABLES).map(([table, column]) =>
      table === 'suppliers'
        ? `SELECT create_distributed_table('${table}', '${column}')`
        : `SELECT create_distributed_table('${table}', '${column}', colocate_with => 'suppliers')`,
    ),
    ...COLOCATED_KEYS.map(
      ([table, key]) =>
        `ALTER TABLE ${table} ADD CONSTRAINT ${key} FOREIGN KEY (supplier_id) REFERENCES suppliers (id)`,
    ),
  ];
}

/** Foreign keys between distributed tables: both must be distributed before there can be one. */
const COLOCATED_KEYS = [
  ['skus', 'skus_supplier_id_fkey'],
  ['batches', 'batches_supplier_id_fkey'],
] as const;
