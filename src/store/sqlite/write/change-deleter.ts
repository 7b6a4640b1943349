import type { Database, Statement } from 'better-sqlite3';

type Bounds = { readonly supplierId: number; readonly first: number; readonly last: number };

/** Deletes old changes inside a transaction that the caller opens and commits. */
export class ChangeDeleter {
  readonly #droppable: Statement<unknown[], [first: number, last: number | null, complete: number]>;
  readonly #keep: Statement<[Bounds]>;
  readonly #drop: Statement<[Bounds]>;
  readonly #moveHead: Statement<[Bounds]>;

  constructor(db: Database) {
    // In commit order: the scan ends at the first recent change.
    this.#droppable = db
      .prepare<unknown[], [number, number | null, number]>(
        `SELECT dropped_sequence + 1, (SELECT max(sequence) FROM (
             SELECT sequence FROM changes JOIN batches
               ON batches.supplier_id = changes.supplier_id AND number = batch_number
             WHERE changes.supplier_id = suppliers.id AND sequence > dropped_sequence
               AND sequence <= dropped_sequence + $limit AND applied_at_ms < $beforeMs)),
           complete_sequence
         FROM suppliers WHERE id = $supplierId`,
      )
      .raw();
    this.#keep = db.prepare(
      `INSERT INTO baselines
       SELECT supplier_id, sku_number, sequence, applied_at_ms, after_quantity_in_stock,
         after_quantity_on_backorder, after_backorder_date, after_restrictions
       FROM (SELECT changes.*, applied_at_ms,
           row_number() OVER (PARTITION BY sku_number ORDER BY sequence DESC) AS place
         FROM changes JOIN batches
           ON batches.supplier_id = changes.supplier_id AND number = batch_number
         WHERE changes.supplier_id = $supplierId AND sequence BETWEEN $first AND $last)
       WHERE place = 1
       ON CONFLICT (supplier_id, sku_number) DO UPDATE SET
         sequence = excluded.sequence, changed_at_ms = excluded.changed_at_ms,
         quantity_in_stock = excluded.quantity_in_stock,
         quantity_on_backorder = excluded.quantity_on_backorder,
         backorder_date = excluded.backorder_date, restrictions = excluded.restrictions`,
    );
    this.#drop = db.prepare(
      'DELETE FROM changes WHERE supplier_id = $supplierId AND sequence BETWEEN $first AND $last',
    );
    this.#moveHead = db.prepare(
      'UPDATE suppliers SET dropped_sequence = $last WHERE id = $supplierId AND $first > 0',
    );
  }

  /**
   * Deletes at most `limit` changes of a supplier's batches applied before `beforeMs`; returns how many. Undefined if
   * the inventory table lacks one of them: it must be swept first.
   */
  drop(supplierId: number, beforeMs: number, limit: number): number | undefined {
    const row = this.#droppable.get({ supplierId, beforeMs, limit });
    if (row === undefined || row[1] === null) return 0;
    const [first, last, complete] = row;
    if (last > complete) return undefined;
    const bounds = { supplierId, first, last };
    this.#keep.run(bounds);
    this.#drop.run(bounds);
    this.#moveHead.run(bounds);
    return last - first + 1;
  }
}
