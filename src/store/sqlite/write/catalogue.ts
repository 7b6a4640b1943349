import type { Database, Statement } from 'better-sqlite3';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { decideFields } from '../../../domain/decide.ts';
import type {
  CatalogueEntry,
  CatalogueBatch,
  CatalogueOutcome,
  EntryOutcome,
} from '../../../domain/catalogue.ts';
import {
  gtinsOf,
  newProduct,
  PRODUCT_COLUMNS,
  productOf,
  type ProductRow,
  productValues,
  rewrittenProduct,
} from '../../sql/products.ts';
import type { WriterInventory } from '../recent/writer-inventory.ts';
import type { Applier } from './apply.ts';
import { skuKey } from '../schema/migrations.ts';
import type { TransactionSkus } from './transaction-skus.ts';
import { newUuid } from '../../uuids.ts';

interface SkuRow extends ProductRow {
  readonly uuid: string;
}

type Value = string | number | null;

/** Creates and updates SKUs, in the same transaction and by the same rules as `Applier`. */
export class CatalogueApplier {
  readonly #applier: Applier;
  readonly #stock: TransactionSkus;
  readonly #inventory: WriterInventory;
  readonly #skuOf: Statement<[number], SkuRow>;
  readonly #supplierUuidOf: Statement<[number], [string]>;
  readonly #insertSku: Statement<Value[]>;
  readonly #insertInventory: Statement<[number, number]>;
  readonly #updateSku: Statement<Value[]>;
  readonly #markUpdated: Statement<[number, number]>;
  readonly #insertGtin: Statement<[number, number, number]>;
  readonly #deleteGtin: Statement<[number, number, number]>;

  constructor(db: Database, applier: Applier, inventory: WriterInventory) {
    this.#applier = applier;
    this.#stock = applier.stock;
    this.#inventory = inventory;
    const columns = PRODUCT_COLUMNS.join(', ');
    this.#skuOf = db.prepare<[number], SkuRow>(`SELECT uuid, ${columns} FROM skus WHERE key = ?`);
    this.#supplierUuidOf = db
      .prepare<[number], [string]>('SELECT uuid FROM organizations WHERE id = ?')
      .raw();
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
    this.#insertGtin = db.prepare<[number, number, number]>('INSERT INTO gtins VALUES (?, ?, ?)');
    this.#deleteGtin = db.prepare<[number, number, number]>(
      'DELETE FROM gtins WHERE supplier_id = ? AND gtin = ? AND sku_number = ?',
    );
  }

  /** Applies one batch of entries. As with lines, `Applier.flush` writes the inventory. */
  apply(batch: CatalogueBatch, nowMs: number): CatalogueOutcome {
    const startedMs = performance.now();
    const decision = new BatchDecision(nowMs);
    const entries = batch.entries.map((entry) => this.#applyEntry(batch, entry, decision, nowMs));
    if (entries.every(({ outcome }) => outcome === 'refused')) return { batchUuid: null, entries };
    const lineCount = batch.entries.length;
    const summary = { appliedAtMs: nowMs, startedMs, lineCount };
    const { uuid } = this.#applier.endBatch(batch, decision, summary);
    return { batchUuid: uuid, entries };
  }

  #applyEntry(
    batch: CatalogueBatch,
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { outcome: EntryOutcome; uuid: string } {
    const skuNumber = this.#stock.findSkuNumber(batch.supplierId, entry.skuId);
    if (skuNumber === undefined) return this.#create(batch.supplierId, entry, decision, nowMs);
    const key = skuKey(batch.supplierId, skuNumber);
    const row = this.#skuOf.get(key);
    if (row === undefined)
      throw new Error(`SKU ${skuNumber} of supplier ${batch.supplierId} has no row`);
    if (batch.existing === 'refuse') return { outcome: 'refused', uuid: row.uuid };

    const held = this.#stock.skuState(batch.supplierId, skuNumber);
    const inventory = decideFields(held.inventory, entry.inventory);
    const hasNewChange = inventory !== held.inventory;
    decision.touch(held, inventory);

    const rewritten = rewrittenProduct(row, entry, () => this.#supplierUuid(batch.supplierId));
    if (rewritten !== undefined) {
      this.#updateSku.run(...productValues(rewritten), key);
      this.#inventory.settle(key);
      this.#markUpdated.run(nowMs, key);
      const [before, after] = [gtinsOf(productOf(row)), gtinsOf(rewritten.product)];
      this.#replaceGtins(batch.supplierId, skuNumber, before, after);
    }
    return {
      outcome: hasNewChange || rewritten !== undefined ? 'updated' : 'unchanged',
      uuid: row.uuid,
    };
  }

  #create(
    supplierId: number,
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { outcome: EntryOutcome; uuid: string } {
    const head = this.#stock.head(supplierId);
    head.skuCount += 1;
    const skuNumber = head.skuCount;
    const key = skuKey(supplierId, skuNumber);
    const uuid = newUuid(nowMs);
    const made = newProduct(entry, () => this.#supplierUuid(supplierId));
    this.#insertSku.run(key, supplierId, entry.skuId, uuid, nowMs, ...productValues(made));
    this.#insertInventory.run(key, nowMs);
    this.#replaceGtins(supplierId, skuNumber, new Set(), gtinsOf(made.product));
    const held = this.#stock.holdNew(supplierId, skuNumber);
    decision.touch(held, decideFields(held.inventory, entry.inventory));
    return { outcome: 'created', uuid };
  }

  #supplierUuid(supplierId: number): string {
    const supplier = this.#supplierUuidOf.get(supplierId);
    if (supplier === undefined) throw new Error(`no supplier ${supplierId}`);
    return supplier[0];
  }

  #replaceGtins(
    supplierId: number,
    skuNumber: number,
    before: ReadonlySet<number>,
    after: ReadonlySet<number>,
  ): void {
    for (const gtin of before)
      if (!after.has(gtin)) this.#deleteGtin.run(supplierId, gtin, skuNumber);
    for (const gtin of after)
      if (!before.has(gtin)) this.#insertGtin.run(supplierId, gtin, skuNumber);
  }
}
