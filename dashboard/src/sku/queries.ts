import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { History, Sku } from '../../../client/src/index.ts';
import { transport } from '../api/client.ts';

/** One page of the history: what the chart shows until the reader asks for more. */
const HISTORY_LIMIT = 200;

/** A SKU with its title; with a time, its inventory as it was then. */
export function skuQuery(uuid: string, asOf?: string) {
  return queryOptions({
    queryKey: ['sku', uuid, 'shown', asOf ?? 'now'],
    queryFn: async ({ signal }): Promise<Sku> =>
      transport.json<Sku>(
        { method: 'GET', path: pathOf(uuid), query: { include: 'title', as_of: asOf } },
        { signal },
      ),
  });
}

/** The changes of a SKU, latest first. */
export function historyQuery(uuid: string) {
  return infiniteQueryOptions({
    queryKey: ['sku', uuid, 'history'],
    queryFn: async ({ pageParam, signal }): Promise<History> => {
      const query = { limit: HISTORY_LIMIT, ...(pageParam !== undefined && { before: pageParam }) };
      return transport.json<History>(
        { method: 'GET', path: `${pathOf(uuid)}history/`, query },
        { signal },
      );
    },
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next_before: before }) => before ?? undefined,
  });
}

function pathOf(uuid: string): string {
  return `/timp/products/skus/${encodeURIComponent(uuid)}/`;
}
