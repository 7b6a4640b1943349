import type { Inventory } from '../../../domain/inventory.ts';
import { IdentifierCache } from './identifier-cache.ts';

/** What the cache gives back of a SKU. */
export interface CachedInventory {
  readonly inventory: Inventory;
  readonly lastSequence: number;
}

const BLOCK_SKUS = 1024;
const FIELDS = 4;
const NULL = -1;

/** Neighbouring SKUs of one supplier, in columns: a hundred thousand objects would keep the collector busy. */
interface Block {
  /** Per SKU: its four fields, `NULL` for null. */
  readonly fields: Int32Array;
  /** Per SKU: the sequence of its last change, or `UNKNOWN`. */
  readonly lastSequences: Float64Array;
}

const UNKNOWN = -1;
const BLOCK_BYTES = BLOCK_SKUS * (FIELDS * 4 + 8);

/**
 * Where there is no more room, so many SKUs are not remembered before a block is given to one. Of those that
 * are named at random few come again, and a block for each cost more than all that was saved; of a
 * catalogue that is sent again, neighbours come soon after one another.
 */
const MISSES_PER_BLOCK = 512;

/**
 * What the writer remembers of committed rows, so that a line need not ask the database which SKU it
 * means and what was there before. Bounded in bytes; whatever is not remembered is read.
 *
 * It is true as long as nobody else writes: `forget` is called where another process did.
 */
export class InventoryCache {
  /** By `sku_id`. A `sku_id` keeps its number for ever. */
  readonly skuIds: IdentifierCache;
  /** By the digits of GTINs that one SKU alone holds. Catalogues move GTINs: they clear it. */
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

  /** An empty block, in the place of the oldest where there is no more room; undefined for most then. */
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

  /** Drops everything. */
  forget(): void {
    this.skuIds.clear();
    this.gtins.clear();
    this.#blocks.clear();
  }
}
