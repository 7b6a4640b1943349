import type { Inventory } from '../../../domain/inventory.ts';
import { INVENTORY_FIELDS, inventoryAt, putInventory } from '../inventory-columns.ts';
import type { WriterInventory } from '../recent/writer-inventory.ts';
import type { Database, Statement } from 'better-sqlite3';

export interface CachedInventory {
  readonly inventory: Inventory;
  readonly lastSequence: number;
}

const BLOCK_SKUS = 1024;

/** Adjacent SKUs of one supplier, in columns: as objects they would keep the garbage collector busy. */
interface Block {
  /** Per SKU: its four fields, `NULL_FIELD` for null. */
  readonly fields: Int32Array;
  /** Per SKU: the sequence of its last change, or `UNKNOWN`. */
  readonly lastSequences: Float64Array;
}

const UNKNOWN = -1;
const BLOCK_BYTES = BLOCK_SKUS * (INVENTORY_FIELDS * 4 + 8);

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
    return { inventory: inventoryAt(block.fields, place), lastSequence };
  }

  setInventory(key: number, inventory: Inventory, lastSequence: number): void {
    const number = Math.floor(key / BLOCK_SKUS);
    const block = this.#blocks.get(number) ?? this.#newBlock(number);
    if (block === undefined) return;
    const place = key % BLOCK_SKUS;
    putInventory(block.fields, place, inventory);
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
        fields: new Int32Array(BLOCK_SKUS * INVENTORY_FIELDS),
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

/** Bytes of an entry beside its characters: the supplier, the SKU's number, how many characters. */
const ENTRY_HEAD_BYTES = 9;
const CHARACTERS_MAX = 255;
const LATIN_1_MAX = 0xff;
/** Slots an entry: half of them empty keeps the way to a free one short. */
const SLOTS_PER_ENTRY = 2;
/** What an entry is taken to need when the room for slots is shared out: a dozen characters. */
const TYPICAL_ENTRY_BYTES = ENTRY_HEAD_BYTES + 12;

/**
 * Which SKU an identifier of a supplier means: a hash table in two typed arrays. A `Map` of strings
 * would take three times the memory and give the collector a million objects to walk.
 *
 * Identifiers are compared character by character, so that a collision costs a step and never a mistake.
 * Those with characters beyond Latin-1, and those longer than 255, are not kept.
 */
class IdentifierCache {
  /** Each holds the place of an entry plus one; zero is empty. */
  readonly #slots: Uint32Array;
  readonly #entries: Uint8Array;
  #end = 0;
  #count = 0;

  /** Memory is used as it is filled: the operating system gives pages when they are written. */
  constructor(bytesMax: number) {
    const entriesMax = bytesMax / (TYPICAL_ENTRY_BYTES + 4 * SLOTS_PER_ENTRY);
    const slots = 2 ** Math.max(4, Math.floor(Math.log2(entriesMax * SLOTS_PER_ENTRY)));
    this.#slots = new Uint32Array(slots);
    this.#entries = new Uint8Array(Math.max(1024, bytesMax - slots * 4));
  }

  find(supplierId: number, identifier: string): number | undefined {
    const place = this.#slots[this.#slotOf(supplierId, identifier)] ?? 0;
    return place === 0 ? undefined : this.#readNumber(place - 1 + 4);
  }

  /** Keeps an entry; where there is no more room, all others go first. */
  add(supplierId: number, identifier: string, skuNumber: number): void {
    if (!canBeKept(identifier)) return;
    // Starting anew costs each identifier one read; to keep account of their use would cost every line.
    if (!this.hasRoomFor(identifier)) this.clear();
    const slot = this.#slotOf(supplierId, identifier);
    if (this.#slots[slot] !== 0) return;
    this.#slots[slot] = this.#end + 1;
    this.#writeNumber(this.#end, supplierId);
    this.#writeNumber(this.#end + 4, skuNumber);
    this.#entries[this.#end + 8] = identifier.length;
    for (let i = 0; i < identifier.length; i += 1) {
      this.#entries[this.#end + ENTRY_HEAD_BYTES + i] = identifier.charCodeAt(i);
    }
    this.#end += ENTRY_HEAD_BYTES + identifier.length;
    this.#count += 1;
  }

  hasRoomFor(identifier: string): boolean {
    return (
      this.#end + ENTRY_HEAD_BYTES + identifier.length <= this.#entries.length &&
      (this.#count + 1) * SLOTS_PER_ENTRY <= this.#slots.length
    );
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#slots.fill(0);
    this.#end = 0;
    this.#count = 0;
  }

  /** The slot that holds the identifier, or the empty one where it would stand. */
  #slotOf(supplierId: number, identifier: string): number {
    const last = this.#slots.length - 1;
    for (let slot = hashOf(supplierId, identifier) & last; ; slot = (slot + 1) & last) {
      const place = this.#slots[slot] ?? 0;
      if (place === 0 || this.#isAt(place - 1, supplierId, identifier)) return slot;
    }
  }

  #isAt(start: number, supplierId: number, identifier: string): boolean {
    const entries = this.#entries;
    if (entries[start + 8] !== identifier.length) return false;
    for (let i = 0; i < identifier.length; i += 1) {
      if (entries[start + ENTRY_HEAD_BYTES + i] !== identifier.charCodeAt(i)) return false;
    }
    return this.#readNumber(start) === supplierId;
  }

  #readNumber(at: number): number {
    const entries = this.#entries;
    const [a = 0, b = 0] = [entries[at], entries[at + 1]];
    const [c = 0, d = 0] = [entries[at + 2], entries[at + 3]];
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  #writeNumber(at: number, number: number): void {
    this.#entries[at] = number;
    this.#entries[at + 1] = number >>> 8;
    this.#entries[at + 2] = number >>> 16;
    this.#entries[at + 3] = number >>> 24;
  }
}

function canBeKept(identifier: string): boolean {
  if (identifier.length > CHARACTERS_MAX) return false;
  for (let i = 0; i < identifier.length; i += 1) {
    if (identifier.charCodeAt(i) > LATIN_1_MAX) return false;
  }
  return true;
}

/** FNV-1a over the characters, then mixed once more: its low bits choose the slot. */
function hashOf(supplierId: number, identifier: string): number {
  let hash = 0x811c9dc5 ^ supplierId;
  for (let i = 0; i < identifier.length; i += 1) {
    hash = Math.imul(hash ^ identifier.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** Rows per step: a few milliseconds, which does not delay a waiting batch noticeably. */
const STEP_ROWS = 2000;

type InventoryRow = [
  key: number,
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
  lastSequence: number,
];

/**
 * Fills the cache after a start, in small steps between batches, so that a new server soon is as fast as
 * one that has run for days. Stops when the cache is full.
 */
export class CacheWarmer {
  readonly #cache: InventoryCache;
  readonly #inventory: WriterInventory;
  readonly #skuIdsAfter: Statement<[number, string, number], [number, string, number]>;
  readonly #inventoryAfter: Statement<[number, number], InventoryRow>;
  #lastSkuId: readonly [supplierId: number, skuId: string] | undefined = [0, ''];
  #lastKey: number | undefined = 0;

  constructor(db: Database, cache: InventoryCache, inventory: WriterInventory) {
    this.#cache = cache;
    this.#inventory = inventory;
    this.#skuIdsAfter = db
      .prepare<[number, string, number], [number, string, number]>(
        `SELECT supplier_id, sku_id, key & 0xffffffff FROM skus
         WHERE (supplier_id, sku_id) > (?, ?) ORDER BY supplier_id, sku_id LIMIT ?`,
      )
      .raw();
    this.#inventoryAfter = db
      .prepare<[number, number], InventoryRow>(
        `SELECT key, quantity_in_stock, quantity_on_backorder, backorder_date, restrictions, last_sequence
         FROM inventory WHERE key > ? ORDER BY key LIMIT ?`,
      )
      .raw();
  }

  /** Starts over, after the cache was cleared. */
  restart(): void {
    this.#lastSkuId = [0, ''];
    this.#lastKey = 0;
  }

  /** Reads the next rows; returns whether there may be more. */
  step(): boolean {
    if (this.#lastSkuId !== undefined) this.#lastSkuId = this.#readSkuIds(this.#lastSkuId);
    else if (this.#lastKey !== undefined) this.#lastKey = this.#readInventory(this.#lastKey);
    return this.#lastKey !== undefined;
  }

  #readSkuIds([supplierId, skuId]: readonly [number, string]):
    readonly [number, string] | undefined {
    const rows = this.#skuIdsAfter.all(supplierId, skuId, STEP_ROWS);
    for (const row of rows) {
      if (!this.#cache.skuIds.hasRoomFor(row[1])) return undefined;
      this.#cache.skuIds.add(...row);
    }
    const last = rows.at(-1);
    return last === undefined ? undefined : [last[0], last[1]];
  }

  #readInventory(after: number): number | undefined {
    const rows = this.#inventoryAfter.all(after, STEP_ROWS);
    for (const [
      key,
      quantityInStock,
      quantityOnBackorder,
      backorderDate,
      restrictions,
      last,
    ] of rows) {
      if (!this.#cache.hasRoomFor(key)) return undefined;
      const recent = this.#inventory.committedEntry(key);
      const inventory = { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
      const isNewer = recent !== undefined && recent.lastSequence > last;
      this.#cache.setInventory(
        key,
        isNewer ? recent.inventory : inventory,
        isNewer ? recent.lastSequence : last,
      );
    }
    return rows.at(-1)?.[0];
  }
}
