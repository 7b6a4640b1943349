import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useFormats } from '../language/language.tsx';
import classes from './chart.module.css';

/** What all charts look like, in the colours of the theme. */
export interface ChartLook {
  readonly locale: string;
  /** The value of a CSS variable. */
  readonly colour: (name: string) => string;
}

/** A chart over time, with the values under the pointer above it; the latest ones without a pointer. */
export default function Chart({
  data,
  height,
  label,
  readout,
  partsOf,
}: {
  /** Unix times in seconds, oldest first, and the values of each series. */
  readonly data: uPlot.AlignedData;
  readonly height: number;
  /** What the chart shows, for those who cannot see it. */
  readonly label: string;
  readonly readout: (place: number) => ReactNode;
  /** The series and the scale; must not change between renders. */
  readonly partsOf: (look: ChartLook) => Pick<uPlot.Options, 'series' | 'scales'>;
}) {
  const { locale } = useFormats();
  const scheme = useComputedColorScheme();
  const { ref: frame, width } = useElementSize();
  const box = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  useEffect(() => {
    if (box.current === null || width === 0) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const options = {
      ...frameOf(colour, locale),
      ...partsOf({ locale, colour }),
      width,
      height,
      hooks: { setCursor: [({ cursor: { idx } }: uPlot) => setHovered(idx ?? null)] },
    };
    const plot = new uPlot(options, data, box.current);
    return () => plot.destroy();
    // The colours are those of the scheme.
  }, [data, width, height, locale, scheme, partsOf]);
  return (
    <div ref={frame}>
      <div className={classes['readout']} aria-hidden="true">
        {readout(hovered ?? data[0].length - 1)}
      </div>
      <div ref={box} role="img" aria-label={label} style={{ minHeight: height }} />
    </div>
  );
}

function frameOf(colour: ChartLook['colour'], locale: string) {
  const [line, grid, axis] = [
    colour('--onhand-accent'),
    colour('--onhand-line'),
    colour('--mantine-color-dimmed'),
  ];
  const font = '11px system-ui, sans-serif';
  const axes = { stroke: axis, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
  const compact = new Intl.NumberFormat(locale, { notation: 'compact' });
  return {
    legend: { show: false },
    cursor: { y: false, points: { size: 7, fill: line } },
    axes: [
      { ...axes, values: (_plot: uPlot, times: number[]) => timeLabels(times, locale) },
      {
        ...axes,
        size: 48,
        values: (_plot: uPlot, values: number[]) => values.map((value) => compact.format(value)),
      },
    ],
  };
}

const MINUTE_SECONDS = 60;
const DAY_SECONDS = 86_400;

/** Days, or times of day where the ticks are closer. */
function timeLabels(times: readonly number[], locale: string): string[] {
  const [first = 0, second = first + DAY_SECONDS] = times;
  const step = second - first;
  const time = { hour: 'numeric', minute: '2-digit' } as const;
  const format = new Intl.DateTimeFormat(
    locale,
    step >= DAY_SECONDS
      ? { day: 'numeric', month: 'short' }
      : { ...time, ...(step < MINUTE_SECONDS && { second: '2-digit' }) },
  );
  return times.map((time) => format.format(time * 1000));
}
