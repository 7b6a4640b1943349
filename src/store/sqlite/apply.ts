import type { Database, Statement } from 'better-sqlite3';
import { decide } from '../../domain/decide.ts';
import { GTIN_FORMS } from '../../domain/gtin.ts';
import { NOTHING_KNOWN, sameInventory, type Inventory } from '../../domain/inventory.ts';
import { CANDIDATES_NAMED_MAX } from '../../domain/limits.ts';
import { gtinsOfLine, skuIdCanExist, type Lines } from '../../domain/lines.ts';
import type { Batch, BatchOutcome, BatchSource } from '../store.ts';
import { ChangeRows, InventoryRows } from './inventory-rows.ts';
import type { Memory, RememberedInventory } from './memory.ts';
import { skuKey } from './schema.ts';
import { newUuid } from './uuids.ts';

/** A supplier's row, as the group found it and as it will leave it. */
interface Head {
  skuCount: number;
  lastSequence: number;
  lastBatchNumber: number;
}

/** A SKU that the group has touched. */
interface Held {
  readonly key: number;
  readonly supplierId: number;
  readonly skuNumber: number;
  /** What its row holds. */
  readonly stored: Inventory;
  inventory: Inventory;
  lastSequence: number;
  /** What the current batch found, where it has touched the SKU. */
  beforeBatch: Inventory | undefined;
  /** Whether its row must be written. */
  dirty: boolean;
}

export interface BatchOrigin {
  readonly supplierId: number;
  readonly source: BatchSource;
  readonly userId: number | null;
}

const FOUND = 200;
const NOT_FOUND = 404;
const AMBIGUOUS = 422;

/**
 * SKUs of a supplier that hold a GTIN and so many others, oldest first. The limit matters: a
 * placeholder GTIN may stand on every SKU of a catalogue.
 */
function selectHolders(others: number): string {
  const alsoHolds = `
    AND EXISTS (SELECT 1 FROM gtins AS other
      WHERE other.supplier_id = ? AND other.gtin = ? AND other.sku_number = gtins.sku_number)`;
  return `SELECT sku_number FROM gtins WHERE supplier_id = ? AND gtin = ? ${alsoHolds.repeat(others)}
    ORDER BY sku_number LIMIT ${CANDIDATES_NAMED_MAX}`;
}

type InventoryRow = [
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
  lastSequence: number,
];

/**
 * Applies batches to the database, inside a transaction that the caller opens and commits: resolve
 * the SKUs that lines name, decide line by line, then write what really changed. Prepared once a
 * connection.
 */
export class Applier {
  readonly #memory: Memory;
  readonly #headOf: Statement<[number], [number, number, number]>;
  readonly #numberOfSkuId: Statement<[number, string], [number]>;
  /** Element *n* - 1 finds the SKUs that hold all of *n* GTINs. */
  readonly #numbersOfGtins: readonly Statement<number[], [number]>[];
  readonly #holdsGtin: Statement<[number, number, number], [number]>;
  readonly #skuIdOf: Statement<[number], [string]>;
  readonly #inventoryOf: Statement<[number], InventoryRow>;
  readonly #inventoryRows: InventoryRows;
  readonly #changeRows: ChangeRows;
  readonly #appendBatch: Statement<(number | string | null)[]>;
  readonly #updateHead: Statement<[number, number, number, number]>;

  /** What the transaction under way has read and not yet written. */
  readonly #heads = new Map<number, Head>();
  readonly #held = new Map<number, Held>();
  /** The SKUs that the batch under way has touched, in the order of their first line. */
  readonly #touched: Held[] = [];

  constructor(db: Database, memory: Memory) {
    this.#memory = memory;
    this.#headOf = db
      .prepare<[number], [number, number, number]>(
        'SELECT sku_count, last_sequence, last_batch_number FROM suppliers WHERE id = ?',
      )
      .raw();
    this.#numberOfSkuId = db
      .prepare<[number, string], [number]>(
        'SELECT key & 0xffffffff FROM skus WHERE supplier_id = ? AND sku_id = ?',
      )
      .raw();
    this.#numbersOfGtins = GTIN_FORMS.map((_, others) =>
      db.prepare<number[], [number]>(selectHolders(others)).raw(),
    );
    this.#holdsGtin = db
      .prepare<[number, number, number], [number]>(
        'SELECT 1 FROM gtins WHERE supplier_id = ? AND gtin = ? AND sku_number = ?',
      )
      .raw();
    this.#skuIdOf = db.prepare<[number], [string]>('SELECT sku_id FROM skus WHERE key = ?').raw();
    this.#inventoryOf = db
      .prepare<[number], InventoryRow>(
        `SELECT quantity_in_stock, quantity_on_backorder, backorder_date, restrictions, last_sequence
         FROM inventory WHERE key = ?`,
      )
      .raw();
    this.#inventoryRows = new InventoryRows(db);
    this.#changeRows = new ChangeRows(db);
    this.#appendBatch = db.prepare<(number | string | null)[]>(
      'INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#updateHead = db.prepare<[number, number, number, number]>(
      'UPDATE suppliers SET sku_count = ?, last_sequence = ?, last_batch_number = ? WHERE id = ?',
    );
  }

  /** Forgets what an earlier transaction held: to be called when one begins. */
  begin(): void {
    this.#heads.clear();
    this.#held.clear();
    this.#touched.length = 0;
    this.#changeRows.clear();
  }

  /** Applies one batch of lines; its changes are written, its SKUs' rows when `flush` is called. */
  applyLines(batch: Batch, nowMs: number): BatchOutcome {
    const { lines, supplierId } = batch;
    const statuses = new Uint16Array(lines.count);
    const candidates = new Map<number, readonly string[]>();
    for (let i = 0; i < lines.count; i += 1) {
      const matches = this.#resolve(supplierId, lines, i);
      const [skuNumber] = matches;
      if (skuNumber === undefined) {
        statuses[i] = NOT_FOUND;
      } else if (matches.length > 1) {
        statuses[i] = AMBIGUOUS;
        candidates.set(i, this.#skuIds(supplierId, matches));
      } else {
        const held = this.hold(supplierId, skuNumber);
        this.touch(held, decide(held.inventory, lines, i));
        statuses[i] = FOUND;
      }
    }
    this.endBatch(batch, lines.count, nowMs);
    return { statuses, candidates };
  }

  /**
   * The numbers of the SKUs that line `i` matches: its `sku_id` where given, and every GTIN it names.
   * At most as many as a verdict names.
   */
  #resolve(supplierId: number, lines: Lines, i: number): readonly number[] {
    const gtins = gtinsOfLine(lines, i);
    const skuId = lines.skuIds[i] ?? null;
    if (skuId !== null) {
      const skuNumber = this.#skuNumberOf(supplierId, skuId);
      if (skuNumber === undefined) return [];
      return gtins.every((gtin) => this.#holds(supplierId, gtin, skuNumber)) ? [skuNumber] : [];
    }
    return gtins.length === 1
      ? this.#holdersOfOne(supplierId, gtins[0] ?? 0)
      : this.#holdersOfAll(supplierId, gtins);
  }

  #holdersOfOne(supplierId: number, gtin: number): readonly number[] {
    const known = this.#memory.gtins.find(supplierId, String(gtin));
    if (known !== undefined) return [known];
    const holders = this.#holdersOfAll(supplierId, [gtin]);
    const [only, another] = holders;
    if (only !== undefined && another === undefined) {
      this.#memory.gtins.add(supplierId, String(gtin), only);
    }
    return holders;
  }

  #holdersOfAll(supplierId: number, gtins: Iterable<number>): readonly number[] {
    const parameters: number[] = [];
    for (const gtin of gtins) parameters.push(supplierId, gtin);
    const holders = this.#numbersOfGtins[parameters.length / 2 - 1];
    return holders === undefined ? [] : holders.all(...parameters).map(([number]) => number);
  }

  /** As the database or the memory of it knows: only what is committed may be remembered. */
  #skuNumberOf(supplierId: number, skuId: string): number | undefined {
    const known = this.#memory.skuIds.find(supplierId, skuId);
    if (known !== undefined) return known;
    const found = this.findSkuNumber(supplierId, skuId);
    if (found !== undefined) this.#memory.skuIds.add(supplierId, skuId, found);
    return found;
  }

  findSkuNumber(supplierId: number, skuId: string): number | undefined {
    return skuIdCanExist(skuId) ? this.#numberOfSkuId.get(supplierId, skuId)?.[0] : undefined;
  }

  #holds(supplierId: number, gtin: number, skuNumber: number): boolean {
    return (
      this.#memory.gtins.find(supplierId, String(gtin)) === skuNumber ||
      this.#holdsGtin.get(supplierId, gtin, skuNumber) !== undefined
    );
  }

  #skuIds(supplierId: number, skuNumbers: readonly number[]): readonly string[] {
    return skuNumbers.map((skuNumber) => {
      const row = this.#skuIdOf.get(skuKey(supplierId, skuNumber));
      if (row === undefined)
        throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no row`);
      return row[0];
    });
  }

  /** A SKU as the transaction under way sees it. */
  hold(supplierId: number, skuNumber: number): Held {
    const key = skuKey(supplierId, skuNumber);
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const { inventory, lastSequence } =
      this.#memory.inventory(key) ?? this.#readInventory(supplierId, skuNumber);
    return this.#keep({
      key,
      supplierId,
      skuNumber,
      stored: inventory,
      inventory,
      lastSequence,
      beforeBatch: undefined,
      dirty: false,
    });
  }

  #readInventory(supplierId: number, skuNumber: number): RememberedInventory {
    const row = this.#inventoryOf.get(skuKey(supplierId, skuNumber));
    if (row === undefined)
      throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no inventory`);
    return {
      inventory: {
        quantityInStock: row[0],
        quantityOnBackorder: row[1],
        backorderDate: row[2],
        restrictions: row[3],
      },
      lastSequence: row[4],
    };
  }

  /** A SKU that the transaction under way has just created. */
  holdNew(supplierId: number, skuNumber: number): Held {
    return this.#keep({
      key: skuKey(supplierId, skuNumber),
      supplierId,
      skuNumber,
      stored: NOTHING_KNOWN,
      inventory: NOTHING_KNOWN,
      lastSequence: 0,
      beforeBatch: undefined,
      dirty: false,
    });
  }

  #keep(held: Held): Held {
    this.#held.set(held.key, held);
    return held;
  }

  /** Sets what a SKU's inventory is after a line of the batch under way. */
  touch(held: Held, next: Inventory): void {
    if (held.beforeBatch === undefined) {
      if (next === held.inventory) return;
      held.beforeBatch = held.inventory;
      this.#touched.push(held);
    }
    held.inventory = next;
  }

  /** The supplier's row as the transaction under way sees it. */
  head(supplierId: number): Head {
    const known = this.#heads.get(supplierId);
    if (known !== undefined) return known;
    const row = this.#headOf.get(supplierId);
    if (row === undefined) throw new Error(`there is no supplier ${supplierId}`);
    const head = { skuCount: row[0], lastSequence: row[1], lastBatchNumber: row[2] };
    this.#heads.set(supplierId, head);
    return head;
  }

  /** Writes the batch's changes and its row. */
  endBatch(origin: BatchOrigin, lineCount: number, nowMs: number): void {
    const head = this.head(origin.supplierId);
    head.lastBatchNumber += 1;
    let changedCount = 0;
    for (const held of this.#touched) {
      const before = held.beforeBatch;
      held.beforeBatch = undefined;
      if (before === undefined || sameInventory(before, held.inventory)) continue;
      head.lastSequence += 1;
      changedCount += 1;
      const place = {
        supplierId: origin.supplierId,
        batchNumber: head.lastBatchNumber,
        sequence: head.lastSequence,
        skuNumber: held.skuNumber,
        previousSequence: held.lastSequence,
      };
      this.#changeRows.add(place, before, held.inventory);
      held.lastSequence = head.lastSequence;
      held.dirty = true;
    }
    this.#touched.length = 0;
    this.#changeRows.write();
    this.#appendBatch.run(
      origin.supplierId,
      head.lastBatchNumber,
      newUuid(nowMs),
      origin.source,
      origin.userId,
      nowMs,
      lineCount,
      changedCount,
    );
  }

  /**
   * Writes the rows of all SKUs that changed, once each, in the order of their keys: neighbours share
   * a page, and a page is what a write costs.
   */
  flush(nowMs: number): void {
    const dirty = [...this.#held.values()].filter((held) => held.dirty);
    this.#inventoryRows.write(
      dirty.sort((a, b) => a.key - b.key),
      nowMs,
    );
    for (const [supplierId, head] of this.#heads) {
      this.#updateHead.run(head.skuCount, head.lastSequence, head.lastBatchNumber, supplierId);
    }
  }

  /** Remembers what the transaction read and wrote: to be called once it is committed, and only then. */
  remember(): void {
    for (const [key, { inventory, lastSequence }] of this.#held) {
      this.#memory.rememberInventory(key, inventory, lastSequence);
    }
  }
}
