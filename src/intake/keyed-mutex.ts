import { OnhandError } from '../domain/errors.ts';

/** How long a request waits for another one with the same key. */
export const KEYED_MUTEX_WAIT_MS = 30_000;
const RETRY_SECONDS = 5;

/** Lets requests with the same key through one after another, so that the second sees what became of the first. */
export class KeyedMutex {
  readonly #waitMs: number;
  /** Resolves when the last request that came with the key is through, or has gone. */
  readonly #lastOf = new Map<string, Promise<void>>();

  constructor(waitMs: number = KEYED_MUTEX_WAIT_MS) {
    this.#waitMs = waitMs;
  }

  /** Does the work when those before it are through. Rejects with `request_in_progress` where that takes too long. */
  async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastOf.get(key);
    const { promise: through, resolve: leave } = Promise.withResolvers<void>();
    // Who gives up lets nobody pass: those behind wait for the one before it as well.
    const last = before === undefined ? through : both(before, through);
    this.#lastOf.set(key, last);
    try {
      if (before !== undefined) await this.#wait(before);
      return await work();
    } finally {
      leave();
      void this.#forget(key, last);
    }
  }

  /** Once nobody is under way with a key, nothing is kept of it. */
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
