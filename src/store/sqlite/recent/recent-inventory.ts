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

/** Adjacent keys of one supplier. A block is what a sweep writes at a time: some seventeen pages. */
const BLOCK_KEYS = 1024;
const BLOCKS_PER_SUPPLIER = skuKey(1, 0) / BLOCK_KEYS;
const FIRST_SIZE = 16;
/** The objects of a block, beside its entries. */
const BLOCK_BYTES = 800;

/**
 * Inventory that is newer than the table, by key: what changes left whose rows have not been written yet. In
 * columns and in key order, since half a million objects would keep the garbage collector busy.
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
    for (let i = 0; i < block.count; i += 1) {
      yield [blockNumber * BLOCK_KEYS + block.placeAt(i), block.entryAt(i)];
    }
  }

  /** In no particular order. */
  *keys(): Iterable<number> {
    for (const [number, block] of this.#blocks) {
      for (let i = 0; i < block.count; i += 1) yield number * BLOCK_KEYS + block.placeAt(i);
    }
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

/** Entries by their place in the block, sorted. As records, so that making room for one moves memory only twice. */
class Block {
  count = 0;
  #places = new Uint16Array(FIRST_SIZE);
  #numbers = new Float64Array(FIRST_SIZE * RECORD_FLOATS);
  #fields = new Int32Array(this.#numbers.buffer);

  get bytes(): number {
    return BLOCK_BYTES + this.#places.length * (Uint16Array.BYTES_PER_ELEMENT + RECORD_BYTES);
  }

  find(place: number): RecentEntry | undefined {
    const i = this.#indexOf(place);
    return this.#isAt(i, place) ? this.entryAt(i) : undefined;
  }

  sequenceOf(place: number): number {
    const i = this.#indexOf(place);
    return this.#isAt(i, place) ? this.#sequenceAt(i) : 0;
  }

  columnOf(place: number, sequence: number, column: RecentColumn): number | null | undefined {
    const i = this.#indexOf(place);
    if (!this.#isAt(i, place) || this.#sequenceAt(i) <= sequence) return undefined;
    if (column === 'lastSequence') return this.#sequenceAt(i);
    if (column === 'writtenAtMs') return this.#writtenAtMs(i);
    return fieldAt(this.#fields, 2 * i + 1, column);
  }

  placeAt(i: number): number {
    return this.#places[i] ?? 0;
  }

  entryAt(i: number): RecentEntry {
    return {
      inventory: inventoryAt(this.#fields, 2 * i + 1),
      lastSequence: this.#sequenceAt(i),
      writtenAtMs: this.#writtenAtMs(i),
    };
  }

  #writtenAtMs(i: number): number {
    return this.#numbers[i * RECORD_FLOATS + 1] ?? 0;
  }

  #sequenceAt(i: number): number {
    return this.#numbers[i * RECORD_FLOATS] ?? 0;
  }

  set(place: number, inventory: Inventory, lastSequence: number, writtenAtMs: number): void {
    const i = this.#indexOf(place);
    if (!this.#isAt(i, place)) this.#openAt(i, place);
    this.#numbers[i * RECORD_FLOATS] = lastSequence;
    this.#numbers[i * RECORD_FLOATS + 1] = writtenAtMs;
    putInventory(this.#fields, 2 * i + 1, inventory);
  }

  delete(place: number): void {
    const i = this.#indexOf(place);
    if (!this.#isAt(i, place)) return;
    this.#move(i + 1, i);
    this.count -= 1;
  }

  dropThrough(sequence: number): void {
    let kept = 0;
    for (let i = 0; i < this.count; i += 1) {
      if (this.#sequenceAt(i) <= sequence) continue;
      if (kept < i) this.#move(i, kept, i + 1);
      kept += 1;
    }
    this.count = kept;
  }

  /** The index of a place, or where it would be. */
  #indexOf(place: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(i: number, place: number): boolean {
    return i < this.count && this.#places[i] === place;
  }

  #openAt(i: number, place: number): void {
    if (this.count === this.#places.length) this.#grow();
    if (i < this.count) this.#move(i, i + 1);
    this.count += 1;
    this.#places[i] = place;
  }

  /** Moves the entries from an index, up to another, to a third. */
  #move(from: number, to: number, end = this.count): void {
    this.#places.copyWithin(to, from, end);
    this.#numbers.copyWithin(to * RECORD_FLOATS, from * RECORD_FLOATS, end * RECORD_FLOATS);
  }

  #grow(): void {
    const size = Math.min(BLOCK_KEYS, this.#places.length * 2);
    const [places, numbers] = [new Uint16Array(size), new Float64Array(size * RECORD_FLOATS)];
    places.set(this.#places);
    numbers.set(this.#numbers);
    this.#places = places;
    this.#numbers = numbers;
    this.#fields = new Int32Array(numbers.buffer);
  }
}
