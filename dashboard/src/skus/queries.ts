import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import type { Sku, SkuFilter, SkuPage } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import type { SkuSearch } from './search.ts';

const PAGE_LIMIT = 250;
const HOUR_MS = 3_600_000;
const FRESH = {
  staleTime: 60_000,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
} as const;

/**
 * Whether any part of the list is read as fast as the first, so that the reader may jump to it. A filter or another order
 * would make the server read all SKUs before that part.
 */
export function isDirect({ q, stock, restriction, updated, sort }: SkuSearch): boolean {
  const isFiltered = [q, stock, restriction, updated].some((filter) => filter !== undefined);
  return !isFiltered && (sort === undefined || sort === 'sku');
}

/** The SKUs of a search, page after page. They do not change under the reader until the list is refreshed. */
export function skusQuery(search: SkuSearch) {
  return infiniteQueryOptions({
    queryKey: ['skus', search],
    queryFn: async ({ pageParam, signal }): Promise<SkuPage> =>
      onhand.skus.page(
        { ...skuQueryOf(search), include: 'title', cursor: pageParam, limit: PAGE_LIMIT },
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: ({ pagination }) => pagination.next_cursor ?? null,
    enabled: !isDirect(search),
    ...FRESH,
  });
}

/** Page `number` (the first is 0) of a list that `isDirect`. */
export function skuPageQuery(search: SkuSearch, number: number) {
  return queryOptions({
    queryKey: ['skus', search, number],
    queryFn: async ({ signal }): Promise<SkuPage> =>
      onhand.skus.page(
        {
          ...skuQueryOf(search),
          include: 'title',
          start: number * DIRECT_LIMIT,
          limit: DIRECT_LIMIT,
        },
        { signal },
      ),
    ...FRESH,
  });
}

/** Reads the first rows of the list while the code of its screen is loaded. */
export async function prefetchSkus(cache: QueryClient, search: SkuSearch): Promise<void> {
  if (isDirect(search)) await cache.prefetchQuery(skuPageQuery(search, 0));
  else await cache.prefetchInfiniteQuery(skusQuery(search));
}

/** How many SKUs a page of a list that `isDirect` has: few, so that a jump shows its rows soon. */
export const DIRECT_LIMIT = 100;

const SORT_KEYS = { sku: 'sku_id', stock: 'quantity_in_stock', updated: 'last_updated' } as const;

/** The API's filter and order of a search. */
export function skuQueryOf(search: SkuSearch): SkuFilter {
  const { q, stock, restriction, updated, supplier, sort, order } = search;
  return {
    ...(q !== undefined && { q }),
    ...(stock === 'in' && { quantity_in_stock_min: 1 }),
    ...(stock === 'none' && { quantity_in_stock_max: 0 }),
    ...(restriction !== undefined && {
      restrictions: restriction === 'unrestricted' ? '' : restriction,
    }),
    ...(updated !== undefined && {
      updated_since: new Date(Date.now() - updated * HOUR_MS).toISOString(),
    }),
    ...(supplier !== undefined && { supplier_uuids: [supplier] }),
    ...(sort !== undefined && { sort: SORT_KEYS[sort], order: order ?? 'asc' }),
  };
}

/** The GTIN of a SKU in the form in which it was given. */
export function gtinOf({ product_identifiers: identifiers }: Sku): string | null {
  return identifiers.ean13 ?? identifiers.upca ?? identifiers.isbn ?? identifiers.gtin14;
}
