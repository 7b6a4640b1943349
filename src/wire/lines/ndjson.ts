import { isUtf8 } from 'node:buffer';

export const NDJSON_MEDIA_TYPE = 'application/x-ndjson';

/** Longest row in bytes, without its line break. */
export const ROW_BYTES_MAX = 65_536;

/** The text of a row, or why it has none. */
export type Row = string | BrokenRow;

interface BrokenRow {
  /** The predicate of a sentence about the row. */
  readonly fault: string;
}

const TOO_LONG: BrokenRow = { fault: `is longer than ${ROW_BYTES_MAX} bytes` };
const NOT_UTF8: BrokenRow = {
  fault: 'is not UTF-8: it holds bytes that are no character; save or send it as UTF-8',
};

const LINE_BREAK = 0x0a;
const MARK = '\uFEFF';
/** Most bytes that a UTF-16 code unit takes in UTF-8. */
const UNIT_BYTES_MAX = 3;

/**
 * Splits bytes into rows as they arrive. Rows end with a line feed, optional after the last; a carriage return
 * stays part of its row. Buffers at most one row, up to the limit.
 */
export class RowSplitter {
  /** Allocated for the first row that arrives in parts. */
  #begun: Buffer | undefined;
  #begunBytes = 0;
  /** Whether the rest of a row that is too long is being skipped. */
  #isSkipping = false;
  #isFirst = true;

  /** Returns the rows that end within these bytes. They must be read before the next call. */
  take(bytes: Buffer): Iterable<Row> {
    if (this.#isSkipping) return this.#skip(bytes);
    const end = bytes.lastIndexOf(LINE_BREAK);
    if (end < 0) {
      this.#begin(bytes);
      return [];
    }
    const whole = bytes.subarray(0, end);
    const rows = this.#rowsOf(
      this.#begunBytes === 0 ? whole : Buffer.concat([this.#takeBegun(), whole]),
    );
    this.#begin(bytes.subarray(end + 1));
    return rows;
  }

  /** Returns the last row if it has no line break. */
  end(): Row | undefined {
    if (this.#isSkipping) return TOO_LONG;
    return this.#begunBytes === 0 ? undefined : this.#rowOf(this.#takeBegun());
  }

  #skip(bytes: Buffer): Iterable<Row> {
    const end = bytes.indexOf(LINE_BREAK);
    if (end < 0) return [];
    this.#isSkipping = false;
    return followedBy(TOO_LONG, this.take(bytes.subarray(end + 1)));
  }

  /** Buffers the beginning of a row. */
  #begin(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#begunBytes + bytes.length > ROW_BYTES_MAX) {
      this.#begunBytes = 0;
      this.#isSkipping = true;
      return;
    }
    this.#begun ??= Buffer.allocUnsafeSlow(ROW_BYTES_MAX);
    bytes.copy(this.#begun, this.#begunBytes);
    this.#begunBytes += bytes.length;
  }

  /** The returned buffer is valid until the next row begins. */
  #takeBegun(): Buffer {
    const begun = this.#begun?.subarray(0, this.#begunBytes) ?? Buffer.of();
    this.#begunBytes = 0;
    return begun;
  }

  #rowsOf(bytes: Buffer): Iterable<Row> {
    if (!isUtf8(bytes)) return this.#oneByOne(bytes);
    const rows = this.#decode(bytes).split('\n');
    return bytes.length <= ROW_BYTES_MAX
      ? rows
      : rows.map((row) => (isTooLong(row) ? TOO_LONG : row));
  }

  #rowOf(bytes: Buffer): Row {
    if (bytes.length > ROW_BYTES_MAX) return TOO_LONG;
    if (isUtf8(bytes)) return this.#decode(bytes);
    this.#isFirst = false;
    return NOT_UTF8;
  }

  /** Decodes UTF-8. A byte order mark before the first row is dropped. */
  #decode(bytes: Buffer): string {
    const text = bytes.toString();
    const isMarked = this.#isFirst && text.startsWith(MARK);
    this.#isFirst = false;
    return isMarked ? text.slice(MARK.length) : text;
  }

  /**
   * Decodes rows one by one, as they are read: there may be tens of thousands. Safe, because no other UTF-8 character
   * contains the byte of a line feed.
   */
  *#oneByOne(bytes: Buffer): Generator<Row> {
    for (let begin = 0; begin <= bytes.length;) {
      const found = bytes.indexOf(LINE_BREAK, begin);
      const end = found < 0 ? bytes.length : found;
      yield this.#rowOf(bytes.subarray(begin, end));
      begin = end + 1;
    }
  }
}

function isTooLong(row: string): boolean {
  return row.length * UNIT_BYTES_MAX > ROW_BYTES_MAX && Buffer.byteLength(row) > ROW_BYTES_MAX;
}

function* followedBy(first: Row, rest: Iterable<Row>): Generator<Row> {
  yield first;
  yield* rest;
}
