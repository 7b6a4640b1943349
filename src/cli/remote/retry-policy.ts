import { setTimeout as delay } from 'node:timers/promises';
import { RemoteRefusal, RemoteSilence } from './client.ts';

const PAUSE_FIRST_MS = 500;
const PAUSE_LAST_MS = 60_000;
const MINUTE_MS = 60_000;
const REQUEST_TIMEOUT = 408;
const RATE_LIMITED = 429;
const SERVER_FAULTS_FROM = 500;

/** Told of each failure that is not the last, and when there is another attempt, in ms. */
export type OnPause = (error: Error, pauseMs: number) => void;

/** How long a dead network or a server that takes nothing on is borne with, from the last success on. */
export class RetryPolicy {
  readonly #limitMs: number;
  readonly #onPause: OnPause;
  #untilMs: number | undefined;
  #pauseMs = PAUSE_FIRST_MS;

  constructor(limitMinutes: number, onPause: OnPause) {
    this.#limitMs = limitMinutes * MINUTE_MS;
    this.#onPause = onPause;
  }

  /** Does the work, again and again until it succeeds; rejects as `after` does. */
  async keepTrying<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const done = await work();
        this.restore();
        return done;
      } catch (error) {
        await this.after(error);
      }
    }
  }

  /**
   * Pauses before the next attempt, ever longer and never exactly as long as others do. Rejects with the
   * failure itself where it is not a passing one, or has lasted too long.
   */
  async after(error: unknown): Promise<void> {
    if (!isPassing(error)) throw error;
    this.#untilMs ??= performance.now() + this.#limitMs;
    const ownMs = this.#pauseMs * (0.5 + Math.random() / 2);
    const pauseMs = Math.max(ownMs, (error.retryAfterSeconds ?? 0) * 1000);
    if (performance.now() + pauseMs > this.#untilMs) throw error;
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_LAST_MS);
    this.#onPause(error, pauseMs);
    await delay(pauseMs);
  }

  /** Something succeeded: the next failure is a first one. */
  restore(): void {
    this.#untilMs = undefined;
    this.#pauseMs = PAUSE_FIRST_MS;
  }
}

function isPassing(error: unknown): error is RemoteSilence | RemoteRefusal {
  if (error instanceof RemoteSilence) return true;
  if (!(error instanceof RemoteRefusal)) return false;
  const { status } = error;
  return status === REQUEST_TIMEOUT || status === RATE_LIMITED || status >= SERVER_FAULTS_FROM;
}
