import type { Inventory } from '../../../domain/inventory.ts';
import { INVENTORY_FIELDS, inventoryAt, putInventory } from '../inventory-columns.ts';
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
const ENTRY_BYTES = 2 + INVENTORY_FIELDS * 4 + 8 + 8;
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

  /** The sequence of a SKU's entry; 0 if it has none. */
  sequenceOf(key: number): number {
    return this.#blocks.get(Math.floor(key / BLOCK_KEYS))?.sequenceOf(key % BLOCK_KEYS) ?? 0;
  }

  set(key: number, entry: RecentEntry): void {
    const number = Math.floor(key / BLOCK_KEYS);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = new Block();
      this.#blocks.set(number, block);
      this.#bytes += block.bytes;
    }
    const before = block.bytes;
    block.set(key % BLOCK_KEYS, entry);
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

/** Entries by their place in the block, sorted. */
class Block {
  count = 0;
  #places = new Uint16Array(FIRST_SIZE);
  #fields = new Int32Array(FIRST_SIZE * INVENTORY_FIELDS);
  #sequences = new Float64Array(FIRST_SIZE);
  #writtenAtMs = new Float64Array(FIRST_SIZE);

  get bytes(): number {
    return BLOCK_BYTES + this.#places.length * ENTRY_BYTES;
  }

  find(place: number): RecentEntry | undefined {
    const i = this.#indexOf(place);
    return this.#isAt(i, place) ? this.entryAt(i) : undefined;
  }

  sequenceOf(place: number): number {
    const i = this.#indexOf(place);
    return this.#isAt(i, place) ? (this.#sequences[i] ?? 0) : 0;
  }

  placeAt(i: number): number {
    return this.#places[i] ?? 0;
  }

  entryAt(i: number): RecentEntry {
    return {
      inventory: inventoryAt(this.#fields, i),
      lastSequence: this.#sequences[i] ?? 0,
      writtenAtMs: this.#writtenAtMs[i] ?? 0,
    };
  }

  set(place: number, { inventory, lastSequence, writtenAtMs }: RecentEntry): void {
    const i = this.#indexOf(place);
    if (!this.#isAt(i, place)) this.#openAt(i, place);
    putInventory(this.#fields, i, inventory);
    this.#sequences[i] = lastSequence;
    this.#writtenAtMs[i] = writtenAtMs;
  }

  delete(place: number): void {
    const i = this.#indexOf(place);
    if (this.#isAt(i, place)) this.#move(i + 1, i);
  }

  dropThrough(sequence: number): void {
    let kept = 0;
    for (let i = 0; i < this.count; i += 1) {
      if ((this.#sequences[i] ?? 0) <= sequence) continue;
      if (kept < i) this.#copy(i, kept);
      kept += 1;
    }
    this.count = kept;
  }

  /** The index of a place, or where it would stand. */
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
    this.#move(i, i + 1);
    this.#places[i] = place;
  }

  /** Moves the entries from an index on to another index. */
  #move(from: number, to: number): void {
    const { count } = this;
    this.#places.copyWithin(to, from, count);
    this.#fields.copyWithin(
      to * INVENTORY_FIELDS,
      from * INVENTORY_FIELDS,
      count * INVENTORY_FIELDS,
    );
    this.#sequences.copyWithin(to, from, count);
    this.#writtenAtMs.copyWithin(to, from, count);
    this.count += to - from;
  }

  #copy(from: number, to: number): void {
    this.#places[to] = this.#places[from] ?? 0;
    this.#fields.copyWithin(
      to * INVENTORY_FIELDS,
      from * INVENTORY_FIELDS,
      (from + 1) * INVENTORY_FIELDS,
    );
    this.#sequences[to] = this.#sequences[from] ?? 0;
    this.#writtenAtMs[to] = this.#writtenAtMs[from] ?? 0;
  }

  #grow(): void {
    const size = Math.min(BLOCK_KEYS, this.#places.length * 2);
    this.#places = grown(new Uint16Array(size), this.#places);
    this.#fields = grown(new Int32Array(size * INVENTORY_FIELDS), this.#fields);
    this.#sequences = grown(new Float64Array(size), this.#sequences);
    this.#writtenAtMs = grown(new Float64Array(size), this.#writtenAtMs);
  }
}

function grown<A extends Uint16Array | Int32Array | Float64Array>(into: A, from: A): A {
  into.set(from);
  return into;
}
