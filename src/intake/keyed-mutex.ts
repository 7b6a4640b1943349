import { OnhandError } from '../domain/errors.ts';

/** How long a request waits for others with the same key. */
export const KEYED_MUTEX_WAIT_MS = 30_000;
const RETRY_SECONDS = 5;

/** Runs work with the same key one at a time, so that a repeated request sees the first one's result. */
export class KeyedMutex {
  readonly #waitMs: number;
  /** For each key, resolves when all work with it has finished or given up. */
  readonly #lastOf = new Map<string, Promise<void>>();

  constructor(waitMs: number = KEYED_MUTEX_WAIT_MS) {
    this.#waitMs = waitMs;
  }

  /** Runs the work after all earlier work with the key. Rejects with `request_in_progress` if that takes too long. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastOf.get(key);
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    // If this work gives up waiting, later work must still wait for the earlier one.
    const last = before === undefined ? finished : both(before, finished);
    this.#lastOf.set(key, last);
    try {
      if (before !== undefined) await this.#wait(before);
      return await work();
    } finally {
      finish();
      void this.#forget(key, last);
    }
  }

  /** Drops a key once no work uses it. */
  async #forget(key: string, last: Promise<void>): Promise<void> {
    await last;
    if (this.#lastOf.get(key) === last) this.#lastOf.delete(key);
  }

  async #wait(before: Promise<void>): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(inProgress()), this.#waitMs);
    try {
      await Promise.race([before, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function both(first: Promise<void>, second: Promise<void>): Promise<void> {
  await first;
  await second;
}

function inProgress(): OnhandError {
  return new OnhandError(
    'request_in_progress',
    'A request with this Idempotency-Key is being applied; send this one again later, as it is.',
    { retryAfterSeconds: RETRY_SECONDS },
  );
}
