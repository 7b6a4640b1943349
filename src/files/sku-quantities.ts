/** The quantities that a file gives each SKU, in typed arrays: a file may name millions of SKUs. */
import { withoutBlanks } from '../formats/table/blanks.ts';
import { randomInt } from 'node:crypto';
import { QUANTITY_MAX } from '../domain/inventory.ts';
import type { LineDraft } from '../domain/lines.ts';
import { quoted, type FileRow, type RowUnit } from '../formats/format.ts';
import { SkuTotals, type SkuTotal } from './sku-totals.ts';

/** Two rows that give one SKU different quantities. */
export interface DuplicateExample {
  readonly name: string;
  readonly field: 'in stock' | 'on backorder';
  readonly rows: readonly [first: number, later: number];
  readonly quantities: readonly [first: number | null, later: number | null];
}

const EXAMPLES_MAX = 3;
const SLOTS_MIN = 1024;
/** NULL, which cannot be added up. */
const NULL = -1;
/** Instead of the code of a restriction: the rows of a SKU have several. */
const DIFFERENT = 255;
/** Instead of the hash of a day. */
const DIFFERENT_DAYS = 1;

/**
 * What rows say about each SKU: the first quantities for comparing, or their sums. A SKU is known by its
 * `sku_id`, or else by its GTIN in any form; names are stored as hashes of 96 bits.
 */
export class SkuQuantities {
  readonly #skusMax: number;
  readonly #seed = randomInt(2 ** 32 - 1);
  #count = 0;
  #isFull = false;
  #slots = slotsOf(SLOTS_MIN);
  #differing = 0;
  #hasEqualParts = false;
  #hasAlternatives = false;
  #firstBySkuId = 0;
  #firstByGtin = 0;
  readonly #examples: DuplicateExample[] = [];
  readonly #totals = new SkuTotals();

  /** @param skusMax SKUs that are remembered; 66 bytes each (87 if there are totals), in arrays that are half full or more */
  constructor(skusMax: number) {
    this.#skusMax = skusMax;
  }

  /** Whether there were more SKUs than are remembered. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /**
   * How many SKUs have several rows that do not say the same, and the first of them. Different quantities are not the
   * same, and neither are equal ones at different locations (`hasEqualParts`), unless they are zero.
   */
  get duplicates(): {
    readonly count: number;
    readonly examples: readonly DuplicateExample[];
    readonly hasEqualParts: boolean;
  } {
    return {
      count: this.#differing,
      examples: this.#examples,
      hasEqualParts: this.#hasEqualParts,
    };
  }

  /** Whether a row has several `sku_id`s of which the first that exists counts, so that only a look-up tells its SKU. */
  get hasAlternatives(): boolean {
    return this.#hasAlternatives;
  }

  /**
   * The first row that names its SKU by `sku_id` and the first that does so only by a GTIN, if there are both. Unless
   * they were looked up, two such rows of one SKU are not recognized as rows of one SKU.
   */
  get mixedNames(): { readonly bySkuId: number; readonly byGtin: number } | undefined {
    const [bySkuId, byGtin] = [this.#firstBySkuId, this.#firstByGtin];
    return bySkuId > 0 && byGtin > 0 ? { bySkuId, byGtin } : undefined;
  }

  /**
   * Adds a row to its SKU. Rows that do not say which SKU they are about are skipped.
   *
   * @param skuUuid the SKU's, if it was looked up; null if there is none
   */
  add({ row, line, location, isTotal, day, unsellable }: FileRow, skuUuid?: string | null): void {
    const name = nameOf(line);
    if (name === undefined || !isPlain(line) || unsellable !== undefined) return;
    if (skuUuid === undefined) {
      this.#hasAlternatives ||= name.includes(NAME_SEPARATOR);
      if (line.skuId === null) this.#firstByGtin ||= row;
      else this.#firstBySkuId ||= row;
    }
    const slot = this.#slotOf(typeof skuUuid === 'string' ? `u${skuUuid}` : name);
    if (slot === undefined) return;
    const { rowCounts, firstRows, firstPlaces, stocks, backorders, flawedRows } = this.#slots;
    const place = (location ?? '') === '' ? 0 : (hashOf(location ?? '', this.#seed)[0] ?? 0);
    const isFirst = rowCounts[slot] === 0;
    rowCounts[slot] = (rowCounts[slot] ?? 0) + 1;
    if (isFirst) {
      firstRows[slot] = row;
      firstPlaces[slot] = place;
    }
    if (line.refusal !== undefined) {
      if (flawedRows[slot] === 0) flawedRows[slot] = row;
      return;
    }
    const { quantityInStock: stock, quantityOnBackorder: backorder } = line.fields;
    const { firsts, firstBackorders } = this.#slots;
    const compared = { slot, name: shownName(name), row };
    this.#compare(firsts, { ...compared, field: 'in stock' }, stock, place !== firstPlaces[slot]);
    this.#compare(firstBackorders, { ...compared, field: 'on backorder' }, backorder, false);
    if (stock === null || backorder === null) flawedRows[slot] ||= row;
    this.#compareRestrictions(slot, line.fields.restrictions);
    this.#compareDays(slot, day);
    const whole = { row, stock: stock ?? 0, backorder: backorder ?? 0 };
    if (isTotal === true) return this.#totals.addNamed(slot, this.#slots.size, whole);
    if (location === '') this.#totals.addUnplaced(slot, this.#slots.size, whole);
    add(stocks, slot, stock);
    add(backorders, slot, backorder);
  }

  /** Compares with the first quantity of the SKU. Parts of it at several locations are the same only if they are zero. */
  #compare(
    firsts: Float64Array,
    {
      slot,
      row,
      ...example
    }: Omit<DuplicateExample, 'rows' | 'quantities'> & {
      readonly slot: number;
      readonly row: number;
    },
    quantity: number | null | undefined,
    isPart: boolean,
  ): void {
    const { firstRows, areDifferent } = this.#slots;
    if (quantity === undefined) return;
    const value = quantity ?? NULL;
    const first = firsts[slot] ?? Number.NaN;
    if (Number.isNaN(first)) {
      firsts[slot] = value;
      return;
    }
    const isEqual = first === value;
    if ((isEqual && (!isPart || value === 0)) || areDifferent[slot] === 1) return;
    areDifferent[slot] = 1;
    this.#hasEqualParts ||= isEqual;
    this.#differing += 1;
    if (this.#examples.length >= EXAMPLES_MAX) return;
    this.#examples.push({
      ...example,
      rows: [firstRows[slot] ?? 0, row],
      quantities: [first === NULL ? null : first, quantity],
    });
  }

  #compareRestrictions(slot: number, restriction: number | null | undefined): void {
    if (restriction === undefined) return;
    const { restrictions } = this.#slots;
    const code = 1 + (restriction ?? 0);
    const before = restrictions[slot] ?? 0;
    restrictions[slot] = before === 0 || before === code ? code : DIFFERENT;
  }

  #compareDays(slot: number, day: string | undefined): void {
    if (day === undefined) return;
    const { days } = this.#slots;
    const hash = Math.max(hashOf(day, this.#seed)[0] ?? 0, DIFFERENT_DAYS + 1);
    const before = days[slot] ?? 0;
    days[slot] = before === 0 || before === hash ? hash : DIFFERENT_DAYS;
  }

  /** The row with the sums of its SKU, if other rows name it too. */
  summed(row: FileRow, unit: RowUnit): FileRow {
    const name = nameOf(row.line);
    if (name === undefined || !isPlain(row.line) || row.line.refusal !== undefined) return row;
    const slot = find(this.#slots, hashOf(name, this.#seed));
    const { rowCounts, stocks, backorders, flawedRows } = this.#slots;
    const rows = rowCounts[slot] ?? 0;
    const { unsellable } = row;
    if (unsellable === undefined && rows < 2) return row;
    if (rows === 0)
      return refused(
        row,
        unit,
        `${quoted(unsellable ?? '')} is stock that cannot be sold, and no other ${unit} has stock of this SKU, so that it is left as it is. If it has none that can be sold, add a ${unit} with 0.`,
      );
    const flawed = flawedRows[slot] ?? 0;
    if (flawed > 0)
      return refused(
        row,
        unit,
        `${unit} ${flawed} names the same SKU and has no quantity that can be added, so the total of its ${rows} rows is unknown. Correct that row.`,
      );
    if (this.#slots.days[slot] === DIFFERENT_DAYS)
      return refused(
        row,
        unit,
        `the ${rows} rows of this SKU are of different days, so they are not parts of one stock. Send only those of the last day, or have the column of the day ignored.`,
      );
    if (this.#slots.restrictions[slot] === DIFFERENT)
      return refused(
        row,
        unit,
        `the ${rows} rows of this SKU have different statuses, so it is not known which one holds for their total. Give them the same status, or leave its column out.`,
      );
    const parts = { stock: stocks[slot] ?? 0, backorder: backorders[slot] ?? 0 };
    const named = this.#totals.of(slot);
    if (named !== undefined) {
      const unclear = unclearTotal(named, parts, unit);
      if (unclear !== undefined) return refused(row, unit, unclear);
    }
    const total = {
      ...(row.line.fields.quantityInStock !== undefined && { quantityInStock: parts.stock }),
      ...(row.line.fields.quantityOnBackorder !== undefined && {
        quantityOnBackorder: parts.backorder,
      }),
    };
    const tooLarge = Object.values(total).find((quantity) => quantity > QUANTITY_MAX);
    if (tooLarge !== undefined)
      return refused(
        row,
        unit,
        `the ${rows} rows of the SKU add up to ${tooLarge}, more than ${QUANTITY_MAX}.`,
      );
    const amount = Object.values(total).join(' in stock and ');
    const told =
      named?.kind === 'named'
        ? `${unit} ${named.row} has the total of the ${rows} rows of this SKU, ${amount}.`.replace(
            /^./,
            (letter) => letter.toUpperCase(),
          )
        : `${rows === 1 ? `1 ${unit} of this SKU has` : `${rows} rows of this SKU add up to`} ${amount}.`;
    const leftOut =
      unsellable === undefined
        ? []
        : [`${quoted(unsellable)} is stock that cannot be sold, and is not added.`];
    return {
      ...row,
      line: { ...row.line, fields: { ...row.line.fields, ...total } },
      warnings: [...(row.warnings ?? []), ...leftOut, told],
    };
  }

  /** The slot of a name, which is created if there is room. */
  #slotOf(name: string): number | undefined {
    if (2 * this.#count >= this.#slots.size) this.#grow();
    const hash = hashOf(name, this.#seed);
    const slot = find(this.#slots, hash);
    const { hashes, rowCounts } = this.#slots;
    if ((rowCounts[slot] ?? 0) > 0) return slot;
    if (this.#count >= this.#skusMax) {
      this.#isFull = true;
      return undefined;
    }
    hashes.set(hash, 3 * slot);
    this.#count += 1;
    return slot;
  }

  #grow(): void {
    const before = this.#slots;
    const after = slotsOf(2 * before.size);
    const moved: [from: number, to: number][] = [];
    for (let slot = 0; slot < before.size; slot += 1) {
      if (before.rowCounts[slot] === 0) continue;
      const hash = before.hashes.subarray(3 * slot, 3 * slot + 3);
      const to = find(after, hash);
      after.hashes.set(hash, 3 * to);
      for (const name of COLUMNS) after[name][to] = before[name][slot] ?? 0;
      if (this.#totals.of(slot) !== undefined) moved.push([slot, to]);
    }
    this.#totals.grow(after.size, moved);
    this.#slots = after;
  }
}

const COLUMNS = [
  'rowCounts',
  'firstRows',
  'firstPlaces',
  'flawedRows',
  'areDifferent',
  'restrictions',
  'days',
  'firsts',
  'firstBackorders',
  'stocks',
  'backorders',
] as const;

type Slots = ReturnType<typeof slotsOf>;

function slotsOf(size: number) {
  return {
    size,
    hashes: new Uint32Array(3 * size),
    /** 0 is a free slot. */
    rowCounts: new Uint32Array(size),
    firstRows: new Uint32Array(size),
    /** A hash of the first row's location; 0 if it names none. */
    firstPlaces: new Uint32Array(size),
    /** The first row whose quantity is unknown; 0 if there is none. */
    flawedRows: new Uint32Array(size),
    areDifferent: new Uint8Array(size),
    /** 1 for none and 1 + its code for a restriction; 0 if no row has a status. */
    restrictions: new Uint8Array(size),
    /** A hash of the day that the rows name; 0 if none does. */
    days: new Uint32Array(size),
    /** The first quantity in stock; NaN if none was given. */
    firsts: new Float64Array(size).fill(Number.NaN),
    /** The same on backorder. */
    firstBackorders: new Float64Array(size).fill(Number.NaN),
    stocks: new Float64Array(size),
    backorders: new Float64Array(size),
  };
}

/** The slot with this hash, or the free one where it belongs. */
function find({ size, hashes, rowCounts }: Slots, hash: Uint32Array): number {
  for (let slot = (hash[0] ?? 0) % size; ; slot = (slot + 1) % size) {
    if (rowCounts[slot] === 0) return slot;
    const at = 3 * slot;
    if (hashes[at] === hash[0] && hashes[at + 1] === hash[1] && hashes[at + 2] === hash[2])
      return slot;
  }
}

function add(sums: Float64Array, slot: number, quantity: number | null | undefined): void {
  sums[slot] = (sums[slot] ?? 0) + (quantity ?? 0);
}

function amountOf({ stock, backorder }: Pick<SkuTotal, 'stock' | 'backorder'>): string {
  return `${stock} in stock and ${backorder} on backorder`;
}

/** Why it is not known whether a row is the total of a SKU, or which one; undefined if it is. */
function unclearTotal(
  { row, kind, ...whole }: SkuTotal,
  parts: Pick<SkuTotal, 'stock' | 'backorder'>,
  unit: RowUnit,
): string | undefined {
  if (kind === 'repeated')
    return `several rows are called the total of this SKU, the last of them ${unit} ${row}. Leave only one.`;
  if (kind === 'named')
    return whole.stock === parts.stock && whole.backorder === parts.backorder
      ? undefined
      : `${unit} ${row} is called the total of this SKU, but ${amountOf(whole)} are not the sum of its other rows, ${amountOf(parts)}. Correct or remove it.`;
  const isTheRest =
    whole.stock === parts.stock - whole.stock &&
    whole.backorder === parts.backorder - whole.backorder;
  return kind === 'unclear' && isTheRest && whole.stock + whole.backorder > 0
    ? `${unit} ${row} names no location and has as much as the other rows of this SKU together, so it may be their total. Write "Total" there if it is, and otherwise where its stock is.`
    : undefined;
}

/** Lines that change the stock or have conditions of their own are not reports of a quantity. */
function isPlain({ stockChange, expectedQuantity, asOfUs }: LineDraft): boolean {
  return stockChange === undefined && expectedQuantity === undefined && asOfUs === undefined;
}

/** What identifies the SKU within the file; its first character says how. */
function nameOf({ skuId, alternatives = [], gtins }: LineDraft): string | undefined {
  if (skuId !== null) {
    // A sku_id and the same with blanks around it most likely name one SKU.
    const names = new Set([skuId, ...alternatives].map(withoutBlanks));
    return `s${[...names].join(NAME_SEPARATOR)}`;
  }
  return gtins.length === 0 ? undefined : `g${Math.min(...gtins)}`;
}

/** Between the `sku_id`s of a row that has several. */
const NAME_SEPARATOR = '\u0000';

/** A GTIN is shown with at least the digits of a UPC-A. */
function shownName(name: string): string {
  const [shown = ''] = name.slice(1).split(NAME_SEPARATOR);
  return name.startsWith('g') ? shown.padStart(12, '0') : shown;
}

function refused(row: FileRow, unit: RowUnit, reason: string): FileRow {
  const { skuId, gtins } = row.line;
  const message = `${unit} ${row.row}: ${reason}`.replace(/^./, (letter) => letter.toUpperCase());
  return { ...row, line: { skuId, gtins, fields: {}, refusal: { message, namesRead: true } } };
}

/** 96 bits by the mixing steps of MurmurHash3, from a random seed. */
function hashOf(name: string, seed: number): Uint32Array {
  let a = seed;
  let b = ~seed;
  let c = seed ^ 0x9e3779b9;
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0xcc9e2d51);
    a ^= a >>> 15;
    b = Math.imul(b ^ code, 0x1b873593);
    b ^= b >>> 13;
    c = Math.imul(c ^ code, 0x85ebca6b);
    c ^= c >>> 16;
  }
  return Uint32Array.of(mixed(a ^ c), mixed(b ^ a), mixed(c ^ b));
}

function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
