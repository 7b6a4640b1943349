import { createHash } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { OnhandError } from '../../domain/errors.ts';
import { consumePoint } from '../request/admission.ts';

export interface LoginThrottleLimits {
  /** Failed attempts for one name from one network within the window; more are refused. */
  readonly loginAttemptsMax: number;
  /** Failed attempts for one name from all networks within the window; each further one must wait longer. */
  readonly loginAttemptsPerNameMax: number;
  readonly loginWindowMs: number;
}

/** The names of a network that are not known there share this many times the limit of one name. */
const NAMES_OF_NETWORK_MAX = 10;
/** The wait after the limit of a name: it doubles with each failure, and is short, since anyone can cause it. */
const WAIT_FIRST_MS = 1000;
const WAIT_MAX_MS = 60_000;
/** Networks with an earlier successful login of a name, and names with a wait, that are remembered. */
const REMEMBERED_MAX = 10_000;

/**
 * Limits failed attempts by name and network, by network, and by name. A stranger can delay the logins of a name by a
 * minute at most, and not at all from networks from which its user has logged in. There, failed attempts for other names
 * do not count against it either.
 */
export class LoginThrottle {
  readonly #byNameAndNetwork: RateLimiterMemory;
  readonly #byNetwork: RateLimiterMemory;
  readonly #failures: RateLimiterMemory;
  readonly #perNameMax: number;
  readonly #known = new Map<string, true>();
  /** When the next attempt for a name is allowed, by the monotonic clock. */
  readonly #waits = new Map<string, number>();

  constructor(limits: LoginThrottleLimits) {
    const { loginAttemptsMax, loginAttemptsPerNameMax, loginWindowMs } = limits;
    const duration = Math.ceil(loginWindowMs / 1000);
    this.#byNameAndNetwork = new RateLimiterMemory({ points: loginAttemptsMax, duration });
    this.#byNetwork = new RateLimiterMemory({
      points: loginAttemptsMax * NAMES_OF_NETWORK_MAX,
      duration,
    });
    this.#failures = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration });
    this.#perNameMax = loginAttemptsPerNameMax;
  }

  /**
   * Counts an attempt when it begins, so that parallel ones count too; a success is subtracted again. Rejects with
   * `rate_limited`.
   */
  async attempt<T>(username: string, network: string, login: () => Promise<T>): Promise<T> {
    // Names are chosen by clients, and can be long.
    const name = createHash('sha256').update(username).digest('base64');
    const place = `${name} ${network}`;
    const isCounted = !this.#known.has(place);
    if (isCounted) {
      // Strangers can cause this wait, so that keeping to it must not use up the attempts of the user.
      this.#refuseWaiting(name);
      await consumePoint(this.#byNetwork, network);
    }
    await consumePoint(this.#byNameAndNetwork, place);
    if (isCounted) await this.#countFailure(name);
    try {
      const result = await login();
      await this.#byNameAndNetwork.delete(place);
      if (isCounted) await this.#forgive(name, network);
      remember(this.#known, place, true);
      return result;
    } catch (error) {
      // Only a wrong password counts.
      if (!(error instanceof OnhandError) || error.code !== 'login_failed') {
        await this.#byNameAndNetwork.reward(place);
        if (isCounted) await this.#forgive(name, network);
      }
      throw error;
    }
  }

  /** Subtracts an attempt that was counted and has not failed. */
  async #forgive(name: string, network: string): Promise<void> {
    await this.#byNetwork.reward(network);
    await this.#failures.reward(name);
  }

  #refuseWaiting(name: string): void {
    const waitMs = (this.#waits.get(name) ?? 0) - performance.now();
    if (waitMs <= 0) return;
    const retryAfterSeconds = Math.ceil(waitMs / 1000);
    throw new OnhandError(
      'rate_limited',
      `Too many failed logins for this name. Wait ${retryAfterSeconds} s before the next one.`,
      { retryAfterSeconds },
    );
  }

  async #countFailure(name: string): Promise<void> {
    const { consumedPoints } = await this.#failures.consume(name);
    const excess = consumedPoints - this.#perNameMax;
    if (excess < 0) return;
    const waitMs = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** Math.min(excess, 10));
    remember(this.#waits, name, performance.now() + waitMs);
  }
}

/** Adds an entry; forgets the oldest if there are too many. */
function remember<V>(entries: Map<string, V>, key: string, value: V): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > REMEMBERED_MAX && oldest !== undefined) entries.delete(oldest);
}
