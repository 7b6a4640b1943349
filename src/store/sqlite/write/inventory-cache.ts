import type { Inventory } from '../../../domain/inventory.ts';
import { IdentifierCache } from './identifier-cache.ts';

export interface CachedInventory {
  readonly inventory: Inventory;
  readonly lastSequence: number;
}

const BLOCK_SKUS = 1024;
const FIELDS = 4;
const NULL = -1;

/** Adjacent SKUs of one supplier, in columns: as objects they would keep the garbage collector busy. */
interface Block {
  /** Per SKU: its four fields, `NULL` for null. */
  readonly fields: Int32Array;
  /** Per SKU: the sequence of its last change, or `UNKNOWN`. */
  readonly lastSequences: Float64Array;
}

const UNKNOWN = -1;
const BLOCK_BYTES = BLOCK_SKUS * (FIELDS * 4 + 8);

/**
 * When the cache is full, a block is replaced only after this many misses. Randomly named SKUs rarely recur,
 * so a block for each would cost more than it saves; in a catalogue that is sent again, adjacent SKUs follow
 * soon after one another.
 */
const MISSES_PER_BLOCK = 512;

/**
 * The writer's cache of committed rows: which SKU an identifier names, and its inventory. Bounded in bytes;
 * misses are read from the database.
 *
 * It is valid while no other process writes; call `forget` when one has.
 */
export class InventoryCache {
  /** By `sku_id`. The number of a `sku_id` never changes. */
  readonly skuIds: IdentifierCache;
  /** By the digits of GTINs that exactly one SKU holds. Cleared by each catalogue, which may move GTINs. */
  readonly gtins: IdentifierCache;
  readonly #blocksMax: number;
  /** By the number of the block, the oldest first. */
  readonly #blocks = new Map<number, Block>();
  #misses = 0;

  constructor(bytesMax: number) {
    this.skuIds = new IdentifierCache(Math.floor(bytesMax * 0.4));
    this.gtins = new IdentifierCache(Math.floor(bytesMax * 0.2));
    this.#blocksMax = Math.floor((bytesMax * 0.4) / BLOCK_BYTES);
  }

  inventory(key: number): CachedInventory | undefined {
    const block = this.#blocks.get(Math.floor(key / BLOCK_SKUS));
    const place = key % BLOCK_SKUS;
    const lastSequence = block?.lastSequences[place] ?? UNKNOWN;
    if (block === undefined || lastSequence === UNKNOWN) return undefined;
    const { fields } = block;
    const field = (i: number): number | null => {
      const value = fields[place * FIELDS + i] ?? NULL;
      return value === NULL ? null : value;
    };
    return {
      inventory: {
        quantityInStock: field(0),
        quantityOnBackorder: field(1),
        backorderDate: field(2),
        restrictions: field(3),
      },
      lastSequence,
    };
  }

  setInventory(key: number, inventory: Inventory, lastSequence: number): void {
    const number = Math.floor(key / BLOCK_SKUS);
    const block = this.#blocks.get(number) ?? this.#newBlock(number);
    if (block === undefined) return;
    const place = key % BLOCK_SKUS;
    block.fields[place * FIELDS] = inventory.quantityInStock ?? NULL;
    block.fields[place * FIELDS + 1] = inventory.quantityOnBackorder ?? NULL;
    block.fields[place * FIELDS + 2] = inventory.backorderDate ?? NULL;
    block.fields[place * FIELDS + 3] = inventory.restrictions ?? NULL;
    block.lastSequences[place] = lastSequence;
  }

  deleteInventory(key: number): void {
    const block = this.#blocks.get(Math.floor(key / BLOCK_SKUS));
    if (block !== undefined) block.lastSequences[key % BLOCK_SKUS] = UNKNOWN;
  }

  hasRoomFor(key: number): boolean {
    return this.#blocks.size < this.#blocksMax || this.#blocks.has(Math.floor(key / BLOCK_SKUS));
  }

  /** An empty block. In a full cache it replaces the oldest, but only every `MISSES_PER_BLOCK` misses. */
  #newBlock(number: number): Block | undefined {
    if (this.#blocks.size < this.#blocksMax) {
      const block = {
        fields: new Int32Array(BLOCK_SKUS * FIELDS),
        lastSequences: new Float64Array(BLOCK_SKUS).fill(UNKNOWN),
      };
      this.#blocks.set(number, block);
      return block;
    }
    this.#misses += 1;
    const [oldest] = this.#blocks;
    if (oldest === undefined || this.#misses % MISSES_PER_BLOCK !== 0) return undefined;
    const [oldestNumber, block] = oldest;
    this.#blocks.delete(oldestNumber);
    block.lastSequences.fill(UNKNOWN);
    this.#blocks.set(number, block);
    return block;
  }

  /** Clears the cache. */
  forget(): void {
    this.skuIds.clear();
    this.gtins.clear();
    this.#blocks.clear();
  }
}
