import { SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ActingContext, actingFor } from '../acting/acting.tsx';
import { BatchTable } from '../batches/batch-table.tsx';
import { Ago } from '../format/time.tsx';
import { Fact } from '../frame/fact.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed } from '../states/states.tsx';
import { Attention } from './attention.tsx';
import { confirmedWithin, freshnessQuery, skuCount } from './freshness.ts';
import { Hours } from './hours.tsx';
import { useOwnAttention } from './own-attention.tsx';
import { hoursQuery, todayOf } from './statistics.ts';

const REFRESH_MS = 15_000;
const BATCHES_SHOWN = 12;
const DAY_SECONDS = 86_400;
const OWN = actingFor(undefined);

/** A supplier's own numbers. */
export default function SupplierOverview() {
  const text = useText();
  const formats = useFormats();
  const freshness = useQuery(freshnessQuery);
  const statistics = useQuery(hoursQuery);
  const attention = useOwnAttention();
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
  const today = todayOf(statistics.data);
  const count = skuCount(own);
  const confirmed = confirmedWithin(own, DAY_SECONDS);
  const lateItems =
    own.is_late === true
      ? [
          {
            key: 'late',
            tone: 'bad',
            icon: 'clock',
            title: text.overview.youAreLate,
            detail: text.overview.youAreLateHint(own.expected_interval_minutes ?? 0),
          } as const,
        ]
      : [];
  return (
    <>
      <Attention items={[...lateItems, ...attention]} />
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Fact
          name={text.overview.skus}
          hint={text.overview.confirmed(formats.share(count === 0 ? 1 : confirmed / count))}
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
      <Hours hours={statistics.data} />
      <Panel title={text.overview.latestBatches} isFlush>
        <ActingContext value={OWN}>
          <BatchTable limit={BATCHES_SHOWN} refreshMs={REFRESH_MS} />
        </ActingContext>
      </Panel>
    </>
  );
}
