/**
 * What a generator gives, and `close` called once behind it: at its end, where it fails, and on
 * `return`, be it before anything was read, when a generator runs no `finally` of its own.
 */
export class ClosingGenerator<T> implements AsyncGenerator<T, void, undefined> {
  readonly #source: AsyncGenerator<T>;
  readonly #close: () => Promise<void>;
  #isClosed = false;

  constructor(source: AsyncGenerator<T>, close: () => Promise<void>) {
    this.#source = source;
    this.#close = close;
  }

  async next(): Promise<IteratorResult<T, void>> {
    try {
      const next = await this.#source.next();
      if (next.done !== true) return next;
    } catch (error) {
      await this.#closeOnce();
      throw error;
    }
    await this.#closeOnce();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, void>> {
    try {
      await this.#source.return(undefined);
    } finally {
      await this.#closeOnce();
    }
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #closeOnce(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#close();
  }
}
