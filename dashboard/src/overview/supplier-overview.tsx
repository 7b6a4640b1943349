import { Alert, SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Statistics } from '../../../client/src/index.ts';
import { ActingContext, actingFor } from '../acting/acting.tsx';
import { onhand } from '../api/client.ts';
import { BatchTable } from '../batches/batch-table.tsx';
import { Ago } from '../format/time.tsx';
import { Fact } from '../frame/fact.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed } from '../states/states.tsx';
import { confirmedWithin, freshnessQuery, skuCount } from './freshness.ts';

const REFRESH_MS = 15_000;
const BATCHES_SHOWN = 12;
const DAY_SECONDS = 86_400;
const OWN = actingFor(undefined);

/** A supplier's own numbers. */
export function SupplierOverview() {
  const text = useText();
  const formats = useFormats();
  const freshness = useQuery(freshnessQuery);
  const statistics = useQuery({
    queryKey: ['statistics', 'today'],
    queryFn: async ({ signal }) => {
      const midnight = new Date(new Date().setHours(0, 0, 0, 0));
      return onhand.statistics({ from: midnight, interval: 'hour' }, { signal });
    },
    refetchInterval: REFRESH_MS,
  });
  const error = freshness.error ?? statistics.error;
  if (error !== null) {
    const retry = (): void => {
      void freshness.refetch();
      void statistics.refetch();
    };
    return <Failed error={error} onRetry={retry} />;
  }
  const own = freshness.data?.[0];
  if (own === undefined || statistics.data === undefined) {
    return (
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {['skus', 'lines', 'changed', 'failed'].map((name) => (
          <Skeleton key={name} height={82} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
  const today = totalsOf(statistics.data.intervals);
  const count = skuCount(own);
  const confirmed = confirmedWithin(own, DAY_SECONDS);
  return (
    <>
      {own.is_late === true ? (
        <Alert color="red" icon={<Icon name="clock" />} title={text.overview.youAreLate}>
          {text.overview.youAreLateHint(own.expected_interval_minutes ?? 0)}
        </Alert>
      ) : null}
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Fact
          name={text.overview.skus}
          hint={text.overview.confirmed(percent(confirmed, count, formats.locale))}
        >
          {formats.number(count)}
        </Fact>
        <Fact
          name={text.overview.linesToday}
          hint={
            own.last_heard === null ? (
              text.overview.never
            ) : (
              <>
                {text.overview.lastHeard}: <Ago time={own.last_heard} />
              </>
            )
          }
        >
          {formats.number(today.lines)}
        </Fact>
        <Fact name={text.overview.changedToday} hint={text.overview.changedHint}>
          {formats.number(today.changed)}
        </Fact>
        <Fact
          name={text.overview.failedToday}
          tone={today.failed > 0 ? 'bad' : undefined}
          hint={today.failed > 0 ? text.overview.failedHint : text.overview.noFailures}
        >
          {formats.number(today.failed)}
        </Fact>
      </SimpleGrid>
      <Panel title={text.overview.latestBatches} isFlush>
        <ActingContext value={OWN}>
          <BatchTable limit={BATCHES_SHOWN} refreshMs={REFRESH_MS} />
        </ActingContext>
      </Panel>
    </>
  );
}

function totalsOf(intervals: Statistics['intervals']): {
  readonly lines: number;
  readonly changed: number;
  readonly failed: number;
} {
  const totals = { lines: 0, changed: 0, failed: 0 };
  for (const { lines, changed, failed } of intervals) {
    totals.lines += lines;
    totals.changed += changed;
    totals.failed += failed;
  }
  return totals;
}

function percent(part: number, whole: number, locale: string): string {
  const share = whole === 0 ? 1 : part / whole;
  return new Intl.NumberFormat(locale, { style: 'percent' }).format(share);
}
