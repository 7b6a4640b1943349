import type { Database, Statement } from 'better-sqlite3';
import { hasNewerAsOf, hasNewChange, type SkuState } from '../../../domain/batch-decision.ts';
import { NOTHING_KNOWN, type Inventory } from '../../../domain/inventory.ts';
import { MultiRowInsert } from './multi-row-insert.ts';

/*
 * Most suppliers report stock and nothing else: rows of which only the stock differs are written with half
 * the values, since to bind a value costs a tenth of a row.
 */

const STOCK = 'quantity_in_stock';
const AS_OF = 'as_of_us';
/** The columns of inventory's fields, in the order of `pushFields`. */
const FIELDS = [STOCK, 'quantity_on_backorder', 'backorder_date', 'restrictions'];

type Value = number | null;

/** One change, but for its before and after. */
export interface ChangePlace {
  readonly supplierId: number;
  readonly batchNumber: number;
  readonly sequence: number;
  readonly skuNumber: number;
  readonly previousSequence: number;
}

/** Gathers changes and appends them. */
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

  /** Writes what was gathered. */
  write(): void {
    this.#all.write(this.#values);
    this.#ofStock.write(this.#stockValues);
    this.clear();
  }

  /** Drops what was gathered and not written. */
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
   * Writes those of the SKUs that changed, in the order of their keys: neighbours share a page, and a page
   * is what a write costs.
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
 * The rows are there: an insert that meets them is how one statement updates many by their keys. What is
 * left out of `fields` stays, but for the time of when it is: that is now, unless it is among them.
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
