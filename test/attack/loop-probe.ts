/**
 * Loaded into an attacked server (`node --import`): appends the delay of its event loop to a file, one line per
 * window: the 99th percentile, the worst, and the most processor time that the thread used between two ticks, in ms. That
 * time does not depend on what else the machine does.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const WINDOW_MS = 200;
const TICK_MS = 2;
const US_PER_MS = 1000;
const NS_PER_MS = 1e6;
const file = process.env['LOOP_PROBE_FILE'];

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let before = process.threadCpuUsage();
  let sliceMs = 0;
  setInterval(() => {
    const used = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    sliceMs = Math.max(sliceMs, (used.user + used.system) / US_PER_MS);
  }, TICK_MS).unref();
  setInterval(() => {
    const [p99Ms, worstMs] = [delay.percentile(99) / NS_PER_MS, delay.max / NS_PER_MS];
    appendFileSync(file, `${p99Ms} ${worstMs} ${sliceMs}\n`);
    delay.reset();
    sliceMs = 0;
  }, WINDOW_MS).unref();
}
