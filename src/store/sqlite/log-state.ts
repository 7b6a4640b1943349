/** What the writer thread tells the calling thread about the log, through memory that both share. */
export class LogState {
  /** Give it to the other thread. */
  readonly memory: SharedArrayBuffer;
  readonly #values: Float64Array;

  constructor(memory = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#values = new Float64Array(memory);
  }

  /** Changes that the inventory table lacks. */
  get tailChanges(): number {
    return this.#values[0] ?? 0;
  }

  set tailChanges(changes: number) {
    this.#values[0] = changes;
  }

  /** When the inventory table was last brought up to date: milliseconds since 1970-01-01T00:00Z. */
  get sweptAtMs(): number {
    return this.#values[1] ?? 0;
  }

  set sweptAtMs(atMs: number) {
    this.#values[1] = atMs;
  }
}
