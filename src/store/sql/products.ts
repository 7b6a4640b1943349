/** Product columns of a SKU's row, the same in every database, and how catalogue entries update them. */
import { v4 as uuidv4, v5 as uuidv5 } from 'uuid';
import { GTIN_FORMS, readGtin } from '../../domain/gtin.ts';
import { BLANK_PRODUCT, CONDITIONS, type Product, type Sku } from '../../domain/sku.ts';
import type { CatalogueEntry } from '../../domain/catalogue.ts';

/** The product columns of `skus`, in the order of `productValues`. */
export const PRODUCT_COLUMNS = [
  'item_uuid',
  'item_id',
  'title',
  'condition',
  'units_bundled',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'asin',
  'mpn',
] as const;

export interface ProductRow extends Record<
  Exclude<(typeof PRODUCT_COLUMNS)[number], 'units_bundled'>,
  string | null
> {
  readonly item_uuid: string;
  readonly units_bundled: number | null;
}

const PRODUCT_MEMBERS = [
  'itemId',
  'title',
  'condition',
  'unitsBundled',
  ...GTIN_FORMS,
  'asin',
  'mpn',
] as const satisfies readonly (keyof Product)[];

/** A product and the uuid of its item. */
export interface ProductOfItem {
  readonly itemUuid: string;
  readonly product: Product;
}

/** The product of a new SKU. */
export function newProduct(entry: CatalogueEntry, supplierUuid: () => string): ProductOfItem {
  const product = { ...BLANK_PRODUCT, ...entry.product };
  return { itemUuid: entry.itemUuid ?? newItemUuid(product.itemId, supplierUuid), product };
}

/** The updated product of an existing SKU; undefined if nothing changes. */
export function rewrittenProduct(
  row: ProductRow,
  entry: CatalogueEntry,
  supplierUuid: () => string,
): ProductOfItem | undefined {
  const before = productOf(row);
  const product = { ...before, ...entry.product };
  const itemUuid = itemUuidAfter(row, entry, supplierUuid);
  const isSame =
    itemUuid === row.item_uuid &&
    PRODUCT_MEMBERS.every((member) => before[member] === product[member]);
  return isSame ? undefined : { itemUuid, product };
}

function itemUuidAfter(row: ProductRow, entry: CatalogueEntry, supplierUuid: () => string): string {
  if (entry.itemUuid !== undefined) return entry.itemUuid;
  const { itemId } = entry.product;
  const isOtherItem = itemId !== undefined && itemId !== row.item_id;
  return isOtherItem ? newItemUuid(itemId, supplierUuid) : row.item_uuid;
}

/** SKUs with the same `item_id` share an item, whose uuid is derived from the supplier's (RFC 9562 §5.5). */
function newItemUuid(itemId: string | null, supplierUuid: () => string): string {
  return itemId === null ? uuidv4() : uuidv5(itemId, supplierUuid());
}

export function productOf(row: ProductRow): Product {
  return {
    itemId: row.item_id,
    title: row.title,
    condition: CONDITIONS.find((condition) => condition === row.condition) ?? null,
    unitsBundled: row.units_bundled,
    upca: row.upca,
    ean13: row.ean13,
    gtin14: row.gtin14,
    isbn: row.isbn,
    asin: row.asin,
    mpn: row.mpn,
  };
}

/** In the order of `PRODUCT_COLUMNS`. */
export function productValues({ itemUuid, product }: ProductOfItem): (string | number | null)[] {
  return [itemUuid, ...PRODUCT_MEMBERS.map((member) => product[member])];
}

/** The product of `productValues`, read from storage. */
export function itemOf(values: readonly unknown[]): ProductOfItem {
  const stored = new Map(PRODUCT_COLUMNS.map((column, i) => [column, values[i]]));
  const text = (column: (typeof PRODUCT_COLUMNS)[number]): string | null => {
    const value = stored.get(column);
    return typeof value === 'string' ? value : null;
  };
  const unitsBundled = stored.get('units_bundled');
  const row: ProductRow = {
    item_uuid: text('item_uuid') ?? '',
    item_id: text('item_id'),
    title: text('title'),
    condition: text('condition'),
    units_bundled: typeof unitsBundled === 'number' ? unitsBundled : null,
    upca: text('upca'),
    ean13: text('ean13'),
    gtin14: text('gtin14'),
    isbn: text('isbn'),
    asin: text('asin'),
    mpn: text('mpn'),
  };
  return itemOfRow(row);
}

export function itemOfRow(row: ProductRow): ProductOfItem {
  return { itemUuid: row.item_uuid, product: productOf(row) };
}

/** The distinct GTINs of a SKU's up to four identifiers. */
export function gtinsOf(product: Product): ReadonlySet<number> {
  const gtins = new Set<number>();
  for (const form of GTIN_FORMS) {
    const text = product[form];
    if (text === null) continue;
    const reading = readGtin(form, text);
    if ('refusal' in reading) throw new Error(`a SKU's ${form} ${reading.refusal}`);
    gtins.add(reading.gtin);
  }
  return gtins;
}

/** A SKU as it is selected: its product, inventory and supplier. */
export interface SkuRow extends ProductRow {
  readonly sku_id: string;
  readonly uuid: string;
  readonly created_at_ms: number;
  readonly quantity_in_stock: number | null;
  readonly quantity_on_backorder: number | null;
  readonly backorder_date: number | null;
  readonly restrictions: number | null;
  readonly updated_at_ms: number;
  readonly supplier_uuid: string;
  readonly supplier_name: string;
}

export function skuOf(row: SkuRow): Sku {
  return {
    uuid: row.uuid,
    skuId: row.sku_id,
    itemUuid: row.item_uuid,
    product: productOf(row),
    inventory: {
      quantityInStock: row.quantity_in_stock,
      quantityOnBackorder: row.quantity_on_backorder,
      backorderDate: row.backorder_date,
      restrictions: row.restrictions,
    },
    supplier: { uuid: row.supplier_uuid, name: row.supplier_name },
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
