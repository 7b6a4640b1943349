import type { Database, Statement } from 'better-sqlite3';
import { skuKey } from '../schema/migrations.ts';
import { inventoryAt } from '../inventory-columns.ts';
import type { RecentChanges } from './feed.ts';
import type { RecentInventory, Tail } from './recent-inventory.ts';

type ChangeRow = [
  sequence: number,
  skuNumber: number,
  batchNumber: number,
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
];

/** Changes that are read at once: one after another would take twice as long. */
const ROWS_AT_ONCE = 1000;

/**
 * Keeps a `RecentInventory` in line with what a connection sees, by reading the changes that the inventory
 * table does not have yet. Every connection follows for itself, in the snapshot that it reads.
 */
export class Following {
  readonly #recent: RecentInventory;
  /** The suppliers whose table is behind, by id. */
  readonly #tails = new Map<number, Tail>();
  readonly #suppliersBehind: Statement<[], [id: number, lastSequence: number, complete: number]>;
  readonly #changesIn: Statement<[number, number, number], ChangeRow>;
  readonly #appliedAt: Statement<[number, number], [number]>;

  constructor(db: Database, recent: RecentInventory) {
    this.#recent = recent;
    this.#suppliersBehind = db
      .prepare<[], [number, number, number]>(
        'SELECT id, last_sequence, complete_sequence FROM suppliers WHERE last_sequence > complete_sequence',
      )
      .raw();
    this.#changesIn = db
      .prepare<[number, number, number], ChangeRow>(
        `SELECT sequence, sku_number, batch_number, after_quantity_in_stock, after_quantity_on_backorder,
           after_backorder_date, after_restrictions
         FROM changes WHERE supplier_id = ? AND sequence > ? AND sequence <= ? ORDER BY sequence`,
      )
      .raw();
    this.#appliedAt = db
      .prepare<[number, number], [number]>(
        'SELECT applied_at_ms FROM batches WHERE supplier_id = ? AND number = ?',
      )
      .raw();
  }

  /** The suppliers whose table is behind, by id. */
  get tails(): ReadonlyMap<number, Tail> {
    return this.#tails;
  }

  /** How many changes the table lacks. */
  get changesBehind(): number {
    let changes = 0;
    for (const { complete, through } of this.#tails.values()) changes += through - complete;
    return changes;
  }

  /** Reads what was committed since the last call. Call it inside the transaction that reads inventory. */
  follow(): void {
    const behind = this.#suppliersBehind.all();
    this.#drop(new Map(behind.map(([id, , complete]) => [id, complete])));
    for (const [id, through, complete] of behind) {
      const known = Math.max(complete, this.#tails.get(id)?.through ?? 0);
      if (through > known) this.#read(id, known, through);
      this.#tails.set(id, { complete, through });
    }
  }

  /** Forgets what the table has by now. A supplier that is not behind has a complete table. */
  #drop(completeOf: ReadonlyMap<number, number>): void {
    const dropped = new Map<number, number>();
    for (const [id, { complete }] of this.#tails) {
      const now = completeOf.get(id) ?? Infinity;
      if (now > complete) dropped.set(id, now);
    }
    if (dropped.size === 0) return;
    this.#recent.dropThrough(dropped);
    for (const [id, complete] of dropped) this.advance(id, complete);
  }

  #read(supplierId: number, after: number, through: number): void {
    let lastBatch: number | undefined;
    let writtenAtMs = 0;
    for (let from = after; from < through; from += ROWS_AT_ONCE) {
      const to = Math.min(through, from + ROWS_AT_ONCE);
      for (const row of this.#changesIn.all(supplierId, from, to)) {
        const [sequence, skuNumber, batchNumber, quantityInStock, quantityOnBackorder] = row;
        const [, , , , , backorderDate, restrictions] = row;
        if (batchNumber !== lastBatch) {
          lastBatch = batchNumber;
          writtenAtMs = this.#appliedAt.get(supplierId, batchNumber)?.[0] ?? 0;
        }
        const inventory = { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
        this.#recent.set(skuKey(supplierId, skuNumber), inventory, sequence, writtenAtMs);
      }
    }
  }

  /** Takes what a writer left of a supplier, if it joins what is known. Do not call it inside a transaction. */
  accept({ supplierId, after, through, complete, ...columns }: RecentChanges): void {
    const tail = this.#tails.get(supplierId) ?? { complete, through: complete };
    if (tail.through < after || tail.through >= through) return;
    const { swept, keys, sequences, writtenAtMs, fields } = columns;
    // What the writer swept is older than this message, or is in it.
    for (const block of swept) this.#recent.deleteBlock(block);
    for (let i = 0; i < keys.length; i += 1) {
      const [key = 0, sequence = 0, atMs = 0] = [keys[i], sequences[i], writtenAtMs[i]];
      this.#recent.set(key, inventoryAt(fields, i), sequence, atMs);
    }
    this.#tails.set(supplierId, { complete: tail.complete, through });
    if (complete > tail.complete) {
      this.#recent.dropThrough(new Map([[supplierId, complete]]));
      this.advance(supplierId, complete);
    }
  }

  /** The recent inventory was given a supplier's changes after one sequence, up to another. */
  extend(supplierId: number, after: number, through: number): void {
    const complete = this.#tails.get(supplierId)?.complete ?? after;
    this.#tails.set(supplierId, { complete, through });
  }

  /** A supplier's table is complete up to a sequence. */
  advance(supplierId: number, complete: number): void {
    const tail = this.#tails.get(supplierId);
    if (tail === undefined || tail.complete >= complete) return;
    if (tail.through <= complete) this.#tails.delete(supplierId);
    else this.#tails.set(supplierId, { complete, through: tail.through });
  }
}
