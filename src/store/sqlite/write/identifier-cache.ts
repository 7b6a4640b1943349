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
export class IdentifierCache {
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
