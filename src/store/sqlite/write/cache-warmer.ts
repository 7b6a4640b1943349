import type { Database, Statement } from 'better-sqlite3';
import type { InventoryCache } from './inventory-cache.ts';

/** Rows of one step: a few milliseconds, which a waiting batch does not notice. */
const STEP_ROWS = 2000;

type InventoryRow = [
  key: number,
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
  lastSequence: number,
];

/**
 * Fills the cache after a start, step by step between the batches, so that a server is soon as fast as
 * one that has run for days. Stops where the cache is full.
 */
export class CacheWarmer {
  readonly #cache: InventoryCache;
  readonly #skuIdsAfter: Statement<[number, string, number], [number, string, number]>;
  readonly #inventoryAfter: Statement<[number, number], InventoryRow>;
  #lastSkuId: readonly [supplierId: number, skuId: string] | undefined = [0, ''];
  #lastKey: number | undefined = 0;

  constructor(db: Database, cache: InventoryCache) {
    this.#cache = cache;
    this.#skuIdsAfter = db
      .prepare<[number, string, number], [number, string, number]>(
        `SELECT supplier_id, sku_id, key & 0xffffffff FROM skus
         WHERE (supplier_id, sku_id) > (?, ?) ORDER BY supplier_id, sku_id LIMIT ?`,
      )
      .raw();
    this.#inventoryAfter = db
      .prepare<[number, number], InventoryRow>(
        `SELECT key, quantity_in_stock, quantity_on_backorder, backorder_date, restrictions, last_sequence
         FROM inventory WHERE key > ? ORDER BY key LIMIT ?`,
      )
      .raw();
  }

  /** Begins anew: to be called where the cache was dropped. */
  restart(): void {
    this.#lastSkuId = [0, ''];
    this.#lastKey = 0;
  }

  /** Reads the next rows; says whether there may be more. */
  step(): boolean {
    if (this.#lastSkuId !== undefined) this.#lastSkuId = this.#readSkuIds(this.#lastSkuId);
    else if (this.#lastKey !== undefined) this.#lastKey = this.#readInventory(this.#lastKey);
    return this.#lastKey !== undefined;
  }

  #readSkuIds([supplierId, skuId]: readonly [number, string]):
    readonly [number, string] | undefined {
    const rows = this.#skuIdsAfter.all(supplierId, skuId, STEP_ROWS);
    for (const row of rows) {
      if (!this.#cache.skuIds.hasRoomFor(row[1])) return undefined;
      this.#cache.skuIds.add(...row);
    }
    const last = rows.at(-1);
    return last === undefined ? undefined : [last[0], last[1]];
  }

  #readInventory(after: number): number | undefined {
    const rows = this.#inventoryAfter.all(after, STEP_ROWS);
    for (const [
      key,
      quantityInStock,
      quantityOnBackorder,
      backorderDate,
      restrictions,
      last,
    ] of rows) {
      if (!this.#cache.hasRoomFor(key)) return undefined;
      const inventory = { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
      this.#cache.setInventory(key, inventory, last);
    }
    return rows.at(-1)?.[0];
  }
}
