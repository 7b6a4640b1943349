import { queryOptions } from '@tanstack/react-query';
import type { SupplierPage } from '../../../client/src/index.ts';
import { onhand } from './client.ts';

const PAGE_LIMIT = 500;

/** All suppliers that the user can see, for choosing one. */
export const suppliersQuery = queryOptions({
  queryKey: ['suppliers'],
  queryFn: async ({ signal }): Promise<SupplierPage['suppliers']> => {
    const all: SupplierPage['suppliers'][number][] = [];
    for (let start: number | null = 0; start !== null;) {
      const page: SupplierPage = await onhand.suppliers({ start, limit: PAGE_LIMIT }, { signal });
      all.push(...page.suppliers);
      start = page.pagination.next_start_index;
    }
    return all;
  },
  staleTime: 300_000,
});
