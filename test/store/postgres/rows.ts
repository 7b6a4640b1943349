import { ConnectionPool } from '../../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../fixtures.ts';

/** Runs SQL on a database past the store. */
export async function alterPostgres(database: TestDatabase, sql: string): Promise<void> {
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await pool.close();
  }
}

/**
 * Gives a supplier SKUs `S1` to `S<count>`, each with its EAN-13 and a quantity of its own number, as one
 * batch would leave them. For a supplier that has none.
 */
export function fillSupplier(
  database: TestDatabase,
  supplierId: number,
  count: number,
): Promise<void> {
  return alterPostgres(
    database,
    `INSERT INTO skus (supplier_id, sku_number, sku_id, uuid, item_uuid, ean13, created_at_ms)
       SELECT ${supplierId}, n, 'S' || n, gen_random_uuid(), gen_random_uuid(), 4000000000000 + n, 1
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
     ANALYZE;`,
  );
}
