import type { Database, Statement } from 'better-sqlite3';
import type { BatchChange } from '../../../domain/batch-decision.ts';
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
/** Values that all rows of a statement share, by name. */
type Shared = Readonly<Record<string, number>>;

/** Appends changes. */
export class ChangeRows {
  readonly #all: MultiRowInsert;
  readonly #ofStock: MultiRowInsert;

  constructor(db: Database) {
    this.#all = appendOf(db, FIELDS);
    this.#ofStock = appendOf(db, [STOCK]);
  }

  /** Appends the changes of a batch, or some of them. Their sequences are consecutive. */
  append(supplierId: number, batchNumber: number, changes: readonly BatchChange[]): void {
    const [first] = changes;
    if (first === undefined) return;
    const values: Value[] = [];
    const isOfStock = changes.every(
      ({ before, after }) => hasStockAlone(before) && hasStockAlone(after),
    );
    for (const { held, previousSequence, before, after } of changes) {
      values.push(held.skuNumber, previousSequence);
      if (isOfStock) {
        values.push(before.quantityInStock, after.quantityInStock);
      } else {
        pushFields(values, before);
        pushFields(values, after);
      }
    }
    const rows = isOfStock ? this.#ofStock : this.#all;
    rows.write(values, (row) => ({ supplierId, batchNumber, first: first.sequence + row }));
  }
}

/** The supplier, the batch and the sequence of the first row are bound once per statement, by name. */
function appendOf(db: Database, fields: readonly string[]): MultiRowInsert {
  const bound = [
    'sku_number',
    'previous_sequence',
    ...fields.map((field) => `before_${field}`),
    ...fields.map((field) => `after_${field}`),
  ];
  return new MultiRowInsert(db, {
    insert: `INSERT INTO changes (supplier_id, batch_number, sequence, ${bound.join(', ')})`,
    width: bound.length,
    sharedOf: (row) => `$supplierId, $batchNumber, $first + ${row}, `,
  });
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

/** A statement that writes rows. */
interface RowShape {
  /** The statement before its rows. */
  readonly insert: string;
  /** How many values each row binds. */
  readonly width: number;
  /** The statement after its rows. */
  readonly tail?: string;
  /** What a row, the n-th of its statement, contains of the values that the statement binds by name, as SQL. */
  readonly sharedOf?: (n: number) => string;
}

/**
 * Writes many rows with few statements, since running a statement costs as much as the rows themselves
 * (docs/decisions/0007).
 */
class MultiRowInsert {
  readonly #width: number;
  readonly #many: Statement<(Value | Shared)[]>;
  readonly #one: Statement<(Value | Shared)[]>;

  constructor(db: Database, shape: RowShape) {
    this.#width = shape.width;
    this.#many = db.prepare(sqlOf(shape, ROWS_PER_STATEMENT));
    this.#one = db.prepare(sqlOf(shape, 1));
  }

  /**
   * Writes rows, given the concatenation of their values.
   *
   * @param sharedFrom the values by name of a statement whose first row has this index
   */
  write(values: readonly Value[], sharedFrom?: (row: number) => Shared): void {
    const run = (statement: Statement<(Value | Shared)[]>, at: number, count: number): void => {
      const own = values.slice(at, at + count * this.#width);
      if (sharedFrom === undefined) statement.run(...own);
      else statement.run(...own, sharedFrom(at / this.#width));
    };
    const step = this.#width * ROWS_PER_STATEMENT;
    let at = 0;
    for (; at + step <= values.length; at += step) run(this.#many, at, ROWS_PER_STATEMENT);
    for (; at < values.length; at += this.#width) run(this.#one, at, 1);
  }
}

function sqlOf({ insert, width, tail = '', sharedOf = () => '' }: RowShape, count: number): string {
  const own = Array(width).fill('?').join(', ');
  const rows = Array.from({ length: count }, (_, n) => `(${sharedOf(n)}${own})`);
  return `${insert} VALUES ${rows.join(', ')} ${tail}`;
}
