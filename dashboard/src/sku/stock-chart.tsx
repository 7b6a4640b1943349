import { useMemo } from 'react';
import uPlot from 'uplot';
import type { HistoryEntry, Sku } from '../../../client/src/index.ts';
import Chart, { type ChartLook } from '../chart/chart.tsx';
import { useFormats, useText } from '../language/language.tsx';

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
  const data = useMemo(() => pointsOf(sku, entries), [sku, entries]);
  const [times, stocks] = data;
  const quantities = stocks.filter((quantity) => quantity !== null);
  const label = text.sku.chartLabel(
    formats.number(Math.min(...quantities)),
    formats.number(Math.max(...quantities)),
  );
  const readout = (place: number) => {
    const [time, stock] = [times[place], stocks[place]];
    return (
      <>
        <strong>{stock === null || stock === undefined ? '–' : formats.number(stock)}</strong>
        <span className="muted">
          {time === undefined ? '' : formats.instant(new Date(time * 1000).toISOString())}
        </span>
      </>
    );
  };
  return <Chart data={data} height={HEIGHT_PX} label={label} readout={readout} partsOf={partsOf} />;
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

function partsOf({ colour }: ChartLook): Pick<uPlot.Options, 'series' | 'scales'> {
  const line = colour('--onhand-accent');
  const steps = uPlot.paths.stepped?.({ align: 1 });
  return {
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
  };
}
