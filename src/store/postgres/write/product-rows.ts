import { hasNewChange, type SkuState } from '../../../domain/batch-decision.ts';
import type { BatchOrigin } from '../../../domain/batches.ts';
import { encodeProductChanges, type ProductChange } from '../../sql/product-changes.ts';
import {
  gtinsOf,
  itemOfRow,
  PRODUCT_COLUMNS,
  productOf,
  productValues,
  type ProductOfItem,
  type ProductRow,
} from '../../sql/products.ts';
import { fieldColumns, updateByKey } from './inventory-rows.ts';
import {
  bigints,
  byteas,
  hasValues,
  integers,
  texts,
  uuids,
  type Column,
  type WriteStatement,
} from './statement.ts';

/** An existing SKU, with its product. */
export interface StoredSku extends ProductRow {
  readonly sku_id: string;
  readonly uuid: string;
}

/** A SKU whose product is inserted or updated. */
interface WrittenSku {
  readonly held: SkuState;
  readonly uuid: string;
  readonly skuId: string;
  readonly product: ProductOfItem;
}

interface UpdateOptions {
  readonly wasRetired?: boolean;
  readonly isRetired?: boolean;
  /** Whether undoing the update retires the SKU. */
  readonly isCreated?: boolean;
}

type GtinOfSku = readonly [gtin: number, skuNumber: number];

const NO_GTINS: ReadonlySet<number> = new Set();

/** Collects what a batch does to the products of SKUs and their GTINs. */
export class ProductRows {
  readonly #created: WrittenSku[] = [];
  readonly #updated: WrittenSku[] = [];
  readonly #addedGtins: GtinOfSku[] = [];
  readonly #removedGtins: GtinOfSku[] = [];
  readonly #changes: ProductChange[] = [];

  insert(sku: WrittenSku): void {
    this.#created.push(sku);
    this.#replaceGtins(sku.held, NO_GTINS, gtinsOf(sku.product.product));
    this.#changes.push({ skuNumber: sku.held.skuNumber, before: null, isCreated: true });
  }

  /**
   * Replaces the product of a SKU, whose product was `row`, and its GTINs: those of retired SKUs cannot be found.
   *
   * @param product undefined if it stays
   */
  update(
    held: SkuState,
    row: StoredSku,
    product: ProductOfItem | undefined,
    { wasRetired = false, isRetired = false, isCreated = false }: UpdateOptions = {},
  ): void {
    if (product !== undefined) {
      this.#updated.push({ held, uuid: row.uuid, skuId: row.sku_id, product });
      this.#changes.push({ skuNumber: held.skuNumber, before: itemOfRow(row), isCreated });
    }
    const after = product?.product ?? productOf(row);
    this.#replaceGtins(
      held,
      wasRetired ? NO_GTINS : gtinsOf(productOf(row)),
      isRetired ? NO_GTINS : gtinsOf(after),
    );
  }

  #replaceGtins(
    { skuNumber }: SkuState,
    before: ReadonlySet<number>,
    after: ReadonlySet<number>,
  ): void {
    for (const gtin of before) if (!after.has(gtin)) this.#removedGtins.push([gtin, skuNumber]);
    for (const gtin of after) if (!before.has(gtin)) this.#addedGtins.push([gtin, skuNumber]);
  }

  /** The SKUs that the batch creates. */
  created(): ReadonlySet<SkuState> {
    return new Set(this.#created.map(({ held }) => held));
  }

  /** Adds everything to a statement. */
  write(
    statement: WriteStatement,
    { supplierId, source }: BatchOrigin,
    batchNumber: number,
    nowMs: number,
  ): void {
    if (this.#changes.length > 0) {
      const values = [encodeProductChanges(this.#changes, source)];
      statement.insert('product_changes', supplierId, [
        bigints('batch_number', values, () => batchNumber),
        bigints('applied_at_ms', values, () => nowMs),
        byteas('written', values, ({ written }) => written),
        byteas('undo', values, ({ undo }) => undo),
      ]);
    }
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
