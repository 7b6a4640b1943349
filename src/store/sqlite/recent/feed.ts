/**
 * Tells the reader thread what the writer thread has committed, so that it need not read the changes back. It is
 * only a shortcut: a reader verifies that the sequences join, and otherwise reads the changes itself.
 */
import type { MessagePort } from 'node:worker_threads';
import type { SkuState } from '../../../domain/batch-decision.ts';
import type { Inventory } from '../../../domain/inventory.ts';
import { INVENTORY_FIELDS, putInventory } from '../inventory-columns.ts';
import { skuKey } from '../schema/migrations.ts';
import { supplierIdOfBlock, type RecentInventory, type Tail } from './recent-inventory.ts';

/** A supplier's sequence before and after a transaction. */
export interface SequenceRange {
  readonly supplierId: number;
  readonly before: number;
  readonly after: number;
}

/** SKUs and their inventory. Element *i* of each column belongs to one SKU. */
interface SkuColumns {
  readonly keys: Float64Array;
  readonly sequences: Float64Array;
  readonly writtenAtMs: Float64Array;
  /** Four per SKU. */
  readonly fields: Int32Array;
}

/** What some transactions left of a supplier's SKUs. */
export interface RecentChanges extends SkuColumns {
  readonly supplierId: number;
  /** The changes after this sequence, up to `through`. */
  readonly after: number;
  readonly through: number;
  /** The table has every change up to this sequence. */
  readonly complete: number;
  /** The blocks whose recent inventory was written to the table by these transactions, before their own changes. */
  readonly swept: readonly number[];
}

/** What one transaction left of a supplier. */
interface Committed {
  /** The SKUs whose rows it has not written. */
  readonly states: readonly SkuState[];
  /** When it was applied, in milliseconds since 1970-01-01T00:00Z. */
  readonly nowMs: number;
  /** The table has every change up to this sequence. */
  readonly complete: number;
  /** The blocks of older recent inventory that it wrote to the table. */
  readonly swept: readonly number[];
}

/** Changed SKUs per message: fewer would cost more to send than to read. */
const MESSAGE_SKUS = 2000;
/** Changed SKUs of all suppliers that wait for a message. */
const COLLECTED_SKUS_MAX = 50_000;

/** What a supplier's transactions left, until it is sent. */
interface Collected {
  readonly after: number;
  through: number;
  skuCount: number;
  readonly transactions: Committed[];
}

/** The writer's end. */
export class RecentFeed {
  readonly #port: MessagePort;
  readonly #collected = new Map<number, Collected>();
  #collectedSkus = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Takes what a transaction left of a supplier. */
  add({ supplierId, before, after }: SequenceRange, committed: Committed): void {
    const collected = this.#collectedAfter(supplierId, before);
    collected.transactions.push(committed);
    collected.through = after;
    collected.skuCount += committed.states.length;
    this.#collectedSkus += committed.states.length;
    if (collected.skuCount >= MESSAGE_SKUS) this.#send(supplierId, collected);
    if (this.#collectedSkus > COLLECTED_SKUS_MAX) this.#forgetAll();
  }

  #collectedAfter(supplierId: number, sequence: number): Collected {
    const last = this.#collected.get(supplierId);
    if (last?.through === sequence) return last;
    this.#forget(supplierId);
    const collected = { after: sequence, through: sequence, skuCount: 0, transactions: [] };
    this.#collected.set(supplierId, collected);
    return collected;
  }

  #send(supplierId: number, collected: Collected): void {
    const { after, through, skuCount, transactions } = collected;
    const skus = new SkuWriter(skuCount);
    for (const { states, nowMs } of transactions) {
      for (const { skuNumber, inventory, lastSequence } of states) {
        skus.add(skuKey(supplierId, skuNumber), inventory, lastSequence, nowMs);
      }
    }
    const swept = transactions.flatMap((committed) => committed.swept);
    const complete = transactions.at(-1)?.complete ?? after;
    this.#post({ supplierId, after, through, complete, swept }, skus);
    this.#forget(supplierId);
  }

  #post(range: Omit<RecentChanges, keyof SkuColumns>, { columns }: SkuWriter): void {
    const message: RecentChanges = { ...range, ...columns };
    this.#port.postMessage(
      message,
      Object.values(columns).map(({ buffer }) => buffer),
    );
  }

  /** Sends all that the table lacks, to a reader that knows nothing yet: after a crash, reading it takes seconds. */
  sendAll(tails: ReadonlyMap<number, Tail>, recent: RecentInventory): void {
    const blocks = Map.groupBy(recent.blockNumbers(), supplierIdOfBlock);
    for (const [supplierId, { complete, through }] of tails) {
      const own = blocks.get(supplierId) ?? [];
      const skus = new SkuWriter(own.reduce((sum, block) => sum + recent.countOf(block), 0));
      for (const block of own) {
        recent.forEachOf(block, (key, { inventory, lastSequence, writtenAtMs }) =>
          skus.add(key, inventory, lastSequence, writtenAtMs),
        );
      }
      this.#post({ supplierId, after: complete, through, complete, swept: [] }, skus);
    }
  }

  #forget(supplierId: number): void {
    this.#collectedSkus -= this.#collected.get(supplierId)?.skuCount ?? 0;
    this.#collected.delete(supplierId);
  }

  #forgetAll(): void {
    this.#collected.clear();
    this.#collectedSkus = 0;
  }
}

function emptyColumns(skuCount: number) {
  return {
    keys: new Float64Array(skuCount),
    sequences: new Float64Array(skuCount),
    writtenAtMs: new Float64Array(skuCount),
    fields: new Int32Array(skuCount * INVENTORY_FIELDS),
  } satisfies SkuColumns;
}

/** Fills the columns of SKUs. */
class SkuWriter {
  readonly columns: ReturnType<typeof emptyColumns>;
  #count = 0;

  constructor(skuCount: number) {
    this.columns = emptyColumns(skuCount);
  }

  add(key: number, inventory: Inventory, sequence: number, writtenAtMs: number): void {
    const { columns } = this;
    columns.keys[this.#count] = key;
    columns.sequences[this.#count] = sequence;
    columns.writtenAtMs[this.#count] = writtenAtMs;
    putInventory(columns.fields, this.#count, inventory);
    this.#count += 1;
  }
}
