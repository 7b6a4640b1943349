import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** How often the tokens of open requests are checked. With a cache of one second, a revocation takes effect within two. */
const CHECK_EVERY_MS = 500;
/** A request that ends sooner is not checked again. */
const OPEN_MS_MIN = 1000;

interface Watched {
  readonly response: ServerResponse;
  readonly openedAtMs: number;
  /** Set for a request that ends itself. */
  abort: AbortController | undefined;
}

interface TokenWatchParts {
  /** Rejects if the token of a request is no longer valid. */
  readonly check: (request: FastifyRequest) => Promise<void>;
  /** Ends a request that does not end itself. It is called again while the request is open. */
  readonly end: (request: FastifyRequest, response: ServerResponse) => void;
}

/** Checks the tokens of requests that stay open, all by one timer, whatever the requests are doing. */
export class TokenWatch {
  readonly #parts: TokenWatchParts;
  readonly #open = new Map<FastifyRequest, Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: TokenWatchParts) {
    this.#parts = parts;
  }

  /** How many requests are watched. */
  get size(): number {
    return this.#open.size;
  }

  /** Watches a request until its response has ended. */
  watch(request: FastifyRequest, response: ServerResponse): void {
    // A closed response emits no second 'close'.
    if (response.closed) return;
    this.#open.set(request, { response, openedAtMs: performance.now(), abort: undefined });
    response.once('close', () => this.#open.delete(request));
    this.#schedule();
  }

  /** A signal that is aborted, with the error to answer, when the token of a request becomes invalid. */
  signalOf(request: FastifyRequest): AbortSignal {
    const abort = new AbortController();
    const watched = this.#open.get(request);
    if (watched !== undefined) watched.abort = abort;
    return abort.signal;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#open.size === 0) return;
    this.#timer = setTimeout(() => void this.#checkAll(), CHECK_EVERY_MS).unref();
  }

  async #checkAll(): Promise<void> {
    const openedBeforeMs = performance.now() - OPEN_MS_MIN;
    const old = [...this.#open].filter(([, { openedAtMs }]) => openedAtMs < openedBeforeMs);
    // Many requests share a token.
    const byToken = Map.groupBy(
      old,
      ([{ headers }]) => headers.authorization ?? headers.cookie ?? '',
    );
    await Promise.all([...byToken.values()].map((sharing) => this.#checkOne(sharing)));
    this.#timer = undefined;
    this.#schedule();
  }

  async #checkOne(sharing: readonly [FastifyRequest, Watched][]): Promise<void> {
    const [first] = sharing;
    if (first === undefined) return;
    try {
      await this.#parts.check(first[0]);
    } catch (error) {
      for (const [request, { response, abort }] of sharing) {
        if (abort === undefined) this.#parts.end(request, response);
        else abort.abort(error);
      }
    }
  }
}
