import { randomInt } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { skuKey } from '../src/store/sqlite/schema.ts';
import { skuIdOf, type BenchDatabase } from './catalogue.ts';

const QUANTITY_BOUND = 1_000_000;
const CACHE_KIB = 256 * 1024;
const CHECKPOINT_PAGES = 10_000;

/** What a raw loop does with each line. */
export type RawWork = 'write' | 'look-up';

/**
 * The limit to compare with: a straight loop in one thread on the same schema, one transaction a
 * group of lines, that looks the SKU up, and to write updates its inventory and appends its change.
 * No HTTP, no JSON, no identifiers but sku_id. Gives lines a second.
 */
export function measureRaw(
  database: BenchDatabase,
  groupLines: number,
  totalLines: number,
  work: RawWork,
): number {
  const db = new Sqlite(database.path);
  try {
    db.pragma('synchronous = FULL');
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    const applyLine = work === 'write' ? rawWriter(db, database) : rawReader(db, database);
    const group = db.transaction((lines: readonly number[]) => {
      for (const number of lines) applyLine(number);
    });
    const groups = Array.from({ length: Math.max(1, Math.round(totalLines / groupLines)) }, () =>
      Array.from({ length: groupLines }, () => randomInt(database.skuCount)),
    );
    const startedMs = performance.now();
    for (const lines of groups) group.immediate(lines);
    const tookMs = performance.now() - startedMs;
    leaveConsistent(db);
    return (groups.length * groupLines * 1000) / tookMs;
  } finally {
    db.close();
  }
}

/** The loop counts its sequence by itself: the server that is measured next goes on from there. */
function leaveConsistent(db: Sqlite.Database): void {
  db.exec(
    'UPDATE suppliers SET last_sequence = (SELECT coalesce(max(sequence), 0) FROM changes WHERE supplier_id = suppliers.id)',
  );
}

function rawReader(db: Sqlite.Database, { supplierIds }: BenchDatabase): (number: number) => void {
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

function rawWriter(db: Sqlite.Database, { supplierIds }: BenchDatabase): (number: number) => void {
  const [supplierId = 0] = supplierIds;
  const lookUp = db
    .prepare<
      [number, string],
      [number, number | null, number | null, number | null, number | null, number]
    >(
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
    const quantity = randomInt(QUANTITY_BOUND);
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
