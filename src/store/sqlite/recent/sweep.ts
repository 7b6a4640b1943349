import type { Database, Statement } from 'better-sqlite3';
import type { InventoryRows } from '../write/inventory-rows.ts';
import type { Following } from './following.ts';
import { supplierIdOfBlock, type RecentInventory } from './recent-inventory.ts';

export interface SweepSettings {
  /** The memory of the recent inventory, in bytes. */
  readonly recentBytesMax: number;
  /** How many changes the table may lack. */
  readonly recentChangesMax: number;
}

/** A pass is longer in a larger catalogue, so that a page that it writes serves many changes. */
const CHANGES_PER_BLOCK = 512;
/** A shorter pass would write the pages of a small catalogue again and again. */
const PASS_CHANGES_MIN = 200_000;

/**
 * Brings the inventory table up to date with the recent inventory, in key order, block by block.
 *
 * A pass visits every block that exists when it begins. Having left a supplier's last block, the table is complete
 * up to the sequence that the supplier had when the pass began. Each step is part of a transaction of the caller,
 * who calls `begin` at its beginning and `committed` after its commit.
 */
export class Sweep {
  readonly #recent: RecentInventory;
  readonly #following: Following;
  readonly #rows: InventoryRows;
  readonly #settings: SweepSettings;
  readonly #setComplete: Statement<[number, number]>;

  /** The blocks of the current pass, in key order, and the next to write. */
  #blocks: readonly number[] = [];
  #next = 0;
  /** The sequence of each supplier when the pass began. */
  #marks: ReadonlyMap<number, number> = new Map();
  /** How many blocks are due; a fraction is kept for the next transaction. */
  #due = 0;

  /** What the current transaction has done. */
  #end = 0;
  #isPassBegun = false;
  #freedBytes = 0;
  #freedRows = 0;
  readonly #completed = new Map<number, number>();

  constructor(
    db: Database,
    recent: RecentInventory,
    following: Following,
    rows: InventoryRows,
    settings: SweepSettings,
  ) {
    this.#recent = recent;
    this.#following = following;
    this.#rows = rows;
    this.#settings = settings;
    this.#setComplete = db.prepare(
      'UPDATE suppliers SET complete_sequence = max(complete_sequence, ?) WHERE id = ?',
    );
  }

  begin(): void {
    this.#end = this.#next;
    this.#isPassBegun = false;
    this.#freedBytes = 0;
    this.#freedRows = 0;
    this.#completed.clear();
  }

  /** Writes as many blocks as a number of appended changes owes, so that the table never lags further behind. */
  pay(changes: number): void {
    const blocks = Math.max(1, this.#recent.blockCount, this.#blocks.length);
    const half = Math.max(1, Math.floor(this.#settings.recentChangesMax / 2));
    const pass = Math.min(half, Math.max(PASS_CHANGES_MIN, blocks * CHANGES_PER_BLOCK));
    this.#due += (changes * blocks) / pass;
    while (this.#due >= 1 || this.#isTooLarge()) {
      this.#due = Math.max(0, this.#due - 1);
      if (!this.step()) break;
    }
  }

  #isTooLarge(): boolean {
    return this.#recent.bytes - this.#freedBytes > this.#settings.recentBytesMax;
  }

  /** Writes blocks with about a number of rows; at least one. */
  some(rows: number): void {
    let left = rows;
    while (left > 0) {
      const before = this.#freedRows;
      if (!this.step()) return;
      left -= this.#freedRows - before;
    }
  }

  /** Writes the next block. False if this transaction can write no more. */
  step(): boolean {
    if (this.#end >= this.#blocks.length) {
      if (this.#isPassBegun || this.#end > this.#next) return false;
      this.#beginPass();
    }
    const block = this.#blocks[this.#end];
    if (block === undefined) return false;
    this.#rows.write(this.#recent.entriesOf(block));
    this.#freedBytes += this.#recent.bytesOf(block);
    this.#freedRows += this.#recent.countOf(block);
    this.#end += 1;
    const supplierId = supplierIdOfBlock(block);
    const following = this.#blocks[this.#end];
    if (following === undefined || supplierIdOfBlock(following) !== supplierId) {
      this.#complete(supplierId);
    }
    return true;
  }

  #beginPass(): void {
    this.#blocks = this.#recent.blockNumbers();
    this.#next = 0;
    this.#end = 0;
    this.#isPassBegun = true;
    this.#marks = new Map([...this.#following.tails].map(([id, { through }]) => [id, through]));
    const suppliers = new Set(this.#blocks.map(supplierIdOfBlock));
    for (const id of this.#marks.keys()) if (!suppliers.has(id)) this.#complete(id);
  }

  #complete(supplierId: number): void {
    const mark = this.#marks.get(supplierId);
    if (mark === undefined) return;
    this.#setComplete.run(mark, supplierId);
    this.#completed.set(supplierId, mark);
  }

  /** Whether every block that existed when the current pass began is written. */
  get isPassDone(): boolean {
    return this.#next >= this.#blocks.length;
  }

  /** The transaction was committed: forgets the entries that the table now has. Returns their blocks. */
  committed(): readonly number[] {
    const written = this.#blocks.slice(this.#next, this.#end);
    for (const block of written) this.#recent.deleteBlock(block);
    this.#next = this.#end;
    for (const [id, complete] of this.#completed) this.#following.advance(id, complete);
    this.begin();
    return written;
  }
}
