import { setTimeout as delay } from 'node:timers/promises';
import { OnhandError } from '../../domain/errors.ts';

/** Limits of the unanswered rows: several chunks of the server. */
const ROWS_MAX = 60_000;
const BYTES_MAX = 32 * 1024 * 1024;
/** Servers reject even shorter rows, so input this long without a line feed is not NDJSON. */
const ROW_BYTES_MAX = 1024 * 1024;
/** A server closes an idle stream; a blank row keeps it open and gets no result. */
const BLANK_ROW_INTERVAL_MS = 30_000;
const BLANK = /^[ \t\r]*$/;

/**
 * The rows of an input that have no result yet, so that they can be resent. Rows are Latin-1 strings, one
 * character per byte: invalid UTF-8 reaches the server unchanged.
 */
export class StreamRows {
  readonly #input: AsyncIterator<Uint8Array, unknown>;
  readonly #unanswered: string[] = [];
  /** How many of the first rows have a result but are not removed yet. */
  #head = 0;
  #bytes = 0;
  #partial = '';
  #hasEnded = false;
  #reading: Promise<void> | undefined;
  #wake = Promise.withResolvers<undefined>();
  /** The number of the last row with a result, from 1, including blank rows. */
  #answered = 0;
  #failure: OnhandError | undefined;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  get answered(): number {
    return this.#answered;
  }

  /** Why the input cannot be read further. */
  get failure(): OnhandError | undefined {
    return this.#failure;
  }

  /** Whether every row of the input has a result. */
  get isDone(): boolean {
    return this.#hasEnded && this.#rest().every((row) => BLANK.test(row));
  }

  /** Whether a row without a result contains this text. */
  someUnanswered(text: string): boolean {
    return this.#rest().some((row) => row.includes(text));
  }

  /** Removes the next row because its result arrived. Throws if there is none. */
  take(): { readonly number: number; readonly text: string } {
    for (;;) {
      const row = this.#unanswered[this.#head];
      if (row === undefined)
        throw new Error('the server sent a result for a row that was not sent');
      this.#head += 1;
      this.#answered += 1;
      this.#bytes -= row.length;
      if (!BLANK.test(row)) return { number: this.#answered, text: row };
    }
  }

  /** Frees the rows taken, so that more input can be read. */
  makeRoom(): void {
    this.#unanswered.splice(0, this.#head);
    this.#head = 0;
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers<undefined>();
  }

  /** The rows to send on one connection: those without a result, then new ones until the input ends. */
  async *outgoing(): AsyncGenerator<Uint8Array> {
    let next = this.#answered;
    for (;;) {
      const rows = this.#unanswered.slice(this.#head + next - this.#answered);
      if (rows.length > 0) {
        next += rows.length;
        yield Buffer.from(`${rows.join('\n')}\n`, 'latin1');
      } else if (this.#hasEnded) return;
      else if (await this.#isIdle()) yield Buffer.from('\n');
    }
  }

  #rest(): readonly string[] {
    return this.#unanswered.slice(this.#head);
  }

  /** Waits for new rows, or for room if the limits are reached; true if neither happened in the interval. */
  async #isIdle(): Promise<boolean> {
    const isFull = this.#unanswered.length >= ROWS_MAX || this.#bytes >= BYTES_MAX;
    const timer = new AbortController();
    const timeout = delay(BLANK_ROW_INTERVAL_MS, true, { signal: timer.signal }).catch(() => false);
    try {
      const change = isFull ? this.#wake.promise : this.#read();
      return (await Promise.race([change, timeout])) === true;
    } finally {
      timer.abort();
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readMore();
    return this.#reading;
  }

  async #readMore(): Promise<void> {
    try {
      this.#add(await this.#input.next());
    } catch (error) {
      this.#failure = error instanceof OnhandError ? error : unreadable(error);
      throw this.#failure;
    } finally {
      this.#reading = undefined;
    }
  }

  #add(next: IteratorResult<Uint8Array, unknown>): void {
    this.#hasEnded = next.done === true;
    const text = next.done === true ? '' : Buffer.from(next.value).toString('latin1');
    const rows = (this.#partial + text).split('\n');
    this.#partial = rows.pop() ?? '';
    if (this.#partial.length > ROW_BYTES_MAX) throw tooLong();
    if (this.#hasEnded && this.#partial !== '') rows.push(this.#partial);
    for (const row of rows) {
      this.#unanswered.push(row);
      this.#bytes += row.length;
    }
  }
}

function unreadable(error: unknown): OnhandError {
  const reason = error instanceof Error ? error.message : String(error);
  return new OnhandError('parameter_invalid', `The input cannot be read: ${reason}`);
}

function tooLong(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    `A row is longer than ${ROW_BYTES_MAX} bytes; a stream is NDJSON, one object per line.`,
  );
}
