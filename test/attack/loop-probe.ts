/**
 * Loaded into an attacked server (`node --import`): appends the delay of its event loop to a file, one line per
 * window: the 99th percentile and the worst, in ms.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const WINDOW_MS = 200;
const NS_PER_MS = 1e6;
const file = process.env['LOOP_PROBE_FILE'];

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  setInterval(() => {
    appendFileSync(file, `${delay.percentile(99) / NS_PER_MS} ${delay.max / NS_PER_MS}\n`);
    delay.reset();
  }, WINDOW_MS).unref();
}
