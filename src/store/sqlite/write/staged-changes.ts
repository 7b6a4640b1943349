import type { Database, Statement } from 'better-sqlite3';

/**
 * Changes beyond their supplier's last sequence: appended by a batch that is not committed yet, or that was interrupted.
 * Nothing reads them. `suppliers.staged_sequence` is the last of them; 0 if there are none.
 */
export class StagedChanges {
  readonly #stateOf: Statement<[number], [state: string, last: number, staged: number]>;
  readonly #set: Statement<[number, number]>;
  readonly #remove: Statement<[number, number]>;

  constructor(db: Database) {
    this.#stateOf = db
      .prepare<[number], [string, number, number]>(
        `SELECT json_array(sku_count, retired_count, live_count, last_sequence, last_batch_number,
           dropped_sequence, breaker_percent_max, breaker_skus_min), last_sequence, staged_sequence
         FROM suppliers WHERE id = ?`,
      )
      .raw();
    this.#set = db.prepare('UPDATE suppliers SET staged_sequence = ? WHERE id = ?');
    this.#remove = db.prepare('DELETE FROM changes WHERE supplier_id = ? AND sequence > ?');
  }

  /** What differs when the supplier's SKUs, changes or settings have changed. */
  stateOf(supplierId: number): string | undefined {
    return this.#stateOf.get(supplierId)?.[0];
  }

  /** The last staged change; 0 if there is none. */
  lastOf(supplierId: number): number {
    return this.#stateOf.get(supplierId)?.[2] ?? 0;
  }

  setLast(supplierId: number, sequence: number): void {
    this.#set.run(sequence, supplierId);
  }

  /** Removes the latest of them, at most `limit`. Returns whether more are left. */
  remove(supplierId: number, limit: number): boolean {
    const [, last = 0, staged = 0] = this.#stateOf.get(supplierId) ?? [];
    if (staged === 0) return false;
    const kept = Math.max(last, staged - limit);
    this.#remove.run(supplierId, kept);
    this.#set.run(kept === last ? 0 : kept, supplierId);
    return kept > last;
  }
}

/**
 * Hides changes that are staged from the later statements of a connection that read all
 * suppliers' changes.
 */
export function hideStagedChanges(db: Database): void {
  db.exec(`CREATE TEMP VIEW changes AS SELECT changes.* FROM main.changes
    JOIN suppliers ON suppliers.id = changes.supplier_id WHERE sequence <= last_sequence`);
}
