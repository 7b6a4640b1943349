import type { Database, Statement } from 'better-sqlite3';
import { hasNewChange, type SkuState } from '../../../domain/batch-decision.ts';
import { skuKey } from '../schema/migrations.ts';
import { InventoryRows, type InventoryRow } from '../write/inventory-rows.ts';
import type { LogState } from '../log-state.ts';
import type { RecentFeed, SequenceRange } from './feed.ts';
import { Following } from './following.ts';
import { RecentInventory, supplierIdOfBlock, type RecentEntry } from './recent-inventory.ts';
import { Sweep, type SweepSettings } from './sweep.ts';

/**
 * Inventory as the writer sees and writes it. What a transaction changes is kept here and swept into the table later;
 * only what the changes do not say (another as-of time, a new or renamed product) is written to the table at once.
 *
 * A transaction calls `begin` first and `committed` after its commit: until then, what is recent stays as it was.
 */
export class WriterInventory {
  readonly #recent = new RecentInventory();
  readonly #following: Following;
  readonly #feed: RecentFeed;
  readonly #logState: LogState;
  readonly #rows: InventoryRows;
  readonly #sweep: Sweep;
  readonly #confirm: Statement<[number, number]>;
  /** The recent entries whose rows the current transaction has written. */
  readonly #superseded = new Set<number>();

  /**
   * @param feed tells the reader thread what was committed
   * @param logState tells the calling thread how far the table is behind
   */
  constructor(db: Database, settings: SweepSettings, feed: RecentFeed, logState: LogState) {
    this.#feed = feed;
    this.#logState = logState;
    logState.sweptAtMs = Date.now();
    this.#following = new Following(db, this.#recent);
    this.#rows = new InventoryRows(db);
    this.#sweep = new Sweep(db, this.#recent, this.#following, this.#rows, settings);
    this.#confirm = db.prepare('UPDATE inventory SET as_of_us = ? WHERE key = ?');
  }

  /** Reads what the table lacks, and tells the reader thread. Call it once, in a transaction. */
  open(): void {
    this.follow();
    this.#feed.sendAll(this.#following.tails, this.#recent);
  }

  /** Reads what others have committed. Call it in a transaction. */
  follow(): void {
    this.#following.follow();
    this.#logState.tailChanges = this.#following.changesBehind;
  }

  begin(): void {
    this.#superseded.clear();
    this.#sweep.begin();
  }

  /** What committed changes left of a SKU, if its row may lack it. */
  committedEntry(key: number): RecentEntry | undefined {
    return this.#recent.find(key);
  }

  /** The same as the current transaction sees it: undefined if it has written the row. */
  find(key: number): RecentEntry | undefined {
    return this.#superseded.has(key) ? undefined : this.#recent.find(key);
  }

  /** Writes rows of the table. Pass them in key order. */
  write(rows: readonly (readonly [key: number, row: InventoryRow])[]): void {
    this.#rows.write(rows);
    for (const [key] of rows) this.#supersede(key);
  }

  #supersede(key: number): void {
    if (this.#recent.sequenceOf(key) > 0) this.#superseded.add(key);
  }

  /** Brings the row of a SKU up to date, so that the transaction can update it. */
  settle(key: number): void {
    const entry = this.find(key);
    if (entry !== undefined) this.write([[key, entry]]);
  }

  /** Moves the as-of time of a SKU whose inventory stays the same. */
  confirm(key: number, asOfUs: number): void {
    this.settle(key);
    this.#confirm.run(asOfUs, key);
  }

  /** Sweeps as much as a number of appended changes owes. Call it at the end of a transaction. */
  pay(changes: number): void {
    this.#sweep.pay(changes);
  }

  /** Whether the table has all changes of a supplier, apart from those of the current transaction. */
  isComplete(supplierId: number): boolean {
    return !this.#following.tails.has(supplierId);
  }

  /**
   * Takes over what a transaction has committed.
   *
   * @param waiting the SKUs whose rows it has not written, by supplier
   */
  committed(
    waiting: ReadonlyMap<number, readonly SkuState[]>,
    ranges: Iterable<SequenceRange>,
    nowMs: number,
  ): void {
    const behind = [...ranges].filter(
      ({ supplierId }) => waiting.has(supplierId) || !this.isComplete(supplierId),
    );
    for (const { supplierId, before, after } of behind) {
      this.#following.extend(supplierId, before, after);
    }
    const swept = Map.groupBy(this.#sweep.committed(), supplierIdOfBlock);
    // First, since readers see the commit already: what they are not told, they read.
    for (const range of behind) {
      const { supplierId, after } = range;
      const complete = this.#following.tails.get(supplierId)?.complete ?? after;
      const states = waiting.get(supplierId) ?? [];
      this.#feed.add(range, { states, nowMs, complete, swept: swept.get(supplierId) ?? [] });
    }
    for (const key of this.#superseded) this.#recent.delete(key);
    this.#superseded.clear();
    for (const [supplierId, states] of waiting) {
      for (const { skuNumber, inventory, lastSequence } of states) {
        this.#recent.set(skuKey(supplierId, skuNumber), inventory, lastSequence, nowMs);
      }
    }
    this.#logState.tailChanges = this.#following.changesBehind;
    if (this.#sweep.isPassDone) this.#logState.sweptAtMs = Date.now();
  }

  /** Sweeps about a number of rows, beyond what is owed. */
  sweep(rows: number): void {
    this.#sweep.some(rows);
  }

  /** Whether the table has all changes. */
  get isTableComplete(): boolean {
    return this.#following.tails.size === 0;
  }
}

/** Whether the changes say all about a SKU, so that its row can wait. */
export function canWait(sku: SkuState): boolean {
  return hasNewChange(sku) && typeof sku.asOfUs !== 'number';
}
