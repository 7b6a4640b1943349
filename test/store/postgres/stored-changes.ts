import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../fixtures.ts';
import type { ToldChange } from '../model.ts';

interface Row {
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

/** A supplier's changes as the database holds them, in order: read past the store, as a witness. */
export async function readPostgresChanges(
  database: TestDatabase,
  supplierId: number,
): Promise<readonly ToldChange[]> {
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  try {
    const rows = await read<Row>(
      pool,
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
  } finally {
    await pool.close();
  }
}
