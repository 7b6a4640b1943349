import { Alert, SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { onhand } from '../api/client.ts';
import { Ago } from '../format/time.tsx';
import { Fact } from '../frame/fact.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, LoadingRows } from '../states/states.tsx';
import { BatchList, type Batch } from './batch-list.tsx';
import { confirmedWithin, freshnessQuery, skuCount } from './freshness.ts';

const REFRESH_MS = 15_000;
/** As many as one request returns; the figures of today count no more. */
const BATCHES_MAX = 100;
const BATCHES_SHOWN = 12;
const DAY_SECONDS = 86_400;

/** A supplier's own numbers. */
export function SupplierOverview() {
  const text = useText();
  const formats = useFormats();
  const freshness = useQuery(freshnessQuery);
  const batches = useQuery({
    queryKey: ['batches', 'latest'],
    queryFn: async ({ signal }) => onhand.batches.page({ limit: BATCHES_MAX }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const error = freshness.error ?? batches.error;
  if (error !== null) {
    const retry = (): void => {
      void freshness.refetch();
      void batches.refetch();
    };
    return <Failed error={error} onRetry={retry} />;
  }
  const own = freshness.data?.[0];
  const all = batches.data?.batches ?? [];
  const today = totalsOf(all.filter(({ applied }) => isToday(applied)));
  if (own === undefined || batches.data === undefined) {
    return (
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {['skus', 'lines', 'changed', 'failed'].map((name) => (
          <Skeleton key={name} height={82} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
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
        {batches.isPending ? <LoadingRows /> : <BatchList batches={all.slice(0, BATCHES_SHOWN)} />}
      </Panel>
    </>
  );
}

function isToday(time: string): boolean {
  return new Date(time).toDateString() === new Date().toDateString();
}

function totalsOf(batches: readonly Batch[]): {
  readonly lines: number;
  readonly changed: number;
  readonly failed: number;
} {
  const sum = (of: (batch: Batch) => number): number =>
    batches.reduce((total, batch) => total + of(batch), 0);
  return {
    lines: sum(({ line_count: lines }) => lines),
    changed: sum(({ changed_count: changed }) => changed),
    failed: sum((batch) => batch.line_count - (batch.status_counts['200'] ?? 0)),
  };
}

function percent(part: number, whole: number, locale: string): string {
  const share = whole === 0 ? 1 : part / whole;
  return new Intl.NumberFormat(locale, { style: 'percent' }).format(share);
}
