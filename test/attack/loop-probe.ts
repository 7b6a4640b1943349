/**
 * Loaded into an attacked server (`node --import`): appends the delay of its event loop to a file, one line per
 * window: the 99th percentile, the worst, and the most processor time that the thread used between two ticks, in ms; the
 * number of ticks, and of those before which it used too much. That time does not depend on what else the machine does.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const WINDOW_MS = 200;
const TICK_MS = 2;
/** The most that the 99th percentile may be. */
const LATE_MS = 50;
const US_PER_MS = 1000;
const NS_PER_MS = 1e6;
const file = process.env['LOOP_PROBE_FILE'];

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let before = process.threadCpuUsage();
  let [sliceMs, ticks, lateTicks] = [0, 0, 0];
  setInterval(() => {
    const used = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    const usedMs = (used.user + used.system) / US_PER_MS;
    sliceMs = Math.max(sliceMs, usedMs);
    ticks += 1;
    if (usedMs > LATE_MS) lateTicks += 1;
  }, TICK_MS).unref();
  setInterval(() => {
    const [p99Ms, worstMs] = [delay.percentile(99) / NS_PER_MS, delay.max / NS_PER_MS];
    appendFileSync(file, `${p99Ms} ${worstMs} ${sliceMs} ${ticks} ${lateTicks}\n`);
    delay.reset();
    [sliceMs, ticks, lateTicks] = [0, 0, 0];
  }, WINDOW_MS).unref();
}
