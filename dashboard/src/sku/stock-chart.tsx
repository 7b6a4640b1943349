import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import type { HistoryEntry, Sku } from '../../../client/src/index.ts';
import { useFormats, useText } from '../language/language.tsx';
import classes from './sku.module.css';

const HEIGHT_PX = 220;

/** Stock over time as steps: it stays as it is until the next change. */
export default function StockChart({
  sku,
  entries,
}: {
  readonly sku: Sku;
  /** The latest entry is the first. */
  readonly entries: readonly HistoryEntry[];
}) {
  const text = useText();
  const formats = useFormats();
  const scheme = useComputedColorScheme();
  const { ref: frame, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const data = useMemo(() => pointsOf(sku, entries), [sku, entries]);
  const [hovered, setHovered] = useState<number | null>(null);
  useEffect(() => {
    if (place.current === null || width === 0) return undefined;
    const plot = new uPlot(optionsOf(width, formats.locale, setHovered), data, place.current);
    return () => plot.destroy();
    // The colours are those of the scheme.
  }, [data, width, formats.locale, scheme]);
  const [times, stocks] = data;
  const quantities = stocks.filter((quantity) => quantity !== null);
  const at = hovered ?? times.length - 1;
  const [time, stock] = [times[at], stocks[at]];
  const label = text.sku.chartLabel(
    formats.number(Math.min(...quantities)),
    formats.number(Math.max(...quantities)),
  );
  return (
    <div ref={frame}>
      <div className={classes['readout']} aria-hidden="true">
        <strong>{stock === null || stock === undefined ? '–' : formats.number(stock)}</strong>
        <span className="muted">
          {time === undefined ? '' : formats.instant(new Date(time * 1000).toISOString())}
        </span>
      </div>
      <div ref={place} role="img" aria-label={label} className={classes['chart']} />
    </div>
  );
}

/** Unix times in seconds and the stock from each on, oldest first; the last is now. */
function pointsOf(sku: Sku, entries: readonly HistoryEntry[]): [number[], (number | null)[]] {
  const times: number[] = [];
  const stocks: (number | null)[] = [];
  const oldest = entries.at(-1);
  const created = Date.parse(sku.created) / 1000;
  const first = oldest === undefined ? sku.quantity_in_stock : oldest.before.quantity_in_stock;
  if (oldest === undefined || created < Date.parse(oldest.time) / 1000) {
    times.push(created);
    stocks.push(first);
  }
  for (const { time, after } of entries.toReversed()) {
    times.push(Date.parse(time) / 1000);
    stocks.push(after.quantity_in_stock);
  }
  times.push(Math.max(Date.now() / 1000, (times.at(-1) ?? 0) + 1));
  stocks.push(sku.quantity_in_stock);
  return [times, stocks];
}

function optionsOf(
  width: number,
  locale: string,
  onHover: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const [line, grid, axis] = [
    colour('--onhand-accent'),
    colour('--onhand-line'),
    colour('--mantine-color-dimmed'),
  ];
  const font = '11px system-ui, sans-serif';
  const axes = { stroke: axis, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
  const steps = uPlot.paths.stepped?.({ align: 1 });
  const compact = new Intl.NumberFormat(locale, { notation: 'compact' });
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, points: { size: 7, fill: line } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max) * 1.1] } },
    series: [
      {},
      {
        stroke: line,
        width: 2,
        fill: `${line}1f`,
        ...(steps !== undefined && { paths: steps }),
        points: { show: false },
      },
    ],
    axes: [
      { ...axes, values: (_plot, times) => timeLabels(times, locale) },
      {
        ...axes,
        size: 48,
        values: (_plot, values) => values.map((value) => compact.format(value)),
      },
    ],
    hooks: { setCursor: [({ cursor: { idx } }) => onHover(idx ?? null)] },
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
