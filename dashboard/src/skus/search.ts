export const STOCK_FILTERS = ['in', 'none'] as const;
export const RESTRICTION_FILTERS = ['unrestricted', 'tmpunavail', 'discontd'] as const;
export const SORTABLE_COLUMNS = ['sku', 'stock', 'updated'] as const;
/** How long ago a SKU may have changed last, in hours. */
export const UPDATED_FILTERS = [1, 24, 168] as const;

/** What the SKU list shows: the search part of its address. */
export interface SkuSearch {
  /** An identifier in any form, or how the title begins. */
  readonly q?: string;
  readonly stock?: (typeof STOCK_FILTERS)[number];
  readonly restriction?: (typeof RESTRICTION_FILTERS)[number];
  /** Only SKUs that changed within this many hours. */
  readonly updated?: (typeof UPDATED_FILTERS)[number];
  /** The uuid of a supplier. */
  readonly supplier?: string;
  /** The column by which the list is sorted; without it, by supplier, then by creation. */
  readonly sort?: (typeof SORTABLE_COLUMNS)[number] | undefined;
  /** Ascending without it. */
  readonly order?: 'desc' | undefined;
}

/** The search of an address that someone may have typed: what it does not understand is left out. */
export function skuSearchOf(raw: Record<string, unknown>): SkuSearch {
  const { q, supplier } = raw;
  const stock = STOCK_FILTERS.find((value) => value === raw['stock']);
  const restriction = RESTRICTION_FILTERS.find((value) => value === raw['restriction']);
  const updated = UPDATED_FILTERS.find((value) => value === raw['updated']);
  const sort = SORTABLE_COLUMNS.find((value) => value === raw['sort']);
  const isText = typeof q === 'string' || typeof q === 'number';
  return {
    ...(isText && String(q).trim() !== '' && { q: String(q).trim() }),
    ...(stock !== undefined && { stock }),
    ...(restriction !== undefined && { restriction }),
    ...(updated !== undefined && { updated }),
    ...(typeof supplier === 'string' && { supplier }),
    ...(sort !== undefined && { sort }),
    ...(sort !== undefined && raw['order'] === 'desc' && { order: 'desc' as const }),
  };
}
