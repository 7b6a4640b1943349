import { queryOptions } from '@tanstack/react-query';
import type { Statistics } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';

export type HourCounts = Statistics['intervals'][number];

const REFRESH_MS = 15_000;
const DAY_MS = 86_400_000;

/** What was sent in each of the last 24 hours: by oneself, or by all suppliers for an operator. */
export const hoursQuery = queryOptions({
  queryKey: ['statistics', 'hours'],
  queryFn: async ({ signal }): Promise<readonly HourCounts[]> => {
    const from = new Date(Date.now() - DAY_MS);
    return (await onhand.statistics({ from, interval: 'hour' }, { signal })).intervals;
  },
  refetchInterval: REFRESH_MS,
});

/** The sums of the hours that began today, in the reader's time zone. */
export function todayOf(hours: readonly HourCounts[]): {
  readonly lines: number;
  readonly changed: number;
  readonly failed: number;
} {
  const midnightMs = new Date().setHours(0, 0, 0, 0);
  const totals = { lines: 0, changed: 0, failed: 0 };
  for (const { start, lines, changed, failed } of hours) {
    if (Date.parse(start) < midnightMs) continue;
    totals.lines += lines;
    totals.changed += changed;
    totals.failed += failed;
  }
  return totals;
}
