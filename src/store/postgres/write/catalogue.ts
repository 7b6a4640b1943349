import type { PoolClient } from 'pg';
import { BatchDecision, isMoved, type HeldSku } from '../../../domain/batch-decision.ts';
import { decideFields } from '../../../domain/decide.ts';
import { skuIdCanExist } from '../../../domain/lines.ts';
import type { CatalogueEntry } from '../../../domain/sku.ts';
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
import type { CatalogueBatch, CatalogueOutcome, EntryOutcome } from '../../../domain/catalogue.ts';
import { newUuid } from '../../uuids.ts';
import { textArray } from '../connection/arrays.ts';
import { fieldColumns } from './inventory-rows.ts';
import { hasValues, type Column, type WriteStatement } from './statement.ts';
import { HELD_COLUMNS, type HeldRow } from './stock.ts';
import { SupplierTransaction, type Decided } from './transaction.ts';

/** Decides what entries make of a supplier's SKUs, in a transaction that is begun. */
export function applyEntries(
  client: PoolClient,
  batch: CatalogueBatch,
): Promise<Decided<CatalogueOutcome>> {
  return new CatalogueApplier(new SupplierTransaction(client, batch.supplierId), batch).apply();
}

/** A SKU that is there, with what is held of it. */
interface SkuRow extends ProductRow {
  readonly place: number;
  readonly uuid: string;
  readonly sku_number: number;
  readonly quantity_in_stock: number | null;
  readonly quantity_on_backorder: number | null;
  readonly backorder_date: number | null;
  readonly restrictions: number | null;
  readonly last_sequence: number;
}

/** A SKU whose product is written: a new one, or one that is written anew. */
interface WrittenSku {
  readonly held: HeldSku;
  readonly uuid: string;
  readonly skuId: string;
  readonly made: ProductOfItem;
}

/** A GTIN of a SKU. */
type Holding = readonly [gtin: number, skuNumber: number];

class CatalogueApplier {
  readonly #transaction: SupplierTransaction;
  readonly #batch: CatalogueBatch;
  readonly #rows = new Map<string, SkuRow>();
  #supplierUuid: string | undefined;
  readonly #created: WrittenSku[] = [];
  readonly #rewritten: WrittenSku[] = [];
  readonly #gained: Holding[] = [];
  readonly #lost: Holding[] = [];

  constructor(transaction: SupplierTransaction, batch: CatalogueBatch) {
    this.#transaction = transaction;
    this.#batch = batch;
  }

  async apply(): Promise<Decided<CatalogueOutcome>> {
    const transaction = this.#transaction;
    await Promise.all([transaction.stock.lock(), this.#load()]);
    const nowMs = Date.now();
    const startedMs = performance.now();
    const decision = new BatchDecision(nowMs);
    const entries = this.#batch.entries.map((entry) => this.#applyEntry(entry, decision, nowMs));
    if (entries.every(({ outcome }) => outcome === 'refused')) {
      return transaction.decided({ batchUuid: null, entries }, nowMs);
    }
    const ended = transaction.endBatch(decision, nowMs);
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: entries.length };
    transaction.appendRow(this.#batch, ended, summary);
    this.#write(nowMs);
    const created = new Set(this.#created.map(({ held }) => held));
    return transaction.decided({ batchUuid: ended.uuid, entries }, nowMs, (held) =>
      created.has(held),
    );
  }

  async #load(): Promise<void> {
    const { client, supplierId } = this.#transaction;
    const skuIds = this.#batch.entries.map(({ skuId }) => skuId).filter(skuIdCanExist);
    const [{ rows }, organizations] = await Promise.all([
      client.query<SkuRow>(
        `SELECT named.place, skus.uuid, skus.${PRODUCT_COLUMNS.join(', skus.')}, ${HELD_COLUMNS}
         FROM unnest($2::text[]) WITH ORDINALITY AS named (sku_id, place)
           JOIN skus ON skus.supplier_id = $1 AND skus.sku_id = named.sku_id
           JOIN inventory AS held ON held.supplier_id = $1 AND held.sku_number = skus.sku_number`,
        [supplierId, textArray(skuIds)],
      ),
      client.query<{ uuid: string }>('SELECT uuid FROM organizations WHERE id = $1', [supplierId]),
    ]);
    this.#supplierUuid = organizations.rows[0]?.uuid;
    for (const row of rows) this.#rows.set(skuIds[row.place - 1] ?? '', row);
  }

  #applyEntry(
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { readonly outcome: EntryOutcome; readonly uuid: string } {
    const row = this.#rows.get(entry.skuId);
    if (row === undefined) return this.#create(entry, decision, nowMs);
    const { uuid } = row;
    if (this.#batch.existing === 'refuse') return { outcome: 'refused', uuid };

    const held = this.#transaction.stock.holdRow(heldRow(row));
    const inventory = decideFields(held.inventory, entry.inventory);
    const isMoving = inventory !== held.inventory;
    decision.touch(held, inventory);

    const made = rewrittenProduct(row, entry, () => this.#uuidOfSupplier());
    if (made !== undefined) {
      this.#rewritten.push({ held, uuid, skuId: entry.skuId, made });
      this.#replaceGtins(held, gtinsOf(productOf(row)), gtinsOf(made.product));
    }
    return { outcome: isMoving || made !== undefined ? 'updated' : 'unchanged', uuid };
  }

  #create(
    entry: CatalogueEntry,
    decision: BatchDecision,
    nowMs: number,
  ): { readonly outcome: EntryOutcome; readonly uuid: string } {
    const { stock } = this.#transaction;
    stock.head.skuCount += 1;
    const held = stock.holdNew(stock.head.skuCount);
    const uuid = newUuid(nowMs);
    const made = newProduct(entry, () => this.#uuidOfSupplier());
    this.#created.push({ held, uuid, skuId: entry.skuId, made });
    this.#replaceGtins(held, new Set(), gtinsOf(made.product));
    decision.touch(held, decideFields(held.inventory, entry.inventory));
    return { outcome: 'created', uuid };
  }

  #uuidOfSupplier(): string {
    if (this.#supplierUuid === undefined)
      throw new Error(`there is no supplier ${this.#batch.supplierId}`);
    return this.#supplierUuid;
  }

  #replaceGtins(
    { skuNumber }: HeldSku,
    before: ReadonlySet<number>,
    after: ReadonlySet<number>,
  ): void {
    for (const gtin of before) if (!after.has(gtin)) this.#lost.push([gtin, skuNumber]);
    for (const gtin of after) if (!before.has(gtin)) this.#gained.push([gtin, skuNumber]);
  }

  #write(nowMs: number): void {
    const { statement, supplierId } = this.#transaction;
    if (this.#created.length > 0) writeCreated(statement, supplierId, this.#created, nowMs);
    if (this.#rewritten.length > 0) writeRewritten(statement, supplierId, this.#rewritten, nowMs);
    if (this.#gained.length > 0) {
      statement.insert('gtins', supplierId, holdingColumns(this.#gained));
    }
    if (this.#lost.length > 0) {
      const rows = statement.rows('lost', holdingColumns(this.#lost));
      statement.add(
        `DELETE FROM gtins USING ${rows}
         WHERE gtins.supplier_id = ${statement.value(supplierId, 'integer')}
           AND gtins.gtin = lost.gtin AND gtins.sku_number = lost.sku_number`,
      );
    }
  }
}

function heldRow(row: SkuRow): HeldRow {
  return [
    row.sku_number,
    row.quantity_in_stock,
    row.quantity_on_backorder,
    row.backorder_date,
    row.restrictions,
    row.last_sequence,
    null,
  ];
}

function numberColumn(skus: readonly WrittenSku[]): Column {
  return {
    name: 'sku_number',
    type: 'bigint',
    values: skus.map(({ held }) => held.skuNumber),
  };
}

/** In the order of `PRODUCT_COLUMNS`. */
function productColumns(skus: readonly WrittenSku[]): readonly Column[] {
  const rows = skus.map(({ made }) => productValues(made));
  return PRODUCT_COLUMNS.map((name, n): Column => {
    const values = rows.map((row) => row[n] ?? null);
    if (name === 'units_bundled') return { name, type: 'integer', values: values.map(asNumber) };
    return { name, type: name === 'item_uuid' ? 'uuid' : 'text', values: values.map(asText) };
  });
}

function asNumber(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}

function asText(value: string | number | null): string | null {
  return value === null ? null : String(value);
}

function holdingColumns(holdings: readonly Holding[]): readonly Column[] {
  return [
    { name: 'gtin', type: 'bigint', values: holdings.map(([gtin]) => gtin) },
    { name: 'sku_number', type: 'bigint', values: holdings.map(([, skuNumber]) => skuNumber) },
  ];
}

function writeCreated(
  statement: WriteStatement,
  supplierId: number,
  created: readonly WrittenSku[],
  nowMs: number,
): void {
  const nows = created.map(() => nowMs);
  statement.insert('skus', supplierId, [
    numberColumn(created),
    { name: 'sku_id', type: 'text', values: created.map(({ skuId }) => skuId) },
    { name: 'uuid', type: 'uuid', values: created.map(({ uuid }) => uuid) },
    { name: 'created_at_ms', type: 'bigint', values: nows },
    ...productColumns(created),
  ]);
  // As the batch leaves it: a row that is written twice in one transaction takes two places.
  const inventories = created.map(({ held }) => held.inventory);
  statement.insert('inventory', supplierId, [
    numberColumn(created),
    ...fieldColumns('', inventories),
    {
      name: 'last_sequence',
      type: 'bigint',
      values: created.map(({ held }) => held.lastSequence),
    },
    { name: 'updated_at_ms', type: 'bigint', values: nows },
  ]);
}

function writeRewritten(
  statement: WriteStatement,
  supplierId: number,
  rewritten: readonly WrittenSku[],
  nowMs: number,
): void {
  const supplier = statement.value(supplierId, 'integer');
  const columns = productColumns(rewritten);
  const sent = columns.filter(hasValues);
  const assignments = columns.map(
    (column) => `${column.name} = ${sent.includes(column) ? `made.${column.name}` : 'NULL'}`,
  );
  const rows = statement.rows('made', [numberColumn(rewritten), ...sent]);
  statement.add(
    `UPDATE skus SET ${assignments.join(', ')} FROM ${rows}
     WHERE skus.supplier_id = ${supplier} AND skus.sku_number = made.sku_number`,
  );
  // Of when the inventory is does not follow from when the product was written.
  const marked = rewritten.filter(({ held }) => !isMoved(held));
  if (marked.length === 0) return;
  statement.add(
    `UPDATE inventory SET as_of_us = coalesce(as_of_us, updated_at_ms * 1000),
       updated_at_ms = ${statement.value(nowMs, 'bigint')}
     FROM ${statement.rows('marked', [numberColumn(marked)])}
     WHERE inventory.supplier_id = ${supplier} AND inventory.sku_number = marked.sku_number`,
  );
}
