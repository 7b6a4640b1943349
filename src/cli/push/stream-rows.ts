import { setTimeout as delay } from 'node:timers/promises';
import { OnhandError } from '../../domain/errors.ts';

/** How many rows, and bytes of them, may be under way: several pieces of the server's. */
const ROWS_MAX = 60_000;
const BYTES_MAX = 32 * 1024 * 1024;
/** A server answers 400 to a row that is much shorter: what is this long is no row. */
const ROW_BYTES_MAX = 1024 * 1024;
/** A server closes a stream on which nothing comes for long; a blank row is not answered. */
const BLANK_ROW_EVERY_MS = 30_000;
const BLANK = /^[ \t\r]*$/;

/**
 * The rows of an input from the first that was not answered on, so that they can be sent again. Each is
 * kept as a text of one character a byte: what is no UTF-8 goes to the server as it came.
 */
export class StreamRows {
  readonly #input: AsyncIterator<Uint8Array, unknown>;
  readonly #unanswered: string[] = [];
  /** How many of them at the beginning were answered and are not dropped yet. */
  #head = 0;
  #bytes = 0;
  #begun = '';
  #hasEnded = false;
  #reading: Promise<void> | undefined;
  #wake = Promise.withResolvers<undefined>();
  /** The number of the last row that was answered, counted from 1, blank rows too. */
  #answered = 0;
  #failure: OnhandError | undefined;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  get answered(): number {
    return this.#answered;
  }

  /** Why no more of the input can be read. */
  get failure(): OnhandError | undefined {
    return this.#failure;
  }

  /** Whether every row of the input was answered. */
  get isDone(): boolean {
    return this.#hasEnded && this.#rest().every((row) => BLANK.test(row));
  }

  /** Whether a row that was not answered holds this text. */
  someUnanswered(text: string): boolean {
    return this.#rest().some((row) => row.includes(text));
  }

  /** Takes the next row that is answered. Throws where there is none. */
  take(): { readonly number: number; readonly text: string } {
    for (;;) {
      const row = this.#unanswered[this.#head];
      if (row === undefined) throw new Error('a row was answered that was not sent');
      this.#head += 1;
      this.#answered += 1;
      this.#bytes -= row.length;
      if (!BLANK.test(row)) return { number: this.#answered, text: row };
    }
  }

  /** Some rows were taken: there is room for more. */
  makeRoom(): void {
    this.#unanswered.splice(0, this.#head);
    this.#head = 0;
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers<undefined>();
  }

  /** All that was not answered and all that comes, for one connection. Ends with the input. */
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

  /** Waits for rows, or for room for them; says whether neither came for long. */
  async #isIdle(): Promise<boolean> {
    const isFull = this.#unanswered.length >= ROWS_MAX || this.#bytes >= BYTES_MAX;
    const timer = new AbortController();
    const timeIsUp = delay(BLANK_ROW_EVERY_MS, true, { signal: timer.signal }).catch(() => false);
    try {
      const awaited = isFull ? this.#wake.promise : this.#read();
      return (await Promise.race([awaited, timeIsUp])) === true;
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
    const rows = (this.#begun + text).split('\n');
    this.#begun = rows.pop() ?? '';
    if (this.#begun.length > ROW_BYTES_MAX) throw tooLong();
    if (this.#hasEnded && this.#begun !== '') rows.push(this.#begun);
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
    `A row is longer than ${ROW_BYTES_MAX} bytes; a stream is NDJSON, one object a line.`,
  );
}
