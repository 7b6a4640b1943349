import { Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import type { HourCounts } from './statistics.ts';

const HourChart = lazy(async () => import('./hour-chart.tsx'));

/** The last 24 hours. The chart is loaded after the figures, which need no library. */
export function Hours({ hours }: { readonly hours: readonly HourCounts[] }) {
  const text = useText();
  return (
    <Panel title={text.overview.hours}>
      <Suspense fallback={<Skeleton height={180} />}>
        <HourChart hours={hours} />
      </Suspense>
    </Panel>
  );
}
