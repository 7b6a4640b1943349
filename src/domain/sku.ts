import type { GtinForm } from './gtin.ts';
import type { Inventory } from './inventory.ts';

export const CONDITIONS = ['new', 'used', 'refurb'] as const;

export type Condition = (typeof CONDITIONS)[number];

/** A SKU's GTINs as text, each normalized to its form by `readGtin`. */
export type GtinTexts = Readonly<Record<GtinForm, string | null>>;

/** A SKU's catalogue data, without its inventory. */
export interface Product extends GtinTexts {
  readonly itemId: string | null;
  readonly title: string | null;
  readonly condition: Condition | null;
  readonly unitsBundled: number | null;
  readonly asin: string | null;
  readonly mpn: string | null;
}

export const BLANK_PRODUCT: Product = {
  itemId: null,
  title: null,
  condition: null,
  unitsBundled: null,
  upca: null,
  ean13: null,
  gtin14: null,
  isbn: null,
  asin: null,
  mpn: null,
};

/** A SKU with its product data and inventory. */
export interface Sku {
  readonly uuid: string;
  readonly skuId: string;
  readonly itemUuid: string;
  readonly product: Product;
  readonly inventory: Inventory;
  readonly supplier: { readonly uuid: string; readonly name: string };
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly updatedAtMs: number;
}

/** What lists of SKUs can be sorted by. */
export const SKU_SORT_KEYS = ['sku_id', 'last_updated', 'quantity_in_stock'] as const;

export type SkuSortKey = (typeof SKU_SORT_KEYS)[number];

/** What a SKU is sorted by; times in milliseconds. Unknown quantities (null) come last in either order. */
export function sortValueOf(sku: Sku, by: SkuSortKey): string | number | null {
  switch (by) {
    case 'sku_id':
      return sku.skuId;
    case 'last_updated':
      return sku.updatedAtMs;
    case 'quantity_in_stock':
      return sku.inventory.quantityInStock;
  }
}
