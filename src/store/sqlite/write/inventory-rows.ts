import type { Database, Statement } from 'better-sqlite3';
import { hasNewerAsOf, hasNewChange, type SkuState } from '../../../domain/batch-decision.ts';
import { NOTHING_KNOWN, type Inventory } from '../../../domain/inventory.ts';

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

/** Updates rows of inventory. */
export class InventoryRows {
  readonly #all: MultiRowInsert;
  readonly #ofStock: MultiRowInsert;
  readonly #asOf: MultiRowInsert;
  readonly #confirm: Statement<[number, number]>;

  constructor(db: Database) {
    this.#all = updateOf(db, FIELDS);
    this.#ofStock = updateOf(db, [STOCK]);
    this.#asOf = updateOf(db, [...FIELDS, AS_OF]);
    this.#confirm = db.prepare(`UPDATE inventory SET ${AS_OF} = ? WHERE key = ?`);
  }

  /**
   * Writes the SKUs that changed, in key order: adjacent SKUs share a page, and pages dominate the cost of
   * a write.
   */
  write(held: readonly (readonly [key: number, sku: SkuState])[], nowMs: number): void {
    const moved = held.filter(([, sku]) => hasNewChange(sku)).sort(([a], [b]) => a - b);
    const all: Value[] = [];
    const ofStock: Value[] = [];
    const asOf: Value[] = [];
    for (const [key, { lastSequence, stored, inventory, asOfUs }] of moved) {
      const isAsOf = typeof asOfUs === 'number';
      const isStockAlone = !isAsOf && differInStockAlone(stored, inventory);
      const values = isAsOf ? asOf : isStockAlone ? ofStock : all;
      values.push(key, lastSequence, nowMs);
      if (isStockAlone) values.push(inventory.quantityInStock);
      else pushFields(values, inventory);
      if (isAsOf) values.push(asOfUs);
    }
    this.#all.write(all);
    this.#ofStock.write(ofStock);
    this.#asOf.write(asOf);
    for (const [key, sku] of held) {
      if (hasNewerAsOf(sku) && typeof sku.asOfUs === 'number') this.#confirm.run(sku.asOfUs, key);
    }
  }
}

/**
 * All rows exist: an upsert is how one statement updates many rows by key. Columns that are not in `fields`
 * keep their values, except `as_of_us`, which is reset to now.
 */
function updateOf(db: Database, fields: readonly string[]): MultiRowInsert {
  const columns = ['last_sequence', 'updated_at_ms', ...fields];
  const updated = [...new Set([...columns, AS_OF])];
  return new MultiRowInsert(db, {
    insert: `INSERT INTO inventory (key, ${columns.join(', ')})`,
    width: 1 + columns.length,
    tail: `ON CONFLICT (key) DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  });
}

function pushFields(values: Value[], inventory: Inventory): void {
  values.push(inventory.quantityInStock, inventory.quantityOnBackorder);
  values.push(inventory.backorderDate, inventory.restrictions);
}

function hasStockAlone(inventory: Inventory): boolean {
  return differInStockAlone(inventory, NOTHING_KNOWN);
}

function differInStockAlone(a: Inventory, b: Inventory): boolean {
  return (
    a.quantityOnBackorder === b.quantityOnBackorder &&
    a.backorderDate === b.backorderDate &&
    a.restrictions === b.restrictions
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
