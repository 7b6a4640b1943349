import { fdatasyncSync, openSync, closeSync, writeSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from './statistics.ts';

const PAGE = Buffer.alloc(4096, 1);
const PAUSE_MS = 4;

/** Syncs a page to the disk again and again while something else runs; gives the 99th percentile, in ms. */
export class BareFsync {
  readonly #path: string;
  readonly #tookMs: number[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(path: string) {
    this.#path = path;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const file = openSync(this.#path, 'w');
    while (!this.#isStopped) {
      const startedMs = performance.now();
      writeSync(file, PAGE);
      fdatasyncSync(file);
      this.#tookMs.push(performance.now() - startedMs);
      await delay(PAUSE_MS);
    }
    closeSync(file);
    rmSync(this.#path, { force: true });
  }

  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#done;
    return quantile(this.#tookMs, 0.99);
  }
}
