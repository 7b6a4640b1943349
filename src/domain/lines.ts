import type { Inventory } from './inventory.ts';
import { SKU_ID_CODE_POINTS_MAX } from './limits.ts';

/**
 * Lines in columns.
 *
 * A batch crosses a thread or a database driver as arrays of numbers: a hundred thousand objects
 * would cost more to hand over than to apply. Element *i* of each column belongs to line *i*.
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
}

export type FieldColumns = Readonly<Record<keyof Inventory, Int32Array>>;

/** A field that the line leaves as it is. */
export const NOT_GIVEN = -2;
/** A field that the line sets to null. */
export const GIVEN_NULL = -1;

/** One line as it is handed to `LinesBuilder`: fields left out are not given. */
export interface LineDraft {
  readonly skuId: string | null;
  readonly gtins: readonly number[];
  readonly fields: Partial<Inventory>;
}

/** Gathers lines into columns; `size` is how many lines may come at most. */
export class LinesBuilder {
  #count = 0;
  readonly #skuIds: (string | null)[] = [];
  readonly #gtins: number[] = [];
  readonly #gtinEnds: Uint32Array;
  readonly #fields: FieldColumns;

  constructor(size: number) {
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
    this.#count += 1;
  }

  build(): Lines {
    const isFull = this.#count === this.#gtinEnds.length;
    const filled = (column: Int32Array): Int32Array =>
      isFull ? column : column.slice(0, this.#count);
    const { quantityInStock, quantityOnBackorder, backorderDate, restrictions } = this.#fields;
    return {
      count: this.#count,
      skuIds: this.#skuIds,
      gtins: Float64Array.from(this.#gtins),
      gtinEnds: isFull ? this.#gtinEnds : this.#gtinEnds.slice(0, this.#count),
      fields: {
        quantityInStock: filled(quantityInStock),
        quantityOnBackorder: filled(quantityOnBackorder),
        backorderDate: filled(backorderDate),
        restrictions: filled(restrictions),
      },
    };
  }
}

function encodeField(value: number | null | undefined): number {
  if (value === undefined) return NOT_GIVEN;
  return value === null ? GIVEN_NULL : value;
}

/** The GTINs that line `i` names, in no particular order. */
export function gtinsOfLine(lines: Lines, i: number): Float64Array {
  return lines.gtins.subarray(i === 0 ? 0 : (lines.gtinEnds[i - 1] ?? 0), lines.gtinEnds[i] ?? 0);
}

/**
 * Whether a SKU with this `sku_id` can exist. None is ever created with NUL or a lone surrogate
 * (databases differ in what they make of them), so a line naming one need not ask the store.
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
