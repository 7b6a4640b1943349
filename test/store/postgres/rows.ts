import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../fixtures.ts';
import type { ComparableChange } from '../model.ts';

/** Runs SQL on a database, bypassing the store. */
export async function alterPostgres(database: TestDatabase, sql: string): Promise<void> {
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await pool.close();
  }
}

/** Reads rows of a database, bypassing the store. */
export async function queryPostgres<R extends object>(
  database: TestDatabase,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<readonly R[]> {
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  try {
    return await read<R>(pool, sql, parameters);
  } finally {
    await pool.close();
  }
}

/**
 * Adds SKUs `S1` to `S<count>` as one batch of a supplier without SKUs. Each has an EAN-13, and its own
 * number as its quantity. Then gathers the statistics of all tables, unless told otherwise.
 */
export function fillSupplier(
  database: TestDatabase,
  supplierId: number,
  count: number,
  { analyze = true }: { readonly analyze?: boolean } = {},
): Promise<void> {
  return alterPostgres(
    database,
    `INSERT INTO skus (supplier_id, sku_number, sku_id, uuid, item_uuid, title, ean13, created_at_ms)
       SELECT ${supplierId}, n, 'S' || n, gen_random_uuid(), gen_random_uuid(), 'Kettle ' || n,
         4000000000000 + n, 1
       FROM generate_series(1, ${count}) AS n;
     INSERT INTO gtins SELECT ${supplierId}, 4000000000000 + n, n FROM generate_series(1, ${count}) AS n;
     INSERT INTO inventory (supplier_id, sku_number, quantity_in_stock, last_sequence, updated_at_ms)
       SELECT ${supplierId}, n, n, n, 1 FROM generate_series(1, ${count}) AS n;
     INSERT INTO changes (supplier_id, sequence, sku_number, previous_sequence, batch_number,
         after_quantity_in_stock)
       SELECT ${supplierId}, n, n, 0, 1, n FROM generate_series(1, ${count}) AS n;
     INSERT INTO batches (supplier_id, number, uuid, source, applied_at_ms, line_count, changed_count,
         first_sequence)
       VALUES (${supplierId}, 1, gen_random_uuid(), 'import', 1, ${count}, ${count}, 1);
     UPDATE suppliers SET sku_count = ${count}, live_count = ${count}, last_sequence = ${count},
       last_batch_number = 1 WHERE id = ${supplierId};
     ${analyze ? 'ANALYZE' : ''};`,
  );
}

/** Adds finished files of a supplier, and one that waits, without gathering statistics. */
export function fillFiles(
  database: TestDatabase,
  supplierId: number,
  count: number,
): Promise<void> {
  return alterPostgres(
    database,
    `INSERT INTO feeds (supplier_id, number, uuid, bytes, asked, state, uploaded_at_ms)
       SELECT ${supplierId}, n, gen_random_uuid(), 1,
         '{"isSnapshot":false,"atomic":false,"dryRun":false,"asOfUs":null,"mappings":[]}',
         CASE WHEN n = ${count} THEN 'waiting' ELSE 'applied' END, n
       FROM generate_series(1, ${count}) AS n`,
  );
}

interface ChangeRow {
  readonly sequence: number;
  readonly previous_sequence: number;
  readonly sku_id: string;
  readonly before_quantity_in_stock: number | null;
  readonly before_quantity_on_backorder: number | null;
  readonly before_backorder_date: number | null;
  readonly before_restrictions: number | null;
  readonly after_quantity_in_stock: number | null;
  readonly after_quantity_on_backorder: number | null;
  readonly after_backorder_date: number | null;
  readonly after_restrictions: number | null;
}

/** A supplier's changes in order, read from the tables to check the store against them. */
export async function readPostgresChanges(
  database: TestDatabase,
  supplierId: number,
): Promise<readonly ComparableChange[]> {
  const rows = await queryPostgres<ChangeRow>(
    database,
    `SELECT changes.*, sku_id FROM changes JOIN skus USING (supplier_id, sku_number)
     WHERE supplier_id = $1 ORDER BY sequence`,
    [supplierId],
  );
  return rows.map((row) => ({
    sequence: row.sequence,
    previousSequence: row.previous_sequence,
    skuId: row.sku_id,
    before: {
      quantityInStock: row.before_quantity_in_stock,
      quantityOnBackorder: row.before_quantity_on_backorder,
      backorderDate: row.before_backorder_date,
      restrictions: row.before_restrictions,
    },
    after: {
      quantityInStock: row.after_quantity_in_stock,
      quantityOnBackorder: row.after_quantity_on_backorder,
      backorderDate: row.after_backorder_date,
      restrictions: row.after_restrictions,
    },
  }));
}
