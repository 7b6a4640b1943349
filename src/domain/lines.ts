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
  /** What the lines demand of the SKU before they apply; null where none demands anything. */
  readonly conditions: ConditionColumns | null;
  /**
   * Adjacent lines of the same number, from 1, stand or fall together; 0 stands alone. Null where no line
   * belongs to a group.
   */
  readonly groups: Uint32Array | null;
  /** Lines that were refused before they got here, by their place. They may name SKUs; they set nothing. */
  readonly refusals: ReadonlyMap<number, LineRefusal>;
  /** How line *i* was given its identifiers, by `encodeAsSent`; null where that is `skuIds[i]` alone, as a text. */
  readonly asSent: readonly (string | null)[];
}

/** Why a line cannot be read. */
export interface LineRefusal {
  /** Names every faulty member: what was wrong, and what is allowed. */
  readonly message: string;
  /** Whether it could be told which SKU it means; where not, nobody knows what it leaves unsaid. */
  readonly namesRead: boolean;
}

/** Conditions of lines: `NO_CONDITION`s of each column stand for lines that do not have it. */
export interface ConditionColumns {
  /** Of when the line's report is, in microseconds since 1970-01-01T00:00Z; NaN where it does not say. */
  readonly asOfUs: Float64Array;
  /** What must be in stock before: a quantity, `GIVEN_NULL` or `NOT_GIVEN`. */
  readonly expectedQuantities: Int32Array;
  /** What is added to the stock, or `NO_STOCK_CHANGE`. */
  readonly stockChanges: Int32Array;
}

/** A line that sets its stock absolutely, or not at all: below every change that can be told. */
export const NO_STOCK_CHANGE = -2_147_483_648;

/** Identifiers as they were sent: a text, or the digits of a number in an array of one. */
export type AsSent = Readonly<Record<string, string | readonly [digits: string]>>;

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
  readonly asOfUs?: number | undefined;
  readonly expectedQuantity?: number | null | undefined;
  readonly stockChange?: number | undefined;
  /** The number of its group, from 1. */
  readonly group?: number | undefined;
  readonly refusal?: LineRefusal | undefined;
  /** Where it names more than a `sku_id` given as a text. */
  readonly asSent?: AsSent | undefined;
}

/** Gathers lines into columns; `size` is how many lines may come at most. */
export class LinesBuilder {
  readonly #size: number;
  #count = 0;
  readonly #skuIds: (string | null)[] = [];
  readonly #gtins: number[] = [];
  readonly #gtinEnds: Uint32Array;
  readonly #fields: FieldColumns;
  /** Made with the first line that needs it. */
  #conditions: ConditionColumns | null = null;
  #groups: Uint32Array | null = null;
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
      refusals: this.#refusals,
      asSent: this.#asSent,
    };
  }
}

function encodeField(value: number | null | undefined): number {
  if (value === undefined) return NOT_GIVEN;
  return value === null ? GIVEN_NULL : value;
}

/** Identifiers as they were sent, in few characters: most batches have many and need few again. */
function encodeAsSent(asSent: AsSent): string {
  return JSON.stringify(asSent);
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
