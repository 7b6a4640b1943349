import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Instruments } from './instruments.ts';

const RESOLUTION_MS = 10;
const NS_PER_SECOND = 1e9;

/** Measures the event loop of the main thread, and the memory and processor time of the process. */
export class ProcessWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  update(instruments: Instruments): void {
    const { mean, max } = this.#delay;
    instruments.gauge('nodejs_eventloop_lag_mean_seconds', [[{}, delayOf(mean)]]);
    instruments.gauge('nodejs_eventloop_lag_p99_seconds', [
      [{}, delayOf(this.#delay.percentile(99))],
    ]);
    instruments.gauge('nodejs_eventloop_lag_max_seconds', [[{}, delayOf(max)]]);
    this.#delay.reset();
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
    instruments.gauge('nodejs_heap_size_used_bytes', [[{}, heapUsed]]);
    instruments.gauge('nodejs_heap_size_total_bytes', [[{}, heapTotal]]);
    instruments.gauge('nodejs_external_memory_bytes', [[{}, external]]);
    instruments.gauge('process_resident_memory_bytes', [[{}, rss]]);
    const { user, system } = process.cpuUsage();
    instruments.total('process_cpu_seconds_total', [[{}, (user + system) / 1e6]]);
    const startedMs = performance.timeOrigin;
    instruments.gauge('process_start_time_seconds', [[{}, startedMs / 1000]]);
  }

  stop(): void {
    this.#delay.disable();
  }
}

/** In seconds. What is measured is the time between two turns: that of an idle loop is the resolution. */
function delayOf(ns: number): number {
  return Number.isFinite(ns) ? Math.max(0, ns / NS_PER_SECOND - RESOLUTION_MS / 1000) : 0;
}
