import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

const PROBE = new URL('loop-probe.ts', import.meta.url).href;

export interface LoopDelay {
  /** The largest 99th percentile of a window, and the worst delay, in ms. */
  readonly p99Ms: number;
  readonly worstMs: number;
  /** The most processor time between two ticks, in ms. */
  readonly sliceMs: number;
  /** The share of ticks before which the thread used more than 50 ms of processor time. */
  readonly lateShare: number;
}

let files = 0;

/** The delays of a server's event loop, which a probe in its process measures. */
export class LoopDelays {
  readonly #file: string;

  constructor() {
    files += 1;
    this.#file = join(tmpdir(), `onhand-loop-${process.pid}-${files}.txt`);
  }

  /** The environment of the server to be measured. */
  async environment(): Promise<Record<string, string>> {
    await writeFile(this.#file, '');
    return { NODE_OPTIONS: `--import ${PROBE}`, LOOP_PROBE_FILE: this.#file };
  }

  /** The delays while `work` runs. */
  async during(work: () => Promise<unknown>): Promise<LoopDelay> {
    const before = (await readFile(this.#file, 'utf8')).length;
    await work();
    // One more window, so that the end of the work is measured.
    const windowsOf = async (): Promise<string[]> =>
      (await readFile(this.#file, 'utf8')).slice(before).split('\n').slice(0, -1);
    const { length } = await windowsOf();
    await expect.poll(async () => (await windowsOf()).length).toBeGreaterThan(length);
    const windows = (await windowsOf()).map((line) => line.split(' ').map(Number));
    return {
      p99Ms: Math.max(...windows.map(([p99 = 0]) => p99)),
      worstMs: Math.max(...windows.map(([, worst = 0]) => worst)),
      sliceMs: Math.max(...windows.map(([, , slice = 0]) => slice)),
      lateShare:
        windows.reduce((sum, [, , , , late = 0]) => sum + late, 0) /
        windows.reduce((sum, [, , , ticks = 0]) => sum + ticks, 0),
    };
  }

  remove(): Promise<void> {
    return rm(this.#file, { force: true });
  }
}
