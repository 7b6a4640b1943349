import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';

/** What a second tenant met: its requests, one after another, while something else ran. */
export interface Latencies {
  readonly requests: number;
  /** Requests that were not answered 200, such as `GET /timp/products/skus/: 503`. */
  readonly refused: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** The p99 that `before` measured last; 0 if it was not called. */
  readonly p99BeforeMs: number;
}

/** Rounds that are measured at least, so that a percentile means something. */
const ROUNDS_MIN = 20;
const LINES_PER_UPDATE = 5;
/** Generous: tests run on shared machines. An attack that is not contained takes seconds. */
const P99_MS_MAX = 1000;
/** On a machine that is slow already before the attack, the bound is this many times that p99. */
const P99_RATIO_MAX = 20;

const BULK_PATH = '/timp/products/skus/inventory/bulk/';

/**
 * A tenant that works while another one attacks: small bulk updates and reads, each sent when the one before is
 * answered. It also asks for `/healthz`, which needs no store: its latency is the delay of the server's event loop.
 */
export class SecondTenant {
  readonly #url: string;
  readonly #token: string;
  readonly #skuIds: readonly string[];
  #p99BeforeMs = 0;
  /** Emits `round` after each round of requests. */
  readonly #progress = new EventEmitter();

  /** @param skuIds SKUs of the supplier that the token belongs to */
  constructor(
    url: string,
    { token, skuIds }: { readonly token: string; readonly skuIds: readonly string[] },
  ) {
    this.#url = url;
    this.#token = token;
    this.#skuIds = skuIds;
  }

  /** Measures `rounds` of requests with nothing else running: the figures before an attack. */
  async before(rounds: number = ROUNDS_MIN): Promise<Latencies> {
    const { latencies } = await this.#measure(rounds, Promise.resolve(undefined));
    this.#p99BeforeMs = latencies.p99Ms;
    return latencies;
  }

  /** Measures requests while `attack` runs, until it ends and at least `rounds` are measured. */
  during<T>(
    attack: Promise<T>,
    rounds: number = ROUNDS_MIN,
  ): Promise<{ readonly result: T; readonly latencies: Latencies }> {
    return this.#measure(rounds, attack);
  }

  /** Resolves when `rounds` more are measured: as long as an attack that only holds connections open needs to last. */
  async worked(rounds: number = ROUNDS_MIN): Promise<void> {
    for (let round = 0; round < rounds; round += 1) await once(this.#progress, 'round');
  }

  async #measure<T>(rounds: number, attack: Promise<T>) {
    const over = new AbortController();
    const end = (): void => over.abort();
    attack.then(end, end);
    // An attack that is over already ends after the least number of rounds.
    await nextTurn();
    const times: number[] = [];
    const refused: string[] = [];
    for (let round = 0; round < rounds || !over.signal.aborted; round += 1) {
      for (const [method, path, body] of this.#requestsOf(round)) {
        const startedMs = performance.now();
        const status = await this.#send(method, path, body);
        times.push(performance.now() - startedMs);
        if (status !== 200) refused.push(`${method} ${path}: ${status}`);
      }
      this.#progress.emit('round');
    }
    return { result: await attack, latencies: latenciesOf(times, refused, this.#p99BeforeMs) };
  }

  #requestsOf(round: number): readonly (readonly [string, string, string?])[] {
    const lines = Array.from({ length: LINES_PER_UPDATE }, (_, i) => ({
      sku_id: this.#skuIds[(round + i) % this.#skuIds.length],
      quantity_in_stock: round,
    }));
    return [
      ['POST', BULK_PATH, JSON.stringify(lines)],
      ['GET', '/timp/products/skus/?limit=5'],
      ['GET', '/healthz'],
    ];
  }

  /** The status, or the reason where the connection failed. */
  async #send(method: string, path: string, body: string | undefined): Promise<number | string> {
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: { authorization: `Token ${this.#token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body }),
      });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      return String(error);
    }
  }
}

function latenciesOf(
  times: readonly number[],
  refused: readonly string[],
  p99BeforeMs: number,
): Latencies {
  const ascending = times.toSorted((a, b) => a - b);
  const percentile = (share: number): number =>
    ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0;
  return {
    requests: times.length,
    refused,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    worstMs: percentile(1),
    p99BeforeMs,
  };
}

/**
 * Checks that a second tenant noticed nothing: every request was answered 200, and soon. On a slow or busy machine,
 * "soon" is relative to the latencies before the attack.
 */
export function expectIsolated(latencies: Latencies, p99MsMax: number = P99_MS_MAX): void {
  expect(latencies.refused).toEqual([]);
  const boundMs = Math.max(p99MsMax, P99_RATIO_MAX * latencies.p99BeforeMs);
  expect(latencies.p99Ms).toBeLessThan(boundMs);
}

/** A line for the table of an attack: p50 and p99 before and during. */
export function printLatencies(attack: string, before: Latencies, during: Latencies): string {
  const figures = ({ p50Ms, p99Ms, requests, refused }: Latencies): string =>
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms (${requests} requests, ${refused.length} refused)`;
  return `${attack}: before ${figures(before)}; during ${figures(during)}`;
}
