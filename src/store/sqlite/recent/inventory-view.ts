import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { supplierIdOfKey } from '../schema/migrations.ts';
import type { RecentChanges } from './feed.ts';
import { Following } from './following.ts';
import { RecentInventory, type RecentColumn } from './recent-inventory.ts';

/**
 * The columns of the inventory table that a recent entry replaces. Null is null in every entry: it is as of its own
 * time, because a SKU with another one is written to the table at once.
 */
const COLUMNS: Readonly<Record<string, RecentColumn | null>> = {
  quantity_in_stock: 0,
  quantity_on_backorder: 1,
  backorder_date: 2,
  restrictions: 3,
  last_sequence: 'lastSequence',
  updated_at_ms: 'writtenAtMs',
  as_of_us: null,
};

/*
 * Calling a function takes several times as long as reading a row. So a scan is first given marks, one byte for each
 * recent key: SQLite finds a byte of a blob itself, and calls the function only if it is set. Several keys may share
 * a byte, since a wrong mark costs a call and never a mistake. Without marks, the function is called for each row.
 */

/** A power of two. Up to two million SKUs of one supplier have a byte each. */
const MARKS = 1 << 21;
/** Keeps the first SKUs of all suppliers from sharing their bytes. */
const SUPPLIER_STEP = 7919;
const IS_UNMARKED = `substr(recent_marks(), ((key + (key >> 32) * ${SUPPLIER_STEP}) & ${MARKS - 1}) + 1, 1) = x'00'`;
const NO_MARKS = Buffer.alloc(0);

/** Hides the table of this name from the statements of its connection. */
const VIEW = `CREATE TEMP VIEW inventory AS SELECT key, ${Object.keys(COLUMNS)
  .map(
    (column) =>
      `iif(${IS_UNMARKED}, ${column}, recent_${column}(key, last_sequence, ${column})) AS ${column}`,
  )
  .join(', ')} FROM main.inventory`;

/**
 * Inventory as a reading connection sees it: the table `inventory` with the changes that it does not have yet.
 *
 * While there are such changes, a temporary view takes the table's name. So every statement that reads inventory
 * reads both, and need not know. **The rule: of a row and a recent entry, the one with the later sequence holds.**
 */
export class InventoryView {
  readonly #recent = new RecentInventory();
  readonly #following: Following;
  readonly #begin: Statement;
  readonly #end: Statement;
  readonly #isShown: Statement;
  readonly #db: Database;
  readonly #feed: MessagePort | undefined;
  #marks: Buffer = NO_MARKS;

  /** @param feed of a writer in this process */
  constructor(db: Database, feed?: MessagePort) {
    this.#db = db;
    this.#feed = feed;
    for (const [name, column] of Object.entries(COLUMNS)) this.#addFunction(name, column);
    // Deterministic, so that it is called once per statement. No statement outlives the marks.
    db.function('recent_marks', { deterministic: true }, () => this.#marks);
    this.#following = new Following(db, this.#recent);
    this.#begin = db.prepare('BEGIN');
    this.#end = db.prepare('COMMIT');
    this.#isShown = db.prepare("SELECT 1 FROM temp.sqlite_schema WHERE name = 'inventory'");
    feed?.on('message', (message: RecentChanges) => this.#following.accept(message));
  }

  #addFunction(name: string, column: RecentColumn | null): void {
    this.#db.function(`recent_${name}`, (key: number, rowSequence: number, stored: unknown) => {
      const recent = this.#recent.columnOf(key, rowSequence, column ?? 'lastSequence');
      if (recent === undefined) return stored;
      return column === null ? null : recent;
    });
  }

  /**
   * Runs reads in one snapshot, in which `inventory` is up to date.
   *
   * @param isScan whether it reads many rows
   */
  read<T>(work: () => T, isScan = false): T {
    this.#receive();
    this.#begin.run();
    try {
      this.follow();
      if (isScan && this.#following.tails.size > 0) this.#marks = this.#markRecent();
      return work();
    } finally {
      this.#marks = NO_MARKS;
      // A failure of the disk has ended the transaction already.
      if (this.#db.inTransaction) this.#end.run();
    }
  }

  #markRecent(): Buffer {
    const marks = Buffer.alloc(MARKS);
    this.#recent.forEachBlock((firstKey, places) => {
      // A division for each key would take most of the time.
      const first = (firstKey + supplierIdOfKey(firstKey) * SUPPLIER_STEP) % MARKS;
      for (const place of places) marks[(first + place) & (MARKS - 1)] = 1;
    });
    return marks;
  }

  /** Messages that wait were sent after their commits: a snapshot that begins now contains these. */
  #receive(): void {
    if (this.#feed === undefined) return;
    let received: { message: RecentChanges } | undefined;
    while ((received = receiveMessageOnPort(this.#feed)) !== undefined) {
      this.#following.accept(received.message);
    }
  }

  /** Brings `inventory` up to date with the snapshot of the transaction that the caller has begun. */
  follow(): void {
    this.#following.follow();
    const isBehind = this.#following.tails.size > 0;
    // Asked, not remembered: a transaction that is rolled back takes the view with it, or brings it back.
    const isShown = this.#isShown.get() !== undefined;
    if (isBehind !== isShown) this.#db.exec(isBehind ? VIEW : 'DROP VIEW temp.inventory');
  }
}
