import type { Inventory } from './inventory.ts';

/** Longest `sku_id`, in Unicode code points. */
export const SKU_ID_CODE_POINTS_MAX = 256;

/** Most `sku_id`s that the result of an ambiguous line names. */
export const CANDIDATES_NAMED_MAX = 5;

/**
 * Lines as columns. Element *i* of each column belongs to line *i*.
 *
 * Columns because passing 100,000 objects to a thread or database driver costs more than applying them.
 */
export interface Lines {
  readonly count: number;
  /** The `sku_id` named, or null. */
  readonly skuIds: readonly (string | null)[];
  /** The GTINs named by line *i* are `gtins[gtinEnds[i-1] ?? 0]` … `gtins[gtinEnds[i] - 1]`. */
  readonly gtins: Float64Array;
  readonly gtinEnds: Uint32Array;
  /** Inventory fields: a value, `GIVEN_NULL` or `NOT_GIVEN`. */
  readonly fields: FieldColumns;
  /** Conditions on the SKU; null if no line has any. */
  readonly conditions: ConditionColumns | null;
  /**
   * Groups are numbered from 1: adjacent lines with the same number succeed or fail together. 0 is no group.
   * Null if no line is in a group.
   */
  readonly groups: Uint32Array | null;
  /**
   * Further `sku_id`s of a line, by index: the first that exists counts if the line's own does not. Null if no
   * line has any.
   */
  readonly alternatives: ReadonlyMap<number, readonly string[]> | null;
  /** Lines that could not be read, by index. They may identify SKUs, but set nothing. */
  readonly refusals: ReadonlyMap<number, LineRefusal>;
  /** The identifiers of line *i* as sent, as JSON of `AsSent`; null if the line has only a textual `sku_id`. */
  readonly asSent: readonly (string | null)[];
}

/** Why a line could not be read. */
export interface LineRefusal {
  /** Names every faulty member: what was wrong, and what is allowed. */
  readonly message: string;
  /** Whether all its identifiers were read. If not, the SKU that it was meant for is unknown. */
  readonly namesRead: boolean;
}

/** Conditions of lines. Each column has its own value for lines without the condition. */
export interface ConditionColumns {
  /** The report's timestamp in microseconds since 1970-01-01T00:00Z; NaN if not given. */
  readonly asOfUs: Float64Array;
  /** The quantity in stock that the line expects: a value, `GIVEN_NULL` or `NOT_GIVEN`. */
  readonly expectedQuantities: Int32Array;
  /** The relative change of the quantity in stock, or `NO_STOCK_CHANGE`. */
  readonly stockChanges: Int32Array;
}

/** The line has no relative change. The value is below every valid change. */
export const NO_STOCK_CHANGE = -2_147_483_648;

/** Identifiers as sent: a text, or for a number its digits in an array of one. */
export type AsSent = Readonly<Record<string, string | readonly [digits: string]>>;

export type FieldColumns = Readonly<Record<keyof Inventory, Int32Array>>;

/** A field that the line leaves as it is. */
export const NOT_GIVEN = -2;
/** A field that the line sets to null. */
export const GIVEN_NULL = -1;

/** One line as `LinesBuilder` takes it: fields left out are not given. */
export interface LineDraft {
  readonly skuId: string | null;
  readonly gtins: readonly number[];
  readonly fields: Partial<Inventory>;
  readonly asOfUs?: number | undefined;
  readonly expectedQuantity?: number | null | undefined;
  readonly stockChange?: number | undefined;
  /** The number of its group, from 1. */
  readonly group?: number | undefined;
  readonly refusal?: LineRefusal | undefined;
  /** Further `sku_id`s, as in `Lines.alternatives`. */
  readonly alternatives?: readonly string[] | undefined;
  /** Set unless the line has only a textual `sku_id`. */
  readonly asSent?: AsSent | undefined;
}

/** Collects lines into columns; `size` is the largest number of lines. */
export class LinesBuilder {
  readonly #size: number;
  #count = 0;
  readonly #skuIds: (string | null)[] = [];
  readonly #gtins: number[] = [];
  readonly #gtinEnds: Uint32Array;
  readonly #fields: FieldColumns;
  /** Allocated for the first line that needs it. */
  #conditions: ConditionColumns | null = null;
  #groups: Uint32Array | null = null;
  #alternatives: Map<number, readonly string[]> | null = null;
  readonly #refusals = new Map<number, LineRefusal>();
  readonly #asSent: (string | null)[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#gtinEnds = new Uint32Array(size);
    this.#fields = {
      quantityInStock: new Int32Array(size),
      quantityOnBackorder: new Int32Array(size),
      backorderDate: new Int32Array(size),
      restrictions: new Int32Array(size),
    };
  }

  get count(): number {
    return this.#count;
  }

  add(line: LineDraft): void {
    const i = this.#count;
    this.#skuIds.push(line.skuId);
    for (const gtin of line.gtins) this.#gtins.push(gtin);
    this.#gtinEnds[i] = this.#gtins.length;
    this.#fields.quantityInStock[i] = encodeField(line.fields.quantityInStock);
    this.#fields.quantityOnBackorder[i] = encodeField(line.fields.quantityOnBackorder);
    this.#fields.backorderDate[i] = encodeField(line.fields.backorderDate);
    this.#fields.restrictions[i] = encodeField(line.fields.restrictions);
    this.#asSent.push(line.asSent === undefined ? null : encodeAsSent(line.asSent));
    if (line.refusal !== undefined) this.#refusals.set(i, line.refusal);
    if (line.alternatives !== undefined)
      (this.#alternatives ??= new Map<number, readonly string[]>()).set(i, line.alternatives);
    if (line.group !== undefined) {
      this.#groups ??= new Uint32Array(this.#size);
      this.#groups[i] = line.group;
    }
    this.#addConditions(line, i);
    this.#count += 1;
  }

  #addConditions({ asOfUs, expectedQuantity, stockChange }: LineDraft, i: number): void {
    const has = asOfUs !== undefined || expectedQuantity !== undefined || stockChange !== undefined;
    if (!has) return;
    this.#conditions ??= {
      asOfUs: new Float64Array(this.#size).fill(Number.NaN),
      expectedQuantities: new Int32Array(this.#size).fill(NOT_GIVEN),
      stockChanges: new Int32Array(this.#size).fill(NO_STOCK_CHANGE),
    };
    if (asOfUs !== undefined) this.#conditions.asOfUs[i] = asOfUs;
    this.#conditions.expectedQuantities[i] = encodeField(expectedQuantity);
    if (stockChange !== undefined) this.#conditions.stockChanges[i] = stockChange;
  }

  build(): Lines {
    const isFull = this.#count === this.#size;
    const filled = <C extends { slice(start: number, end: number): C }>(column: C): C =>
      isFull ? column : column.slice(0, this.#count);
    const { quantityInStock, quantityOnBackorder, backorderDate, restrictions } = this.#fields;
    const conditions = this.#conditions;
    return {
      count: this.#count,
      skuIds: this.#skuIds,
      gtins: Float64Array.from(this.#gtins),
      gtinEnds: filled(this.#gtinEnds),
      fields: {
        quantityInStock: filled(quantityInStock),
        quantityOnBackorder: filled(quantityOnBackorder),
        backorderDate: filled(backorderDate),
        restrictions: filled(restrictions),
      },
      conditions: conditions && {
        asOfUs: filled(conditions.asOfUs),
        expectedQuantities: filled(conditions.expectedQuantities),
        stockChanges: filled(conditions.stockChanges),
      },
      groups: this.#groups && filled(this.#groups),
      alternatives: this.#alternatives,
      refusals: this.#refusals,
      asSent: this.#asSent,
    };
  }
}

function encodeField(value: number | null | undefined): number {
  if (value === undefined) return NOT_GIVEN;
  return value === null ? GIVEN_NULL : value;
}

/** Compact, because most batches have many of these and read few of them again. */
function encodeAsSent(asSent: AsSent): string {
  return JSON.stringify(asSent);
}

/**
 * The `sku_id` that line `i` names: its own if `exists` says so, else the first of its alternatives that does,
 * else its own. Null if it names none.
 */
export function skuIdOfLine(
  { skuIds, alternatives }: Lines,
  i: number,
  exists: (skuId: string) => boolean,
): string | null {
  const own = skuIds[i] ?? null;
  const others = alternatives?.get(i);
  if (own === null || others === undefined) return own;
  return [own, ...others].find(exists) ?? own;
}

/** The GTINs of line `i`, in no particular order. */
export function gtinsOfLine(lines: Lines, i: number): Float64Array {
  return lines.gtins.subarray(i === 0 ? 0 : (lines.gtinEnds[i - 1] ?? 0), lines.gtinEnds[i] ?? 0);
}

/**
 * Whether a SKU with this `sku_id` can exist. SKUs are never created with NUL or a lone surrogate, because
 * databases treat them differently; lines with such a `sku_id` fail without a lookup.
 */
export function skuIdCanExist(skuId: string): boolean {
  return skuId.isWellFormed() && !skuId.includes('\0');
}

/** Whether a text has the length of a `sku_id`: 1 to 256 Unicode code points. */
export function skuIdFits(text: string): boolean {
  if (text.length === 0) return false;
  if (text.length <= SKU_ID_CODE_POINTS_MAX) return true;
  return (
    text.length <= 2 * SKU_ID_CODE_POINTS_MAX && Array.from(text).length <= SKU_ID_CODE_POINTS_MAX
  );
}
