import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { Sku } from '../../../client/src/index.ts';
import { DIRECT_LIMIT, isDirect, skuPageQuery, skusQuery } from './queries.ts';
import type { SkuSearch } from './search.ts';

/** The next page is read when fewer rows than this are left: more than a fast scroll passes meanwhile. */
const ROWS_AHEAD = 1000;

/** The rows of the SKU list, as far as they are read. */
export interface SkuRows {
  /** How many SKUs there are in all; undefined until the first are read. */
  readonly totalCount: number | undefined;
  /** How many rows the reader can scroll through. */
  readonly count: number;
  /** Undefined until it is read. */
  readonly at: (index: number) => Sku | undefined;
  /** Reads the visible rows and their neighbours. */
  readonly show: (first: number, last: number) => void;
  readonly isPending: boolean;
  readonly error: Error | null;
  readonly retry: () => void;
}

export function useSkuRows(search: SkuSearch): SkuRows {
  const inTurn = useRowsInTurn(search);
  const direct = useDirectRows(search);
  return isDirect(search) ? direct : inTurn;
}

/** One page after another, by cursor: a list that may change its order. */
function useRowsInTurn(search: SkuSearch): SkuRows {
  const list = useInfiniteQuery(skusQuery(search));
  const skus = useMemo(() => list.data?.pages.flatMap((page) => page.skus) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = list;
  const show = useCallback(
    (_first: number, last: number) => {
      const isNearEnd = last + ROWS_AHEAD > skus.length;
      const mayRead = hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
      if (isNearEnd && mayRead) void fetchNextPage();
    },
    [skus.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage],
  );
  return {
    totalCount: list.data?.pages[0]?.pagination.total_count,
    count: skus.length,
    at: (index) => skus[index],
    show,
    isPending: list.isPending,
    error: list.error,
    retry: () => void (list.data === undefined ? list.refetch() : fetchNextPage()),
  };
}

/** Any page, once it is visible. */
function useDirectRows(search: SkuSearch): SkuRows {
  const enabled = isDirect(search);
  const [first, setFirst] = useState(0);
  const top = useQuery({ ...skuPageQuery(search, 0), enabled });
  const totalCount = top.data?.pagination.total_count;
  const pageAt = (number: number) => ({
    ...skuPageQuery(search, number),
    enabled: enabled && totalCount !== undefined && number * DIRECT_LIMIT < totalCount,
  });
  // The rows in view are on one page or two; one more on each side is read ahead.
  const from = Math.max(0, first - 1);
  const pages = [
    useQuery(pageAt(from)),
    useQuery(pageAt(from + 1)),
    useQuery(pageAt(from + 2)),
    useQuery(pageAt(from + 3)),
  ];
  const failed = [top, ...pages].find((page) => page.error !== null);
  return {
    totalCount,
    count: totalCount ?? 0,
    at: (index) => {
      const number = Math.floor(index / DIRECT_LIMIT);
      return pages[number - from]?.data?.skus[index - number * DIRECT_LIMIT];
    },
    show: useCallback((firstRow: number) => setFirst(Math.floor(firstRow / DIRECT_LIMIT)), []),
    isPending: top.isPending,
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  };
}
