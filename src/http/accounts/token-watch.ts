import type { FastifyRequest } from 'fastify';

/** How often the tokens of open streams are checked. With a cache of one second, a revocation takes effect within two. */
const CHECK_EVERY_MS = 500;

interface Watched {
  readonly request: FastifyRequest;
  readonly abort: AbortController;
}

/** Checks the tokens of requests that stay open, all by one timer, whatever the requests are doing. */
export class TokenWatch {
  readonly #check: (request: FastifyRequest) => Promise<void>;
  /** By the `Authorization` header, since many streams share a token. */
  readonly #watched = new Map<string, Set<Watched>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param check rejects if the token of a request is no longer valid */
  constructor(check: (request: FastifyRequest) => Promise<void>) {
    this.#check = check;
  }

  /** A signal that is aborted, with the error to answer, when the token of the request becomes invalid. */
  watch(request: FastifyRequest, ended: AbortSignal): AbortSignal {
    const header = request.headers.authorization ?? '';
    const watched = { request, abort: new AbortController() };
    const sharing = this.#watched.get(header) ?? new Set();
    this.#watched.set(header, sharing.add(watched));
    const forget = (): void => {
      sharing.delete(watched);
      if (sharing.size === 0 && this.#watched.get(header) === sharing) this.#watched.delete(header);
    };
    if (ended.aborted) forget();
    else ended.addEventListener('abort', forget, { once: true });
    this.#schedule();
    return watched.abort.signal;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => void this.#checkAll(), CHECK_EVERY_MS).unref();
  }

  async #checkAll(): Promise<void> {
    await Promise.all([...this.#watched.values()].map((sharing) => this.#checkOne(sharing)));
    this.#timer = undefined;
    this.#schedule();
  }

  async #checkOne(sharing: ReadonlySet<Watched>): Promise<void> {
    const [first] = sharing;
    if (first === undefined) return;
    try {
      await this.#check(first.request);
    } catch (error) {
      for (const { abort } of sharing) abort.abort(error);
    }
  }
}
