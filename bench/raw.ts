import { randomInt } from 'node:crypto';
import Sqlite, { type Database } from 'better-sqlite3';
import { skuKey } from '../src/store/sqlite/schema/migrations.ts';
import { skuIdOf, type BenchDatabase } from './catalogue.ts';

const QUANTITY_BOUND = 1_000_000;
/** Changes a quantity cheaply. */
const QUANTITY_STEP = 7919;
const CACHE_KIB = 256 * 1024;
const CHECKPOINT_PAGES = 10_000;

/** The work per line. */
export type RawWork = 'write' | 'look-up';

type ApplyLine = (number: number) => void;

/**
 * The limit on SQLite: a plain loop in one thread on the same schema, with one transaction per group of
 * lines. It looks up each SKU, and to write updates its inventory and appends its change. No HTTP, no
 * JSON, no identifiers but sku_id. Stays open, so that its cache is as warm as the server's.
 */
export class RawLoop {
  readonly #database: BenchDatabase;
  readonly #db: Database;
  readonly #lines: Readonly<Record<RawWork, ApplyLine>>;

  constructor(database: BenchDatabase) {
    this.#database = database;
    this.#db = new Sqlite(database.path);
    this.#db.pragma('synchronous = FULL');
    this.#db.pragma(`cache_size = -${CACHE_KIB}`);
    this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#lines = {
      write: rawWriter(this.#db, database),
      'look-up': rawReader(this.#db, database),
    };
  }

  /** Lines per second over `totalLines` random lines. */
  run(work: RawWork, groupLines: number, totalLines: number): number {
    const group = this.#db.transaction((lines: readonly number[]) => {
      for (const number of lines) this.#lines[work](number);
    });
    const groups = Array.from({ length: Math.max(1, Math.round(totalLines / groupLines)) }, () =>
      Array.from({ length: groupLines }, () => randomInt(this.#database.skuCount)),
    );
    const startedMs = performance.now();
    for (const lines of groups) group.immediate(lines);
    return (groups.length * groupLines * 1000) / (performance.now() - startedMs);
  }

  close(): void {
    this.#db.close();
  }
}

function rawReader(db: Database, { supplierIds }: BenchDatabase): ApplyLine {
  const [supplierId = 0] = supplierIds;
  const lookUp = db
    .prepare<[number, string], [number]>(
      'SELECT key FROM skus WHERE supplier_id = ? AND sku_id = ?',
    )
    .raw();
  return (number) => {
    if (lookUp.get(supplierId, skuIdOf(number)) === undefined)
      throw new Error(`SKU ${number} is missing`);
  };
}

type InventoryRow = [
  skuNumber: number,
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
  lastSequence: number,
];

function rawWriter(db: Database, { supplierIds }: BenchDatabase): ApplyLine {
  const [supplierId = 0] = supplierIds;
  const lookUp = db
    .prepare<[number, string], InventoryRow>(
      `SELECT key & 0xffffffff, quantity_in_stock, quantity_on_backorder, backorder_date, restrictions, last_sequence
       FROM skus JOIN inventory USING (key) WHERE supplier_id = ? AND sku_id = ?`,
    )
    .raw();
  const update = db.prepare(
    `UPDATE inventory SET quantity_in_stock = ?, last_sequence = ?, updated_at_ms = ? WHERE key = ?`,
  );
  const append = db.prepare('INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let sequence =
    db
      .prepare<[number], number>('SELECT max(sequence) FROM changes WHERE supplier_id = ?')
      .pluck()
      .get(supplierId) ?? 0;
  const nowMs = Date.now();
  return (number) => {
    const row = lookUp.get(supplierId, skuIdOf(number));
    if (row === undefined) throw new Error(`SKU ${number} is missing`);
    const [skuNumber, inStock, onBackorder, backorderDate, restrictions, previousSequence] = row;
    const quantity = ((inStock ?? 0) + QUANTITY_STEP) % QUANTITY_BOUND;
    sequence += 1;
    update.run(quantity, sequence, nowMs, skuKey(supplierId, skuNumber));
    append.run(
      supplierId,
      sequence,
      skuNumber,
      previousSequence,
      1,
      inStock,
      onBackorder,
      backorderDate,
      restrictions,
      quantity,
      onBackorder,
      backorderDate,
      restrictions,
    );
  };
}
