import { useMemo } from 'react';
import uPlot from 'uplot';
import Chart, { type ChartLook } from '../chart/chart.tsx';
import { useFormats, useText } from '../language/language.tsx';
import type { HourCounts } from './statistics.ts';

const HEIGHT_PX = 160;
const HOUR_SECONDS = 3600;

/** The lines of each hour as bars, and how many of them failed. */
export default function HourChart({ hours }: { readonly hours: readonly HourCounts[] }) {
  const text = useText();
  const formats = useFormats();
  const data = useMemo(
    (): uPlot.AlignedData => [
      hours.map(({ start }) => Date.parse(start) / 1000),
      hours.map(({ lines }) => lines),
      hours.map(({ failed }) => failed),
    ],
    [hours],
  );
  const sum = (counts: (hour: HourCounts) => number): string =>
    formats.number(hours.reduce((total, hour) => total + counts(hour), 0));
  const label = text.overview.hoursLabel(
    sum(({ lines }) => lines),
    sum(({ failed }) => failed),
  );
  const readout = (place: number) => {
    const hour = hours[place];
    if (hour === undefined) return null;
    return (
      <>
        <strong>{text.overview.linesOf(formats.number(hour.lines))}</strong>
        {hour.failed > 0 ? (
          <span className="bad">{text.overview.failedOf(formats.number(hour.failed))}</span>
        ) : null}
        <span className="muted">{formats.hour(hour.start)}</span>
      </>
    );
  };
  return <Chart data={data} height={HEIGHT_PX} label={label} readout={readout} partsOf={partsOf} />;
}

function partsOf({ colour }: ChartLook): Pick<uPlot.Options, 'series' | 'scales'> {
  const bars = uPlot.paths.bars?.({ size: [0.7, 24], align: 1, radius: 0.12 });
  const series = (name: string): uPlot.Series => ({
    fill: colour(name),
    width: 0,
    points: { show: false },
    ...(bars !== undefined && { paths: bars }),
  });
  return {
    scales: {
      // The last bar is as wide as an hour, too.
      x: { range: (_plot, min, max) => [min, max + HOUR_SECONDS] },
      y: { range: (_plot, _min, max) => [0, Math.max(4, max) * 1.1] },
    },
    series: [{}, series('--onhand-accent'), series('--onhand-bad')],
  };
}
