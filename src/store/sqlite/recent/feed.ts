/**
 * Tells the reader thread what the writer thread has committed, so that it need not read the changes back. It is
 * only a shortcut: a reader verifies that the sequences join, and otherwise reads the changes itself.
 */
import type { MessagePort } from 'node:worker_threads';
import type { SkuState } from '../../../domain/batch-decision.ts';
import { pushInventory } from '../inventory-columns.ts';

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

/** What a supplier's transactions left, until it is sent. */
class Collected {
  readonly after: number;
  through: number;
  readonly keys: number[] = [];
  readonly sequences: number[] = [];
  readonly writtenAtMs: number[] = [];
  readonly fields: number[] = [];

  constructor(after: number) {
    this.after = after;
    this.through = after;
  }

  add(key: number, { inventory, lastSequence }: SkuState, writtenAtMs: number): void {
    this.keys.push(key);
    this.sequences.push(lastSequence);
    this.writtenAtMs.push(writtenAtMs);
    pushInventory(this.fields, inventory);
  }
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
    states: readonly (readonly [key: number, sku: SkuState])[],
    nowMs: number,
  ): void {
    const collected = this.#collectedAfter(supplierId, before);
    for (const [key, sku] of states) collected.add(key, sku, nowMs);
    this.#collectedSkus += states.length;
    collected.through = after;
    if (collected.keys.length >= MESSAGE_SKUS) this.#send(supplierId, complete, collected);
    if (this.#collectedSkus > COLLECTED_SKUS_MAX) this.#forgetAll();
  }

  #collectedAfter(supplierId: number, sequence: number): Collected {
    const last = this.#collected.get(supplierId);
    if (last?.through === sequence) return last;
    this.#forget(supplierId);
    const collected = new Collected(sequence);
    this.#collected.set(supplierId, collected);
    return collected;
  }

  #send(supplierId: number, complete: number, { after, through, ...columns }: Collected): void {
    const keys = Float64Array.from(columns.keys);
    const sequences = Float64Array.from(columns.sequences);
    const writtenAtMs = Float64Array.from(columns.writtenAtMs);
    const fields = Int32Array.from(columns.fields);
    const sent = { keys, sequences, writtenAtMs, fields };
    const message: RecentChanges = { supplierId, after, through, complete, ...sent };
    this.#port.postMessage(
      message,
      Object.values(sent).map(({ buffer }) => buffer),
    );
    this.#forget(supplierId);
  }

  #forget(supplierId: number): void {
    this.#collectedSkus -= this.#collected.get(supplierId)?.keys.length ?? 0;
    this.#collected.delete(supplierId);
  }

  #forgetAll(): void {
    this.#collected.clear();
    this.#collectedSkus = 0;
  }
}
