import Sqlite from 'better-sqlite3';
import type { ComparableChange } from '../model.ts';
import type { TestDatabase } from '../fixtures.ts';

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

/** A supplier's changes in order, read from the tables to check the store against them. */
export function readSqliteChanges(
  database: TestDatabase,
  supplierId: number,
): readonly ComparableChange[] {
  const db = new Sqlite(database.url.replace(/^sqlite:/, ''), { readonly: true });
  try {
    return db
      .prepare<[number], Row>(
        `SELECT changes.*, sku_id FROM changes JOIN skus ON key = (changes.supplier_id << 32) + sku_number
         WHERE changes.supplier_id = ? ORDER BY sequence`,
      )
      .all(supplierId)
      .map((row) => ({
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
    db.close();
  }
}
