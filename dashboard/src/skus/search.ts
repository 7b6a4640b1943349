import { infiniteQueryOptions } from '@tanstack/react-query';
import {
  ParameterInvalid,
  type Sku,
  type SkuFilter,
  type SkuPage,
} from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';

export const STOCK_FILTERS = ['in', 'none'] as const;
export const RESTRICTION_FILTERS = ['unrestricted', 'tmpunavail', 'discontd'] as const;
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
}

/** The search of an address that someone may have typed: what it does not understand is left out. */
export function skuSearchOf(raw: Record<string, unknown>): SkuSearch {
  const { q, supplier } = raw;
  const stock = STOCK_FILTERS.find((value) => value === raw['stock']);
  const restriction = RESTRICTION_FILTERS.find((value) => value === raw['restriction']);
  const updated = UPDATED_FILTERS.find((value) => value === raw['updated']);
  const isText = typeof q === 'string' || typeof q === 'number';
  return {
    ...(isText && String(q).trim() !== '' && { q: String(q).trim() }),
    ...(stock !== undefined && { stock }),
    ...(restriction !== undefined && { restriction }),
    ...(updated !== undefined && { updated }),
    ...(typeof supplier === 'string' && { supplier }),
  };
}

const PAGE_LIMIT = 250;
const HOUR_MS = 3_600_000;

/** The SKUs of a search, page after page. They do not change under the reader until the list is refreshed. */
export function skusQuery(search: SkuSearch) {
  return infiniteQueryOptions({
    queryKey: ['skus', search],
    queryFn: async ({ pageParam, signal }): Promise<SkuPage> => {
      const filter = await filterFor(search, signal);
      const query = { ...filter, include: 'title', cursor: pageParam, limit: PAGE_LIMIT } as const;
      return onhand.skus.page(query, { signal });
    },
    initialPageParam: '',
    getNextPageParam: ({ pagination }) => pagination.next_cursor ?? null,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

/** The API's filter of a search. */
async function filterFor(search: SkuSearch, signal: AbortSignal): Promise<SkuFilter> {
  const { q, stock, restriction, updated, supplier } = search;
  return {
    ...(q !== undefined && (await textFilter(q, signal))),
    ...(stock === 'in' && { quantity_in_stock_min: 1 }),
    ...(stock === 'none' && { quantity_in_stock_max: 0 }),
    ...(restriction !== undefined && {
      restrictions: restriction === 'unrestricted' ? '' : restriction,
    }),
    ...(updated !== undefined && {
      updated_since: new Date(Date.now() - updated * HOUR_MS).toISOString(),
    }),
    ...(supplier !== undefined && { supplier_uuids: [supplier] }),
  };
}

/** What may be a GTIN in any form or an ISBN-10. People and scanners put spaces, hyphens or dots between the digits. */
const GTIN_TEXT = /^[\d][\d\s.-]{5,18}[\dXx]$/;

/** The filter that finds something: the identifier as a GTIN, as a sku_id, or else how titles begin. */
async function textFilter(text: string, signal: AbortSignal): Promise<SkuFilter> {
  if (GTIN_TEXT.test(text)) {
    const digits = text.replaceAll(/[\s.-]/g, '');
    const isIsbn = /x$/i.test(digits) || digits.length === 10;
    const gtin: SkuFilter = isIsbn ? { isbn: digits } : { gtin14: digits };
    if (await hasAny(gtin, signal)) return gtin;
  }
  const id = { sku_id: text };
  return (await hasAny(id, signal)) ? id : { title: text };
}

async function hasAny(filter: SkuFilter, signal: AbortSignal): Promise<boolean> {
  try {
    const { skus } = await onhand.skus.page({ ...filter, limit: 1 }, { signal });
    return skus.length > 0;
  } catch (error) {
    // The text is no GTIN after all: its check digit is wrong. Other errors do not say whether there is one.
    if (error instanceof ParameterInvalid) return false;
    throw error;
  }
}

/** The GTIN of a SKU in the form in which it was given. */
export function gtinOf({ product_identifiers: identifiers }: Sku): string | null {
  return identifiers.ean13 ?? identifiers.upca ?? identifiers.isbn ?? identifiers.gtin14;
}
