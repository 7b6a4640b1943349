/**
 * Takes the place of `src/store/sqlite/threads.ts` in a process of the torture: the store's threads run in the calling
 * thread, so that a run can be repeated from its seed. As between threads, calls arrive later, in order, as copies.
 */
import type { MessagePort } from 'node:worker_threads';
import { isFailedSync } from '../../src/store/sqlite/connection.ts';
import { asError, asFailure } from '../../src/store/sqlite/threads.ts';

/** What this file does not replace. */
export * from '../../src/store/sqlite/threads.ts';

interface Served {
  readonly calls: object;
  readonly close: () => void | Promise<void>;
}

type Start = (settings: unknown) => Served;

/** What each thread's file passed to `serveThread` when it was loaded. */
const starts = new Map<string, Start>();
let loading = '';

export function serveThread(start: Start): void {
  starts.set(loading, start);
}

/** Resolves when the file that was asked for last is loaded. */
let loaded: Promise<unknown> = Promise.resolve();

async function startOf(file: string): Promise<Start> {
  const known = starts.get(file);
  if (known !== undefined) return known;
  loaded = loaded.then(() => {
    loading = file;
    return import(file);
  });
  await loaded;
  const start = starts.get(file);
  if (start === undefined) throw new Error(`${file} serves nothing`);
  return start;
}

export class Thread {
  readonly activeMs = 0;
  readonly #file: string;
  readonly #onFatal: (reason: string) => void;
  #served: Served | undefined;
  #isClosed = false;

  private constructor(file: string, onFatal: (reason: string) => void) {
    this.#file = file;
    this.#onFatal = onFatal;
  }

  static load(url: URL, onFatal: (reason: string) => void): Thread {
    return new Thread(`${url.href}.ts`, onFatal);
  }

  async start(settings: object, _ports: readonly MessagePort[] = []): Promise<void> {
    const start = await startOf(this.#file);
    await this.#handled(() => {
      // Settings are plain values and ports, which a copy would lose.
      this.#served = start(settings);
    });
  }

  call(name: string, argument: unknown): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error('the thread is closed'));
    const copy = structuredClone(argument);
    return this.#handled(() => {
      const calls = this.#served?.calls;
      const call: unknown = calls === undefined ? undefined : Reflect.get(calls, name);
      if (typeof call !== 'function') throw new Error(`there is no call ${name}`);
      return Reflect.apply(call, calls, [copy]);
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed || this.#served === undefined) return;
    this.#isClosed = true;
    const { close } = this.#served;
    await this.#handled(close);
  }

  /** Does something in a turn of its own, and passes errors on as between threads. */
  #handled(work: () => unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const fail = (error: unknown): void => {
      if (isFailedSync(error)) this.#onFatal('a sync of the database to the disk failed');
      reject(asError(structuredClone(asFailure(error))));
    };
    setImmediate(() => {
      try {
        const value = work();
        if (value instanceof Promise) value.then((later) => resolve(structuredClone(later)), fail);
        else resolve(structuredClone(value));
      } catch (error) {
        fail(error);
      }
    });
    return promise;
  }
}
