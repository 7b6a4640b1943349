/**
 * Tells the reader thread what the writer thread has committed, so that it need not read the changes back. It is
 * only a shortcut: a reader verifies that the sequences join, and otherwise reads the changes itself.
 */
import type { MessagePort } from 'node:worker_threads';
import { INVENTORY_FIELDS, putInventory } from '../inventory-columns.ts';
import type { RecentEntry } from './recent-inventory.ts';

/** A supplier's sequence before and after a transaction. */
export interface SequenceRange {
  readonly supplierId: number;
  readonly before: number;
  readonly after: number;
}

/** What some transactions left of a supplier's SKUs. Element *i* of each column belongs to one SKU. */
export interface RecentChanges {
  readonly supplierId: number;
  /** The changes after this sequence, up to `through`. */
  readonly after: number;
  readonly through: number;
  /** The table has every change up to this sequence. */
  readonly complete: number;
  readonly keys: Float64Array;
  readonly sequences: Float64Array;
  readonly writtenAtMs: Float64Array;
  /** Four per SKU. */
  readonly fields: Int32Array;
}

/** Changed SKUs per message: fewer would cost more to send than to read. */
const MESSAGE_SKUS = 2000;
/** Changed SKUs of all suppliers that wait for a message. */
const COLLECTED_SKUS_MAX = 50_000;

type Entry = readonly [key: number, entry: RecentEntry];

/** What a supplier's transactions left, until it is sent. */
interface Collected {
  readonly after: number;
  readonly through: number;
  readonly entries: Entry[];
}

/** The writer's end. */
export class RecentFeed {
  readonly #port: MessagePort;
  readonly #collected = new Map<number, Collected>();
  #collectedSkus = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /**
   * Takes what a transaction left of a supplier's SKUs.
   *
   * @param complete the sequence up to which the table is complete
   */
  add(
    { supplierId, before, after }: SequenceRange,
    complete: number,
    entries: readonly Entry[],
  ): void {
    const last = this.#collected.get(supplierId);
    const isNext = last?.through === before;
    const collected = isNext
      ? { ...last, through: after }
      : { after: before, through: after, entries: [] };
    if (!isNext) this.#forget(supplierId);
    for (const entry of entries) collected.entries.push(entry);
    this.#collected.set(supplierId, collected);
    this.#collectedSkus += entries.length;
    if (collected.entries.length >= MESSAGE_SKUS) this.#send(supplierId, complete, collected);
    if (this.#collectedSkus > COLLECTED_SKUS_MAX) this.#forgetAll();
  }

  #send(supplierId: number, complete: number, { after, through, entries }: Collected): void {
    const columns = {
      keys: new Float64Array(entries.length),
      sequences: new Float64Array(entries.length),
      writtenAtMs: new Float64Array(entries.length),
      fields: new Int32Array(entries.length * INVENTORY_FIELDS),
    };
    for (const [i, [key, { inventory, lastSequence, writtenAtMs }]] of entries.entries()) {
      columns.keys[i] = key;
      columns.sequences[i] = lastSequence;
      columns.writtenAtMs[i] = writtenAtMs;
      putInventory(columns.fields, i, inventory);
    }
    const message: RecentChanges = { supplierId, after, through, complete, ...columns };
    const transferred = Object.values(columns).map(({ buffer }) => buffer);
    this.#port.postMessage(message, transferred);
    this.#forget(supplierId);
  }

  #forget(supplierId: number): void {
    this.#collectedSkus -= this.#collected.get(supplierId)?.entries.length ?? 0;
    this.#collected.delete(supplierId);
  }

  #forgetAll(): void {
    this.#collected.clear();
    this.#collectedSkus = 0;
  }
}
