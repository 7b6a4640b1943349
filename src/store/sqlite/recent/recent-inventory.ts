import type { Inventory } from '../../../domain/inventory.ts';
import { fieldAt, inventoryAt, putInventory } from '../inventory-columns.ts';
import { skuKey } from '../schema/migrations.ts';

/** A SKU's inventory as its last change left it. */
export interface RecentEntry {
  readonly inventory: Inventory;
  readonly lastSequence: number;
  /** When that change was applied, in milliseconds since 1970-01-01T00:00Z. */
  readonly writtenAtMs: number;
}

/** Where a supplier's recent inventory begins and ends. */
export interface Tail {
  /** The table has every change up to this sequence. */
  readonly complete: number;
  /** The recent inventory has every later change up to this one. */
  readonly through: number;
}

/** Adjacent keys of one supplier. A block is what a sweep writes at a time: some seventeen pages. */
const BLOCK_KEYS = 1024;
const BLOCKS_PER_SUPPLIER = skuKey(1, 0) / BLOCK_KEYS;
const FIRST_SIZE = 16;
/** The objects of a block, beside its entries. */
const BLOCK_BYTES = 800;

/**
 * Inventory that is newer than the table, by key: what changes left whose rows have not been written yet. In
 * columns, since half a million objects would keep the garbage collector busy.
 */
export class RecentInventory {
  readonly #blocks = new Map<number, Block>();
  #bytes = 0;

  /** The memory of the entries, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get blockCount(): number {
    return this.#blocks.size;
  }

  find(key: number): RecentEntry | undefined {
    return this.#blocks.get(Math.floor(key / BLOCK_KEYS))?.find(key % BLOCK_KEYS);
  }

  /**
   * One column of a SKU's entry, without making an object of it. Undefined if it has no entry that is later than a
   * sequence.
   */
  columnOf(key: number, sequence: number, column: RecentColumn): number | null | undefined {
    return this.#blocks
      .get(Math.floor(key / BLOCK_KEYS))
      ?.columnOf(key % BLOCK_KEYS, sequence, column);
  }

  /** The sequence of a SKU's entry; 0 if it has none. */
  sequenceOf(key: number): number {
    return this.#blocks.get(Math.floor(key / BLOCK_KEYS))?.sequenceOf(key % BLOCK_KEYS) ?? 0;
  }

  set(key: number, inventory: Inventory, lastSequence: number, writtenAtMs: number): void {
    const number = Math.floor(key / BLOCK_KEYS);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = new Block();
      this.#blocks.set(number, block);
      this.#bytes += block.bytes;
    }
    const before = block.bytes;
    block.set(key % BLOCK_KEYS, inventory, lastSequence, writtenAtMs);
    this.#bytes += block.bytes - before;
  }

  delete(key: number): void {
    const number = Math.floor(key / BLOCK_KEYS);
    const block = this.#blocks.get(number);
    block?.delete(key % BLOCK_KEYS);
    if (block?.count === 0) this.deleteBlock(number);
  }

  /** In key order. */
  blockNumbers(): number[] {
    return [...this.#blocks.keys()].sort((a, b) => a - b);
  }

  /** The entries of a block, in key order. */
  *entriesOf(blockNumber: number): Iterable<readonly [key: number, entry: RecentEntry]> {
    const block = this.#blocks.get(blockNumber);
    if (block === undefined) return;
    for (const place of block.sortedPlaces()) {
      const entry = block.find(place);
      if (entry !== undefined) yield [blockNumber * BLOCK_KEYS + place, entry];
    }
  }

  /** Passes each entry of a block, in no particular order. */
  forEachOf(blockNumber: number, take: (key: number, entry: RecentEntry) => void): void {
    const block = this.#blocks.get(blockNumber);
    if (block === undefined) return;
    for (let slot = 0; slot < block.count; slot += 1) {
      take(blockNumber * BLOCK_KEYS + block.placeAt(slot), block.entryAt(slot));
    }
  }

  /** Passes the keys of each block, as offsets from its first key; in no particular order. */
  forEachBlock(take: (firstKey: number, places: Uint16Array) => void): void {
    for (const [number, block] of this.#blocks) take(number * BLOCK_KEYS, block.places());
  }

  countOf(blockNumber: number): number {
    return this.#blocks.get(blockNumber)?.count ?? 0;
  }

  bytesOf(blockNumber: number): number {
    return this.#blocks.get(blockNumber)?.bytes ?? 0;
  }

  deleteBlock(blockNumber: number): void {
    this.#bytes -= this.bytesOf(blockNumber);
    this.#blocks.delete(blockNumber);
  }

  /** Deletes what the table has: each supplier's entries up to its sequence. */
  dropThrough(sequences: ReadonlyMap<number, number>): void {
    for (const [number, block] of this.#blocks) {
      const sequence = sequences.get(supplierIdOfBlock(number));
      if (sequence === undefined) continue;
      block.dropThrough(sequence);
      if (block.count === 0) this.deleteBlock(number);
    }
  }
}

export function supplierIdOfBlock(blockNumber: number): number {
  return Math.floor(blockNumber / BLOCKS_PER_SUPPLIER);
}

/** A record is the sequence and the time, as two floats, then four integers: the inventory. */
const RECORD_FLOATS = 4;
const RECORD_BYTES = RECORD_FLOATS * 8;

/** A field of the inventory by its index, or another member of an entry. */
export type RecentColumn = number | 'lastSequence' | 'writtenAtMs';

/**
 * Entries by their place in the block, in no order: each takes the next slot, and a hash table finds it. Keeping them
 * sorted would move memory for each new one.
 */
class Block {
  count = 0;
  #places = new Uint16Array(FIRST_SIZE);
  #numbers = new Float64Array(FIRST_SIZE * RECORD_FLOATS);
  #fields = new Int32Array(this.#numbers.buffer);
  /** A slot + 1 at the hash of its place or, if that is taken, at the next that is free (0). */
  #index = new Uint16Array(2 * FIRST_SIZE);

  get bytes(): number {
    const slots = this.#places.length * (Uint16Array.BYTES_PER_ELEMENT + RECORD_BYTES);
    return BLOCK_BYTES + slots + this.#index.byteLength;
  }

  find(place: number): RecentEntry | undefined {
    const slot = this.#slotOf(place);
    return slot === undefined ? undefined : this.entryAt(slot);
  }

  sequenceOf(place: number): number {
    const slot = this.#slotOf(place);
    return slot === undefined ? 0 : this.#sequenceAt(slot);
  }

  columnOf(place: number, sequence: number, column: RecentColumn): number | null | undefined {
    const slot = this.#slotOf(place);
    if (slot === undefined || this.#sequenceAt(slot) <= sequence) return undefined;
    if (column === 'lastSequence') return this.#sequenceAt(slot);
    if (column === 'writtenAtMs') return this.#writtenAtMs(slot);
    return fieldAt(this.#fields, 2 * slot + 1, column);
  }

  placeAt(slot: number): number {
    return this.#places[slot] ?? 0;
  }

  entryAt(slot: number): RecentEntry {
    return {
      inventory: inventoryAt(this.#fields, 2 * slot + 1),
      lastSequence: this.#sequenceAt(slot),
      writtenAtMs: this.#writtenAtMs(slot),
    };
  }

  places(): Uint16Array {
    return this.#places.subarray(0, this.count);
  }

  sortedPlaces(): Uint16Array {
    return this.places().slice().sort();
  }

  #writtenAtMs(slot: number): number {
    return this.#numbers[slot * RECORD_FLOATS + 1] ?? 0;
  }

  #sequenceAt(slot: number): number {
    return this.#numbers[slot * RECORD_FLOATS] ?? 0;
  }

  set(place: number, inventory: Inventory, lastSequence: number, writtenAtMs: number): void {
    const slot = this.#slotOf(place) ?? this.#append(place);
    this.#numbers[slot * RECORD_FLOATS] = lastSequence;
    this.#numbers[slot * RECORD_FLOATS + 1] = writtenAtMs;
    putInventory(this.#fields, 2 * slot + 1, inventory);
  }

  delete(place: number): void {
    const slot = this.#slotOf(place);
    if (slot === undefined) return;
    this.count -= 1;
    this.#move(this.count, slot);
    this.#indexAgain();
  }

  dropThrough(sequence: number): void {
    let kept = 0;
    for (let slot = 0; slot < this.count; slot += 1) {
      if (this.#sequenceAt(slot) <= sequence) continue;
      if (kept < slot) this.#move(slot, kept);
      kept += 1;
    }
    if (kept === this.count) return;
    this.count = kept;
    this.#indexAgain();
  }

  #slotOf(place: number): number | undefined {
    const mask = this.#index.length - 1;
    for (let at = place & mask; ; at = (at + 1) & mask) {
      const slot = (this.#index[at] ?? 0) - 1;
      if (slot < 0) return undefined;
      if (this.#places[slot] === place) return slot;
    }
  }

  #append(place: number): number {
    if (this.count === this.#places.length) this.#grow();
    const slot = this.count;
    this.count += 1;
    this.#places[slot] = place;
    this.#enter(slot);
    return slot;
  }

  #enter(slot: number): void {
    const mask = this.#index.length - 1;
    let at = this.placeAt(slot) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  #indexAgain(): void {
    this.#index.fill(0);
    for (let slot = 0; slot < this.count; slot += 1) this.#enter(slot);
  }

  #move(from: number, to: number): void {
    this.#places[to] = this.placeAt(from);
    const at = from * RECORD_FLOATS;
    this.#numbers.copyWithin(to * RECORD_FLOATS, at, at + RECORD_FLOATS);
  }

  #grow(): void {
    const size = this.#places.length * 2;
    const [places, numbers] = [new Uint16Array(size), new Float64Array(size * RECORD_FLOATS)];
    places.set(this.#places);
    numbers.set(this.#numbers);
    this.#places = places;
    this.#numbers = numbers;
    this.#fields = new Int32Array(numbers.buffer);
    // At most half of it is taken, or there is one for each place.
    this.#index = new Uint16Array(Math.min(BLOCK_KEYS, 2 * size));
    this.#indexAgain();
  }
}
