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
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Allocated for the first row that arrives in parts. */
  #begun: Buffer | undefined;
  #begunBytes = 0;
  /** Whether the rest of a row that is too long is being skipped. */
  #isSkipping = false;
  #isFirst = true;

  /** Returns the rows that end within these bytes. */
  take(bytes: Buffer): readonly Row[] {
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
    return this.#begunBytes === 0 ? undefined : this.#rowsOf(this.#takeBegun())[0];
  }

  #skip(bytes: Buffer): readonly Row[] {
    const end = bytes.indexOf(LINE_BREAK);
    if (end < 0) return [];
    this.#isSkipping = false;
    return [TOO_LONG, ...this.take(bytes.subarray(end + 1))];
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

  #rowsOf(bytes: Buffer): readonly Row[] {
    const text = this.#decode(bytes);
    const rows: readonly Row[] = text === undefined ? this.#oneByOne(bytes) : text.split('\n');
    return bytes.length <= ROW_BYTES_MAX
      ? rows
      : rows.map((row) => (isTooLong(row) ? TOO_LONG : row));
  }

  /** Undefined if the bytes are not UTF-8. A byte order mark before the first row is dropped. */
  #decode(bytes: Buffer): string | undefined {
    try {
      const text = this.#decoder.decode(bytes);
      const isMarked = this.#isFirst && text.startsWith(MARK);
      this.#isFirst = false;
      return isMarked ? text.slice(MARK.length) : text;
    } catch {
      return undefined;
    }
  }

  /** Decodes rows one by one. Safe, because no other UTF-8 character contains the byte of a line feed. */
  #oneByOne(bytes: Buffer): readonly Row[] {
    const rows: Row[] = [];
    for (let begin = 0; begin <= bytes.length;) {
      const found = bytes.indexOf(LINE_BREAK, begin);
      const end = found < 0 ? bytes.length : found;
      rows.push(this.#decode(bytes.subarray(begin, end)) ?? NOT_UTF8);
      this.#isFirst = false;
      begin = end + 1;
    }
    return rows;
  }
}

function isTooLong(row: Row): boolean {
  return (
    typeof row === 'string' &&
    row.length * UNIT_BYTES_MAX > ROW_BYTES_MAX &&
    Buffer.byteLength(row) > ROW_BYTES_MAX
  );
}
