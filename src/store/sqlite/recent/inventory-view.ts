import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import type { Inventory } from '../../../domain/inventory.ts';
import type { RecentChanges } from './feed.ts';
import { Following } from './following.ts';
import { RecentInventory, type RecentEntry } from './recent-inventory.ts';

type Held = (entry: RecentEntry) => number | null;

const field =
  (name: keyof Inventory): Held =>
  ({ inventory }) =>
    inventory[name];

/** The columns of the inventory table that a recent entry replaces. */
const COLUMNS: Readonly<Record<string, Held>> = {
  quantity_in_stock: field('quantityInStock'),
  quantity_on_backorder: field('quantityOnBackorder'),
  backorder_date: field('backorderDate'),
  restrictions: field('restrictions'),
  last_sequence: ({ lastSequence }) => lastSequence,
  updated_at_ms: ({ writtenAtMs }) => writtenAtMs,
  // An entry is as of its own time: a SKU with another one is written to the table at once.
  as_of_us: () => null,
};

/** Hides the table of this name from the statements of its connection. */
const VIEW = `CREATE TEMP VIEW inventory AS SELECT key, ${Object.keys(COLUMNS)
  .map((column) => `recent_${column}(key, last_sequence, ${column}) AS ${column}`)
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

  /** @param feed of a writer in this process */
  constructor(db: Database, feed?: MessagePort) {
    this.#db = db;
    this.#feed = feed;
    for (const [column, held] of Object.entries(COLUMNS)) this.#addFunction(column, held);
    this.#following = new Following(db, this.#recent);
    this.#begin = db.prepare('BEGIN');
    this.#end = db.prepare('COMMIT');
    this.#isShown = db.prepare("SELECT 1 FROM temp.sqlite_schema WHERE name = 'inventory'");
    feed?.on('message', (message: RecentChanges) => this.#following.accept(message));
  }

  #addFunction(column: string, held: Held): void {
    this.#db.function(`recent_${column}`, (key: number, rowSequence: number, stored: unknown) => {
      const entry = this.#recent.find(key);
      return entry !== undefined && entry.lastSequence > rowSequence ? held(entry) : stored;
    });
  }

  /** Runs reads in one snapshot, in which `inventory` is up to date. */
  read<T>(work: () => T): T {
    this.#receive();
    this.#begin.run();
    try {
      this.follow();
      return work();
    } finally {
      // A failure of the disk has ended the transaction already.
      if (this.#db.inTransaction) this.#end.run();
    }
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
