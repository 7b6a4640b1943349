import type { Database, Statement } from 'better-sqlite3';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { decideFields } from '../../../domain/decide.ts';
import type {
  CatalogueEntry,
  CatalogueBatch,
  CatalogueOutcome,
  EntryOutcome,
} from '../../../domain/catalogue.ts';
import { isRetired, NOTHING_KNOWN, RETIRED } from '../../../domain/inventory.ts';
import type { ProductChange } from '../../sql/product-changes.ts';
import { itemOfRow, newProduct, rewrittenProduct } from '../../sql/products.ts';
import type { Applier } from './apply.ts';
import type { ProductRows, SkuPlace } from './product-rows.ts';
import type { TransactionSkus } from './transaction-skus.ts';
import { newUuid } from '../../uuids.ts';

interface AppliedEntry {
  readonly outcome: EntryOutcome;
  readonly uuid: string;
}

/** Creates, updates and retires SKUs, in the same transaction and by the same rules as `Applier`. */
export class CatalogueApplier {
  readonly #applier: Applier;
  readonly #stock: TransactionSkus;
  readonly #products: ProductRows;
  /** What the current batch does to products. */
  readonly #changes: ProductChange[] = [];
  readonly #supplierUuidOf: Statement<[number], [string]>;

  constructor(db: Database, applier: Applier, products: ProductRows) {
    this.#applier = applier;
    this.#stock = applier.stock;
    this.#products = products;
    this.#supplierUuidOf = db
      .prepare<[number], [string]>('SELECT uuid FROM organizations WHERE id = ?')
      .raw();
  }

  /** Applies one batch of entries. As with lines, `Applier.flush` writes the inventory. */
  apply(batch: CatalogueBatch, nowMs: number): CatalogueOutcome {
    const startedMs = performance.now();
    const decision = new BatchDecision(nowMs);
    this.#changes.length = 0;
    const entries = batch.entries.map((entry) => this.#applyEntry(batch, entry, decision, nowMs));
    if (entries.every(({ outcome }) => outcome === 'refused')) return { batchUuid: null, entries };
    const lineCount = batch.entries.length;
    const summary = { appliedAtMs: nowMs, startedMs, lineCount };
    const prepared = this.#applier.prepare<CatalogueOutcome>(batch, decision, summary, {
      preview: { batchUuid: null, entries },
      write: ({ number, uuid }) => {
        this.#products.record(batch, number, nowMs, this.#changes);
        return { batchUuid: uuid, entries };
      },
    });
    return this.#applier.write(prepared);
  }

  #applyEntry(
    batch: CatalogueBatch,
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): AppliedEntry {
    const { supplierId } = batch;
    const skuNumber = this.#stock.findSkuNumber(supplierId, entry.skuId);
    if (skuNumber === undefined) {
      if (entry.retires === true) return { outcome: 'refused', uuid: '' };
      return this.#create(supplierId, entry, decision, nowMs);
    }
    const sku = { supplierId, skuNumber };
    const held = this.#stock.skuState(supplierId, skuNumber);
    if (entry.retires === true) return this.#retire(sku, decision, nowMs);
    if (isRetired(held.inventory)) return this.#bringBack(sku, entry, decision, nowMs);
    const row = this.#products.read(sku);
    if (batch.existing === 'refuse') return { outcome: 'refused', uuid: row.uuid };

    const inventory = decideFields(held.inventory, entry.inventory);
    const hasNewChange = inventory !== held.inventory;
    // A catalogue without inventory does not confirm it.
    if (Object.keys(entry.inventory).length > 0) decision.touch(held, inventory);

    const rewritten = rewrittenProduct(row, entry, () => this.#supplierUuid(supplierId));
    if (rewritten !== undefined) {
      this.#products.update(sku, row, rewritten, nowMs);
      this.#changes.push({ skuNumber, before: itemOfRow(row), isCreated: false });
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
  ): AppliedEntry {
    const head = this.#stock.head(supplierId);
    head.skuCount += 1;
    const skuNumber = head.skuCount;
    const uuid = newUuid(nowMs);
    const made = newProduct(entry, () => this.#supplierUuid(supplierId));
    this.#products.insert({ supplierId, skuNumber, skuId: entry.skuId, uuid }, made, nowMs);
    this.#changes.push({ skuNumber, before: null, isCreated: true });
    const held = this.#stock.holdNew(supplierId, skuNumber);
    decision.touch(held, decideFields(held.inventory, entry.inventory));
    return { outcome: 'created', uuid };
  }

  #retire(sku: SkuPlace, decision: BatchDecision, nowMs: number): AppliedEntry {
    const held = this.#stock.skuState(sku.supplierId, sku.skuNumber);
    const row = this.#products.read(sku);
    if (isRetired(held.inventory)) return { outcome: 'unchanged', uuid: row.uuid };
    this.#products.update({ ...sku, isRetired: true }, row, undefined, nowMs);
    decision.touch(held, RETIRED);
    return { outcome: 'updated', uuid: row.uuid };
  }

  #bringBack(
    sku: SkuPlace,
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): AppliedEntry {
    const held = this.#stock.skuState(sku.supplierId, sku.skuNumber);
    const row = this.#products.read(sku);
    const made = newProduct(entry, () => this.#supplierUuid(sku.supplierId));
    this.#products.update({ ...sku, wasRetired: true }, row, made, nowMs);
    this.#changes.push({ skuNumber: sku.skuNumber, before: itemOfRow(row), isCreated: true });
    decision.touch(held, decideFields(NOTHING_KNOWN, entry.inventory));
    return { outcome: 'created', uuid: row.uuid };
  }

  #supplierUuid(supplierId: number): string {
    const supplier = this.#supplierUuidOf.get(supplierId);
    if (supplier === undefined) throw new Error(`no supplier ${supplierId}`);
    return supplier[0];
  }
}
