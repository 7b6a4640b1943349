import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import {
  definitionOf,
  METRIC_NAMES,
  seriesOf,
  type LabelsOf,
  type MetricName,
} from './definitions.ts';

/** The text of all metrics. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** The values of all metrics of one server. */
export class Instruments {
  readonly #registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  readonly #counters = new Map<string, Counter<string>>();
  readonly #gauges = new Map<string, Gauge<string>>();
  readonly #histograms = new Map<string, Histogram<string>>();

  constructor() {
    for (const name of METRIC_NAMES) {
      const definition = definitionOf(name);
      const { type, help, labels = {}, buckets = [] } = definition;
      const config = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
      if (type === 'counter') this.#addCounter(name, new Counter(config), seriesOf(definition));
      else if (type === 'gauge') this.#gauges.set(name, new Gauge(config));
      else this.#histograms.set(name, new Histogram({ ...config, buckets: [...buckets] }));
    }
    // A gauge without labels is 0 from its creation; one that nothing sets must not be shown.
    for (const gauge of this.#gauges.values()) gauge.remove({});
  }

  #addCounter(
    name: string,
    counter: Counter<string>,
    series: readonly Readonly<Record<string, string>>[],
  ): void {
    for (const labels of series) counter.inc(labels, 0);
    this.#counters.set(name, counter);
  }

  /** Adds to a counter. */
  count<Name extends MetricName<'counter'>>(name: Name, labels: LabelsOf<Name>, by = 1): void {
    found(this.#counters, name).inc(labels, by);
  }

  /** Takes over a total that was counted elsewhere. */
  total<Name extends MetricName<'counter'>>(
    name: Name,
    totals: Iterable<readonly [LabelsOf<Name>, number]>,
  ): void {
    const counter = found(this.#counters, name);
    counter.reset();
    for (const [labels, total] of totals) counter.inc(labels, total);
  }

  /** Adds a duration to a histogram. */
  observe<Name extends MetricName<'histogram'>>(
    name: Name,
    labels: LabelsOf<Name>,
    seconds: number,
  ): void {
    found(this.#histograms, name).observe(labels, seconds);
  }

  /** Sets all series of a gauge; others that it had are removed. */
  gauge<Name extends MetricName<'gauge'>>(
    name: Name,
    values: Iterable<readonly [LabelsOf<Name>, number]>,
  ): void {
    const gauge = found(this.#gauges, name);
    gauge.reset();
    gauge.remove({});
    for (const [labels, value] of values) gauge.set(labels, value);
  }

  async print(): Promise<Exposition> {
    return {
      contentType: this.#registry.contentType,
      text: await this.#registry.metrics(),
    };
  }
}

function found<T>(instruments: ReadonlyMap<string, T>, name: string): T {
  const instrument = instruments.get(name);
  if (instrument === undefined) throw new Error(`there is no metric ${name}`);
  return instrument;
}
