import { queryOptions } from '@tanstack/react-query';
import type { Freshness } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';

export type SupplierFreshness = Freshness['suppliers'][number];

const REFRESH_MS = 30_000;
/** The overview reads at most this many suppliers: 25 in a request, and all of them again every 30 seconds. */
const SUPPLIERS_MAX = 500;

/** When each supplier last reported: those that are late first, then the ones that were silent longest. */
export const freshnessQuery = queryOptions({
  queryKey: ['freshness'],
  queryFn: async ({ signal }): Promise<readonly SupplierFreshness[]> => {
    const all: SupplierFreshness[] = [];
    for (let start: number | null = 0; start !== null && start < SUPPLIERS_MAX;) {
      const page: Freshness = await onhand.freshness({ start }, { signal });
      all.push(...page.suppliers);
      start = page.pagination.next_start_index;
    }
    return all.sort(byUrgency);
  },
  refetchInterval: REFRESH_MS,
});

function byUrgency(one: SupplierFreshness, other: SupplierFreshness): number {
  const lateness = Number(other.is_late === true) - Number(one.is_late === true);
  return lateness || (one.last_heard ?? '').localeCompare(other.last_heard ?? '');
}

/** How many SKUs a supplier has. */
export function skuCount({ skus_by_age: ages }: SupplierFreshness): number {
  return ages.reduce((sum, { count }) => sum + count, 0);
}

/** How many of them were confirmed within a time, in seconds. */
export function confirmedWithin({ skus_by_age: ages }: SupplierFreshness, seconds: number): number {
  return ages
    .filter(({ age_seconds_max: age }) => age !== null && age <= seconds)
    .reduce((sum, { count }) => sum + count, 0);
}
