import type { Database, Statement } from 'better-sqlite3';
import type { BatchOrigin } from '../../../domain/batches.ts';
import { encodeProductChanges, type ProductChange } from '../../sql/product-changes.ts';
import {
  gtinsOf,
  PRODUCT_COLUMNS,
  productOf,
  type ProductOfItem,
  type ProductRow,
  productValues,
} from '../../sql/products.ts';
import type { WriterInventory } from '../recent/writer-inventory.ts';
import { skuKey } from '../schema/migrations.ts';

interface SkuRow extends ProductRow {
  readonly uuid: string;
  readonly sku_id: string;
}

type Value = string | number | null;

/** A SKU by its supplier and its number there. */
export interface SkuPlace {
  readonly supplierId: number;
  readonly skuNumber: number;
}

interface UpdatedSku extends SkuPlace {
  readonly wasRetired?: boolean;
  readonly isRetired?: boolean;
}

const NO_GTINS: ReadonlySet<number> = new Set();

/** Writes the products of SKUs and their GTINs. */
export class ProductRows {
  readonly #inventory: WriterInventory;
  readonly #skuOf: Statement<[number], SkuRow>;
  readonly #insertSku: Statement<Value[]>;
  readonly #insertInventory: Statement<[number, number]>;
  readonly #updateSku: Statement<Value[]>;
  readonly #markUpdated: Statement<[number, number]>;
  readonly #insertChanges: Statement<[number, number, number, Uint8Array, Uint8Array | null]>;
  readonly #insertGtin: Statement<[number, number, number]>;
  readonly #deleteGtin: Statement<[number, number, number]>;

  constructor(db: Database, inventory: WriterInventory) {
    this.#inventory = inventory;
    const columns = PRODUCT_COLUMNS.join(', ');
    this.#skuOf = db.prepare<[number], SkuRow>(
      `SELECT uuid, sku_id, ${columns} FROM skus WHERE key = ?`,
    );
    this.#insertSku = db.prepare<Value[]>(
      `INSERT INTO skus (key, supplier_id, sku_id, uuid, created_at_ms, ${columns})
       VALUES (?, ?, ?, ?, ?${', ?'.repeat(PRODUCT_COLUMNS.length)})`,
    );
    this.#insertInventory = db.prepare<[number, number]>(
      'INSERT INTO inventory (key, last_sequence, updated_at_ms) VALUES (?, 0, ?)',
    );
    this.#updateSku = db.prepare<Value[]>(
      `UPDATE skus SET ${PRODUCT_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE key = ?`,
    );
    this.#markUpdated = db.prepare<[number, number]>(
      // Updating the product must not change the inventory's timestamp.
      `UPDATE inventory SET as_of_us = coalesce(as_of_us, updated_at_ms * 1000), updated_at_ms = ?
       WHERE key = ?`,
    );
    this.#insertChanges = db.prepare('INSERT INTO product_changes VALUES (?, ?, ?, ?, ?)');
    this.#insertGtin = db.prepare<[number, number, number]>('INSERT INTO gtins VALUES (?, ?, ?)');
    this.#deleteGtin = db.prepare<[number, number, number]>(
      'DELETE FROM gtins WHERE supplier_id = ? AND gtin = ? AND sku_number = ?',
    );
  }

  read({ supplierId, skuNumber }: SkuPlace): SkuRow {
    const row = this.#skuOf.get(skuKey(supplierId, skuNumber));
    if (row === undefined) throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no row`);
    return row;
  }

  insert(
    sku: SkuPlace & { readonly skuId: string; readonly uuid: string },
    product: ProductOfItem,
    nowMs: number,
  ): void {
    const { supplierId, skuId, uuid } = sku;
    const key = skuKey(supplierId, sku.skuNumber);
    this.#insertSku.run(key, supplierId, skuId, uuid, nowMs, ...productValues(product));
    this.#insertInventory.run(key, nowMs);
    this.#replaceGtins(sku, NO_GTINS, gtinsOf(product.product));
  }

  /**
   * Replaces the product of a SKU, whose product was `row`, and its GTINs: those of retired SKUs cannot be found.
   *
   * @param product undefined if it stays
   */
  update(
    { wasRetired = false, isRetired = false, ...sku }: UpdatedSku,
    row: ProductRow,
    product: ProductOfItem | undefined,
    nowMs: number,
  ): void {
    const key = skuKey(sku.supplierId, sku.skuNumber);
    if (product !== undefined) {
      this.#updateSku.run(...productValues(product), key);
      this.#inventory.settle(key);
      this.#markUpdated.run(nowMs, key);
    }
    const after = product?.product ?? productOf(row);
    this.#replaceGtins(
      sku,
      wasRetired ? NO_GTINS : gtinsOf(productOf(row)),
      isRetired ? NO_GTINS : gtinsOf(after),
    );
  }

  /** Records what a batch did to products. */
  record(
    { supplierId, source }: BatchOrigin,
    batchNumber: number,
    nowMs: number,
    changes: readonly ProductChange[],
  ): void {
    if (changes.length === 0) return;
    const { written, undo } = encodeProductChanges(changes, source);
    this.#insertChanges.run(supplierId, batchNumber, nowMs, written, undo);
  }

  #replaceGtins(
    { supplierId, skuNumber }: SkuPlace,
    before: ReadonlySet<number>,
    after: ReadonlySet<number>,
  ): void {
    for (const gtin of before)
      if (!after.has(gtin)) this.#deleteGtin.run(supplierId, gtin, skuNumber);
    for (const gtin of after)
      if (!before.has(gtin)) this.#insertGtin.run(supplierId, gtin, skuNumber);
  }
}
