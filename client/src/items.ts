/** The items of batches one by one. An async generator would make several promises for each item; this makes one. */
export class Items<T> implements AsyncGenerator<T, void, undefined> {
  readonly #batches: AsyncGenerator<readonly T[], void, undefined>;
  /** What is left of the batch. */
  #batch: Iterator<T> = [].values();
  /** Set while a batch is awaited: later calls wait for it, as those of a generator do. */
  #coming: Promise<unknown> | undefined;

  constructor(batches: AsyncGenerator<readonly T[], void, undefined>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<T, void>> {
    const item = this.#coming === undefined ? this.#batch.next() : undefined;
    if (item?.done === false) return Promise.resolve(item);
    const coming = this.#afterBatch(this.#coming).finally(() => {
      if (this.#coming === coming) this.#coming = undefined;
    });
    this.#coming = coming;
    return coming;
  }

  async return(): Promise<IteratorResult<T, void>> {
    await this.#batches.return();
    this.#batch = [].values();
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

  async #afterBatch(earlier: Promise<unknown> | undefined): Promise<IteratorResult<T, void>> {
    await earlier?.catch(() => undefined);
    for (;;) {
      const item = this.#batch.next();
      if (item.done !== true) return item;
      const batch = await this.#batches.next();
      if (batch.done === true) return batch;
      this.#batch = batch.value.values();
    }
  }
}
