import type { PoolClient } from 'pg';
import { BatchDecision, hasNewChange, type SkuState } from '../../../domain/batch-decision.ts';
import { decideFields } from '../../../domain/decide.ts';
import { skuIdCanExist } from '../../../domain/lines.ts';
import type {
  CatalogueBatch,
  CatalogueEntry,
  CatalogueOutcome,
  EntryOutcome,
} from '../../../domain/catalogue.ts';
import {
  PRODUCT_COLUMNS,
  gtinsOf,
  newProduct,
  productOf,
  productValues,
  rewrittenProduct,
  type ProductOfItem,
  type ProductRow,
} from '../../sql/products.ts';
import { newUuid } from '../../uuids.ts';
import { textArray } from '../connection/arrays.ts';
import { joinNumbered, joinSku } from '../lookups.ts';
import { fieldColumns, updateByKey } from './inventory-rows.ts';
import {
  bigints,
  hasValues,
  integers,
  texts,
  uuids,
  type Column,
  type WriteStatement,
} from './statement.ts';
import { INVENTORY_COLUMNS, SupplierTransaction, type PreparedCommit } from './transaction.ts';

/** Decides how catalogue entries change a supplier's SKUs, in a transaction that has begun. The caller commits. */
export function applyEntries(
  client: PoolClient,
  batch: CatalogueBatch,
): Promise<PreparedCommit<CatalogueOutcome>> {
  return new CatalogueApplier(new SupplierTransaction(client, batch.supplierId), batch).apply();
}

/** An existing SKU, with its product and inventory. */
interface SkuRow extends ProductRow {
  readonly ordinal: number;
  readonly uuid: string;
  readonly sku_number: number;
  readonly quantity_in_stock: number | null;
  readonly quantity_on_backorder: number | null;
  readonly backorder_date: number | null;
  readonly restrictions: number | null;
  readonly last_sequence: number;
}

/** A SKU whose product is inserted or updated. */
interface WrittenSku {
  readonly held: SkuState;
  readonly uuid: string;
  readonly skuId: string;
  readonly product: ProductOfItem;
}

type GtinOfSku = readonly [gtin: number, skuNumber: number];

class CatalogueApplier {
  readonly #transaction: SupplierTransaction;
  readonly #batch: CatalogueBatch;
  readonly #existing = new Map<string, SkuRow>();
  #supplierUuid: string | undefined;
  readonly #created: WrittenSku[] = [];
  readonly #updated: WrittenSku[] = [];
  readonly #addedGtins: GtinOfSku[] = [];
  readonly #removedGtins: GtinOfSku[] = [];

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
    const numbered = transaction.numberBatch(decision, nowMs);
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: entries.length };
    transaction.addBatchRow(this.#batch, numbered, summary);
    this.#write(nowMs);
    const created = new Set(this.#created.map(({ held }) => held));
    return transaction.prepareCommit({ batchUuid: numbered.uuid, entries }, nowMs, (held) =>
      created.has(held),
    );
  }

  async #load(): Promise<void> {
    const { client, supplierId } = this.#transaction;
    const skuIds = this.#batch.entries.map(({ skuId }) => skuId).filter(skuIdCanExist);
    const [{ rows }, organizations] = await Promise.all([
      client.query<SkuRow>(
        `SELECT named.ordinal, skus.uuid, skus.${PRODUCT_COLUMNS.join(', skus.')}, ${INVENTORY_COLUMNS}
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

  #applyEntry(
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { readonly outcome: EntryOutcome; readonly uuid: string } {
    const row = this.#existing.get(entry.skuId);
    if (row === undefined) return this.#create(entry, decision, nowMs);
    const { uuid } = row;
    if (this.#batch.existing === 'refuse') return { outcome: 'refused', uuid };

    const held = this.#transaction.state.addRow([
      row.sku_number,
      row.quantity_in_stock,
      row.quantity_on_backorder,
      row.backorder_date,
      row.restrictions,
      row.last_sequence,
      null,
    ]);
    const inventory = decideFields(held.inventory, entry.inventory);
    const isInventoryChanged = inventory !== held.inventory;
    decision.touch(held, inventory);

    const product = rewrittenProduct(row, entry, () => this.#getSupplierUuid());
    if (product !== undefined) {
      this.#updated.push({ held, uuid, skuId: entry.skuId, product });
      this.#replaceGtins(held, gtinsOf(productOf(row)), gtinsOf(product.product));
    }
    const isUpdated = isInventoryChanged || product !== undefined;
    return { outcome: isUpdated ? 'updated' : 'unchanged', uuid };
  }

  #create(
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { readonly outcome: EntryOutcome; readonly uuid: string } {
    const { state } = this.#transaction;
    state.head.skuCount += 1;
    const held = state.addNewSku(state.head.skuCount);
    const uuid = newUuid(nowMs);
    const product = newProduct(entry, () => this.#getSupplierUuid());
    this.#created.push({ held, uuid, skuId: entry.skuId, product });
    this.#replaceGtins(held, new Set(), gtinsOf(product.product));
    decision.touch(held, decideFields(held.inventory, entry.inventory));
    return { outcome: 'created', uuid };
  }

  #getSupplierUuid(): string {
    if (this.#supplierUuid === undefined)
      throw new Error(`there is no supplier ${this.#batch.supplierId}`);
    return this.#supplierUuid;
  }

  #replaceGtins(
    { skuNumber }: SkuState,
    before: ReadonlySet<number>,
    after: ReadonlySet<number>,
  ): void {
    for (const gtin of before) if (!after.has(gtin)) this.#removedGtins.push([gtin, skuNumber]);
    for (const gtin of after) if (!before.has(gtin)) this.#addedGtins.push([gtin, skuNumber]);
  }

  #write(nowMs: number): void {
    const { statement, supplierId } = this.#transaction;
    if (this.#created.length > 0) insertSkus(statement, supplierId, this.#created, nowMs);
    if (this.#updated.length > 0) updateProducts(statement, supplierId, this.#updated, nowMs);
    if (this.#addedGtins.length > 0) {
      statement.insert('gtins', supplierId, gtinColumns(this.#addedGtins));
    }
    if (this.#removedGtins.length > 0) {
      const gtins = statement.array(bigints('gtin', this.#removedGtins, ([gtin]) => gtin));
      const rows = statement.rows('removed', gtinColumns(this.#removedGtins));
      // `IS TRUE` keeps the planner from joining: it looks each row up in a hash table.
      statement.add(
        `DELETE FROM gtins WHERE supplier_id = ${statement.value(supplierId, 'integer')}
           AND gtin = ANY(${gtins})
           AND ((gtin, sku_number) IN (SELECT gtin, sku_number FROM ${rows})) IS TRUE`,
      );
    }
  }
}

function skuNumbers(skus: readonly WrittenSku[]): Column {
  return bigints('sku_number', skus, ({ held }) => held.skuNumber);
}

/** In the order of `PRODUCT_COLUMNS`. */
function productColumns(skus: readonly WrittenSku[]): readonly Column[] {
  const rows = skus.map(({ product }) => productValues(product));
  return PRODUCT_COLUMNS.map((name, n): Column => {
    if (name === 'units_bundled') return integers(name, rows, (row) => asNumber(row[n] ?? null));
    const column = name === 'item_uuid' ? uuids : texts;
    return column(name, rows, (row) => asText(row[n] ?? null));
  });
}

function asNumber(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}

function asText(value: string | number | null): string | null {
  return value === null ? null : String(value);
}

function gtinColumns(rows: readonly GtinOfSku[]): readonly Column[] {
  return [
    bigints('gtin', rows, ([gtin]) => gtin),
    bigints('sku_number', rows, ([, skuNumber]) => skuNumber),
  ];
}

function insertSkus(
  statement: WriteStatement,
  supplierId: number,
  created: readonly WrittenSku[],
  nowMs: number,
): void {
  statement.insert('skus', supplierId, [
    skuNumbers(created),
    texts('sku_id', created, ({ skuId }) => skuId),
    uuids('uuid', created, ({ uuid }) => uuid),
    bigints('created_at_ms', created, () => nowMs),
    ...productColumns(created),
  ]);
  // Inserts the final inventory: an insert followed by an update would leave a dead row version.
  statement.insert('inventory', supplierId, [
    skuNumbers(created),
    ...fieldColumns('', created, ({ held }) => held.inventory),
    bigints('last_sequence', created, ({ held }) => held.lastSequence),
    bigints('updated_at_ms', created, () => nowMs),
  ]);
}

function updateProducts(
  statement: WriteStatement,
  supplierId: number,
  updated: readonly WrittenSku[],
  nowMs: number,
): void {
  const supplier = statement.value(supplierId, 'integer');
  const columns = productColumns(updated);
  const sent = columns.filter(hasValues);
  const values = columns.map((column) =>
    sent.includes(column) ? `product.${column.name}` : 'NULL',
  );
  const rows = statement.rows('product', [
    skuNumbers(updated),
    texts('sku_id', updated, ({ skuId }) => skuId),
    uuids('uuid', updated, ({ uuid }) => uuid),
    ...sent,
  ]);
  updateByKey(
    statement,
    'skus',
    `SELECT ${supplier}, product.sku_number, ${values.join(', ')}, product.sku_id, product.uuid, 0 FROM ${rows}`,
    columns.map(({ name }) => name),
    ['sku_id', 'uuid', 'created_at_ms'],
  );
  // A change of the product moves `updated_at_ms`, but not the as-of time of the inventory.
  const unmoved = updated.filter(({ held }) => !hasNewChange(held));
  if (unmoved.length === 0) return;
  statement.add(
    `UPDATE inventory SET as_of_us = coalesce(as_of_us, updated_at_ms * 1000),
       updated_at_ms = ${statement.value(nowMs, 'bigint')}
     WHERE supplier_id = ${supplier} AND sku_number = ANY(${statement.array(skuNumbers(unmoved))})`,
  );
}
