/** A byte source whose beginning can be looked at before it is read. */
export class Peekable {
  readonly #source: AsyncIterator<Uint8Array>;
  #head: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  /** The first bytes without consuming them: at least `count`, or all if there are fewer. */
  async peek(count: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [this.#head];
    for (let bytes = this.#head.length; bytes < count;) {
      const chunk = await this.#pull();
      if (chunk === undefined) break;
      chunks.push(chunk);
      bytes += chunk.length;
    }
    this.#head = Buffer.concat(chunks);
    return this.#head;
  }

  /** Drops bytes that were peeked. */
  skip(count: number): void {
    this.#head = this.#head.subarray(count);
  }

  /** The next chunk, or undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const head = this.#head;
    if (head.length === 0) return this.#pull();
    this.#head = Buffer.alloc(0);
    return head;
  }

  /** Puts bytes back, to be read next. */
  unread(bytes: Buffer): void {
    this.#head = Buffer.concat([bytes, this.#head]);
  }

  /** All bytes that are left. Closes the source at the end, or when the reader stops. */
  async *all(): AsyncGenerator<Buffer> {
    try {
      for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next())
        yield chunk;
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #pull(): Promise<Buffer | undefined> {
    const next = await this.#source.next();
    if (next.done === true) return undefined;
    const { buffer, byteOffset, byteLength } = next.value;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
}
