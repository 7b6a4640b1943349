import type { PoolClient } from 'pg';
import { BatchDecision, type SkuState } from '../../../domain/batch-decision.ts';
import { decideFields } from '../../../domain/decide.ts';
import { isRetired, NOTHING_KNOWN, RETIRED } from '../../../domain/inventory.ts';
import { skuIdCanExist } from '../../../domain/lines.ts';
import type {
  CatalogueBatch,
  CatalogueEntry,
  CatalogueOutcome,
  EntryOutcome,
} from '../../../domain/catalogue.ts';
import { newProduct, PRODUCT_COLUMNS, rewrittenProduct } from '../../sql/products.ts';
import { newUuid } from '../../uuids.ts';
import { textArray } from '../connection/arrays.ts';
import { joinNumbered, joinSku } from '../lookups.ts';
import { ProductRows, type StoredSku } from './product-rows.ts';
import {
  INVENTORY_COLUMNS,
  SupplierTransaction,
  type InventoryOfSku,
  type PreparedCommit,
} from './transaction.ts';

/** Decides how catalogue entries change a supplier's SKUs, in a transaction that has begun. The caller commits. */
export function applyEntries(
  client: PoolClient,
  batch: CatalogueBatch,
): Promise<PreparedCommit<CatalogueOutcome>> {
  return new CatalogueApplier(new SupplierTransaction(client, batch.supplierId), batch).apply();
}

/** An existing SKU, with its product and inventory. */
interface SkuRow extends StoredSku, InventoryOfSku {
  readonly ordinal: number;
}

interface AppliedEntry {
  readonly outcome: EntryOutcome;
  readonly uuid: string;
}

class CatalogueApplier {
  readonly #transaction: SupplierTransaction;
  readonly #batch: CatalogueBatch;
  readonly #existing = new Map<string, SkuRow>();
  #supplierUuid: string | undefined;
  readonly #products = new ProductRows();

  constructor(transaction: SupplierTransaction, batch: CatalogueBatch) {
    this.#transaction = transaction;
    this.#batch = batch;
  }

  async apply(): Promise<PreparedCommit<CatalogueOutcome>> {
    const transaction = this.#transaction;
    await Promise.all([transaction.state.lock(), this.#load()]);
    const nowMs = Date.now();
    const startedMs = performance.now();
    const decision = new BatchDecision(nowMs);
    const entries = this.#batch.entries.map((entry) => this.#applyEntry(entry, decision, nowMs));
    if (entries.every(({ outcome }) => outcome === 'refused')) {
      return transaction.prepareCommit({ batchUuid: null, entries }, nowMs);
    }
    const numbered = await transaction.numberBatch(decision, nowMs);
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: entries.length };
    transaction.addBatchRow(this.#batch, numbered, summary);
    this.#products.write(transaction.statement, this.#batch, numbered.number, nowMs);
    const created = this.#products.created();
    return transaction.prepareCommit({ batchUuid: numbered.uuid, entries }, nowMs, (held) =>
      created.has(held),
    );
  }

  async #load(): Promise<void> {
    const { client, supplierId } = this.#transaction;
    const skuIds = this.#batch.entries.map(({ skuId }) => skuId).filter(skuIdCanExist);
    const [{ rows }, organizations] = await Promise.all([
      client.query<SkuRow>(
        `SELECT named.ordinal, skus.sku_id, skus.uuid, skus.${PRODUCT_COLUMNS.join(', skus.')}, ${INVENTORY_COLUMNS}
         FROM unnest($2::text[]) WITH ORDINALITY AS named (sku_id, ordinal)
           ${joinSku('sku_id', 'named.sku_id', ['sku_number', 'uuid', ...PRODUCT_COLUMNS])}
           ${joinNumbered('inventory', 'sku_number', 'skus.sku_number')}`,
        [supplierId, textArray(skuIds)],
      ),
      client.query<{ uuid: string }>('SELECT uuid FROM organizations WHERE id = $1', [supplierId]),
    ]);
    this.#supplierUuid = organizations.rows[0]?.uuid;
    for (const row of rows) this.#existing.set(skuIds[row.ordinal - 1] ?? '', row);
  }

  #applyEntry(entry: CatalogueEntry, decision: BatchDecision, nowMs: number): AppliedEntry {
    const row = this.#existing.get(entry.skuId);
    if (row === undefined) {
      if (entry.retires === true) return { outcome: 'refused', uuid: '' };
      return this.#create(entry, decision, nowMs);
    }
    const { uuid } = row;
    const held = this.#transaction.state.addInventory(row);
    if (entry.retires === true) return this.#retire(row, held, decision);
    if (isRetired(held.inventory)) return this.#bringBack(row, held, entry, decision);
    if (this.#batch.existing === 'refuse') return { outcome: 'refused', uuid };

    const inventory = decideFields(held.inventory, entry.inventory);
    const isInventoryChanged = inventory !== held.inventory;
    // A catalogue without inventory does not confirm it.
    if (Object.keys(entry.inventory).length > 0) decision.touch(held, inventory);

    const product = rewrittenProduct(row, entry, () => this.#getSupplierUuid());
    if (product !== undefined) this.#products.update(held, row, product);
    const isUpdated = isInventoryChanged || product !== undefined;
    return { outcome: isUpdated ? 'updated' : 'unchanged', uuid };
  }

  #create(entry: CatalogueEntry, decision: BatchDecision, nowMs: number): AppliedEntry {
    const { state } = this.#transaction;
    state.head.skuCount += 1;
    const held = state.addNewSku(state.head.skuCount);
    const uuid = newUuid(nowMs);
    const product = newProduct(entry, () => this.#getSupplierUuid());
    this.#products.insert({ held, uuid, skuId: entry.skuId, product });
    decision.touch(held, decideFields(held.inventory, entry.inventory));
    return { outcome: 'created', uuid };
  }

  #retire(row: SkuRow, held: SkuState, decision: BatchDecision): AppliedEntry {
    if (isRetired(held.inventory)) return { outcome: 'unchanged', uuid: row.uuid };
    this.#products.update(held, row, undefined, { isRetired: true });
    decision.touch(held, RETIRED);
    return { outcome: 'updated', uuid: row.uuid };
  }

  #bringBack(
    row: SkuRow,
    held: SkuState,
    entry: CatalogueEntry,
    decision: BatchDecision,
  ): AppliedEntry {
    const product = newProduct(entry, () => this.#getSupplierUuid());
    this.#products.update(held, row, product, { wasRetired: true, isCreated: true });
    decision.touch(held, decideFields(NOTHING_KNOWN, entry.inventory));
    return { outcome: 'created', uuid: row.uuid };
  }

  #getSupplierUuid(): string {
    if (this.#supplierUuid === undefined)
      throw new Error(`there is no supplier ${this.#batch.supplierId}`);
    return this.#supplierUuid;
  }
}
