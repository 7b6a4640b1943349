import { setTimeout as delay } from 'node:timers/promises';
import { RemoteRefusal, RemoteSilence } from './http.ts';

const DELAY_FIRST_MS = 500;
const DELAY_LAST_MS = 60_000;
const MINUTE_MS = 60_000;
const REQUEST_TIMEOUT = 408;
const RATE_LIMITED = 429;
const SERVER_ERRORS_FROM = 500;

/** Called before each retry with the failure and the delay until the retry. */
type OnRetry = (error: Error, delayMs: number) => void;

/** Retries network failures and overloaded servers until a time limit, counted from the last success. */
export class RetryPolicy {
  readonly #limitMs: number;
  readonly #onRetry: OnRetry;
  #deadlineMs: number | undefined;
  #delayMs = DELAY_FIRST_MS;

  constructor(limitMinutes: number, onRetry: OnRetry) {
    this.#limitMs = limitMinutes * MINUTE_MS;
    this.#onRetry = onRetry;
  }

  /** Runs the work until it succeeds; rejects as `waitAfter` does. */
  async retry<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await work();
        this.reset();
        return result;
      } catch (error) {
        await this.waitAfter(error);
      }
    }
  }

  /**
   * Waits before the next attempt: exponential backoff with jitter, at least the server's Retry-After.
   * Rejects with the failure itself if it is permanent or the time limit is over.
   */
  async waitAfter(error: unknown): Promise<void> {
    if (!isTransient(error)) throw error;
    this.#deadlineMs ??= performance.now() + this.#limitMs;
    const jitteredMs = this.#delayMs * (0.5 + Math.random() / 2);
    const delayMs = Math.max(jitteredMs, (error.retryAfterSeconds ?? 0) * 1000);
    if (performance.now() + delayMs > this.#deadlineMs) throw error;
    this.#delayMs = Math.min(this.#delayMs * 2, DELAY_LAST_MS);
    this.#onRetry(error, delayMs);
    await delay(delayMs);
  }

  /** Restarts the time limit and the backoff after a success. */
  reset(): void {
    this.#deadlineMs = undefined;
    this.#delayMs = DELAY_FIRST_MS;
  }
}

function isTransient(error: unknown): error is RemoteSilence | RemoteRefusal {
  if (error instanceof RemoteSilence) return true;
  if (!(error instanceof RemoteRefusal)) return false;
  const { status } = error;
  return status === REQUEST_TIMEOUT || status === RATE_LIMITED || status >= SERVER_ERRORS_FROM;
}
