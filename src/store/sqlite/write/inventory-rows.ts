import type { Database, Statement } from 'better-sqlite3';
import type { Inventory } from '../../../domain/inventory.ts';

/*
 * Most suppliers report only quantities in stock. Rows in which nothing else differs are written with half
 * the values, since binding one value costs a tenth of a row.
 */

const STOCK = 'quantity_in_stock';
const AS_OF = 'as_of_us';
/** The columns of inventory's fields, in the order of `pushFields`. */
const FIELDS = [STOCK, 'quantity_on_backorder', 'backorder_date', 'restrictions'];

type Value = number | null;

/** A change without its inventory before and after. */
export interface ChangePlace {
  readonly supplierId: number;
  readonly batchNumber: number;
  readonly sequence: number;
  readonly skuNumber: number;
  readonly previousSequence: number;
}

/** Collects changes and appends them. */
export class ChangeRows {
  readonly #all: MultiRowInsert;
  readonly #ofStock: MultiRowInsert;
  #values: Value[] = [];
  #stockValues: Value[] = [];

  constructor(db: Database) {
    const place = ['supplier_id', 'batch_number', 'sequence', 'sku_number', 'previous_sequence'];
    const columns = (fields: readonly string[]): readonly string[] => [
      ...place,
      ...fields.map((field) => `before_${field}`),
      ...fields.map((field) => `after_${field}`),
    ];
    this.#all = appendOf(db, columns(FIELDS));
    this.#ofStock = appendOf(db, columns([STOCK]));
  }

  add(place: ChangePlace, before: Inventory, after: Inventory): void {
    const isStockAlone = hasStockAlone(before) && hasStockAlone(after);
    const values = isStockAlone ? this.#stockValues : this.#values;
    values.push(place.supplierId, place.batchNumber, place.sequence);
    values.push(place.skuNumber, place.previousSequence);
    if (isStockAlone) {
      values.push(before.quantityInStock, after.quantityInStock);
    } else {
      pushFields(values, before);
      pushFields(values, after);
    }
  }

  /** Writes the collected changes. */
  write(): void {
    this.#all.write(this.#values);
    this.#ofStock.write(this.#stockValues);
    this.clear();
  }

  /** Discards the collected changes. */
  clear(): void {
    this.#values = [];
    this.#stockValues = [];
  }
}

function appendOf(db: Database, columns: readonly string[]): MultiRowInsert {
  const insert = `INSERT INTO changes (${columns.join(', ')})`;
  return new MultiRowInsert(db, { insert, width: columns.length });
}

/** What is written to a row of inventory. */
export interface InventoryRow {
  readonly inventory: Inventory;
  readonly lastSequence: number;
  readonly writtenAtMs: number;
  /** Null: as of `writtenAtMs`. */
  readonly asOfUs?: number | null;
}

/** Brings rows of the inventory table up to date. */
export class InventoryRows {
  readonly #all: MultiRowInsert;
  readonly #ofStock: MultiRowInsert;

  constructor(db: Database) {
    this.#all = updateOf(db, [...FIELDS, AS_OF]);
    this.#ofStock = updateOf(db, [STOCK]);
  }

  /**
   * Writes rows that exist, unless they hold a later sequence already. Pass them in key order: adjacent SKUs share
   * a page, and pages dominate the cost of a write.
   */
  write(rows: Iterable<readonly [key: number, row: InventoryRow]>): void {
    const all: Value[] = [];
    const ofStock: Value[] = [];
    for (const [key, { inventory, lastSequence, writtenAtMs, asOfUs = null }] of rows) {
      const isStockAlone = asOfUs === null && hasStockAlone(inventory);
      const values = isStockAlone ? ofStock : all;
      values.push(key, lastSequence, writtenAtMs);
      if (isStockAlone) {
        values.push(inventory.quantityInStock);
      } else {
        pushFields(values, inventory);
        values.push(asOfUs);
      }
    }
    this.#all.write(all);
    this.#ofStock.write(ofStock);
  }
}

/**
 * All rows exist: an upsert is how one statement updates many rows by key. Columns that are not in `fields` become
 * null.
 */
function updateOf(db: Database, fields: readonly string[]): MultiRowInsert {
  const columns = ['last_sequence', 'updated_at_ms', ...fields];
  const updated = new Set([...columns, ...FIELDS, AS_OF]);
  return new MultiRowInsert(db, {
    insert: `INSERT INTO inventory (key, ${columns.join(', ')})`,
    width: 1 + columns.length,
    tail: `ON CONFLICT (key) DO UPDATE SET ${[...updated].map((name) => `${name} = excluded.${name}`).join(', ')}
      WHERE excluded.last_sequence > inventory.last_sequence`,
  });
}

function pushFields(values: Value[], inventory: Inventory): void {
  values.push(inventory.quantityInStock, inventory.quantityOnBackorder);
  values.push(inventory.backorderDate, inventory.restrictions);
}

function hasStockAlone(inventory: Inventory): boolean {
  return (
    inventory.quantityOnBackorder === null &&
    inventory.backorderDate === null &&
    inventory.restrictions === null
  );
}

/** Measured: more rows per statement gain nothing. */
const ROWS_PER_STATEMENT = 40;

/** The statement before its rows, the number of values per row, and the statement after them. */
interface RowShape {
  readonly insert: string;
  readonly width: number;
  readonly tail?: string;
}

/**
 * Writes many rows with few statements, since running a statement costs as much as the rows themselves
 * (docs/decisions/0007).
 */
class MultiRowInsert {
  readonly #width: number;
  readonly #many: Statement<Value[]>;
  readonly #one: Statement<Value[]>;

  constructor(db: Database, shape: RowShape) {
    this.#width = shape.width;
    this.#many = db.prepare<Value[]>(sqlOf(shape, ROWS_PER_STATEMENT));
    this.#one = db.prepare<Value[]>(sqlOf(shape, 1));
  }

  /** Writes rows, given the concatenation of their values. */
  write(values: readonly Value[]): void {
    const step = this.#width * ROWS_PER_STATEMENT;
    let at = 0;
    for (; at + step <= values.length; at += step) {
      this.#many.run(...values.slice(at, at + step));
    }
    for (; at < values.length; at += this.#width) {
      this.#one.run(...values.slice(at, at + this.#width));
    }
  }
}

function sqlOf({ insert, width, tail = '' }: RowShape, count: number): string {
  const row = `(${Array(width).fill('?').join(', ')})`;
  return `${insert} VALUES ${Array(count).fill(row).join(', ')} ${tail}`;
}
