/**
 * The clock, timers and random numbers of a process that runs everything in one thread. The clock moves and timers fire
 * only when a step says so, and random numbers follow from the seed.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { Random } from '../random.ts';

/** 2026-11-28T00:00Z. */
export const FIRST_MS = 1_795_824_000_000;

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

export class VirtualTime {
  #nowMs = FIRST_MS;
  /** The monotonic clock, which timers use: it does not jump. */
  #elapsedMs = 0;
  #lastTimer = 0;
  readonly #timers = new Map<number, Timer>();
  #random = new Random(0);
  /** How many times random bytes were requested. */
  fills = 0;

  /** Replaces the clock, the timers and the random numbers of this process. */
  install(): void {
    Date.now = () => this.#nowMs;
    performance.now = () => this.#elapsedMs;
    Math.random = () => this.#random.next();
    Reflect.set(globalThis, 'setTimeout', (run: () => void, ms = 0) => {
      this.#lastTimer += 1;
      this.#timers.set(this.#lastTimer, { atMs: this.#elapsedMs + ms, run });
      return this.#lastTimer;
    });
    Reflect.set(globalThis, 'clearTimeout', (timer: unknown) => {
      if (typeof timer === 'number') this.#timers.delete(timer);
      else if (timer instanceof Object) Reflect.apply(realClearTimeout, globalThis, [timer]);
    });
    const fill = <T extends NodeJS.ArrayBufferView>(bytes: T): T => {
      this.fills += 1;
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < view.length; i += 1) view[i] = this.#random.below(256);
      return bytes;
    };
    Reflect.set(crypto, 'randomFillSync', fill);
    Reflect.set(crypto, 'randomBytes', (size: number) => fill(Buffer.alloc(size)));
    syncBuiltinESMExports();
  }

  begin(seed: number): void {
    this.#nowMs = FIRST_MS;
    this.#elapsedMs = 0;
    this.#timers.clear();
    this.#random = new Random(seed);
  }

  /** Sets the clock forward or back. No timer fires. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass: fires the timers that are due. */
  pass(ms: number): void {
    this.#nowMs += ms;
    this.#elapsedMs += ms;
    for (const [id, { atMs, run }] of this.#timers) {
      if (atMs > this.#elapsedMs) continue;
      this.#timers.delete(id);
      run();
    }
  }
}
