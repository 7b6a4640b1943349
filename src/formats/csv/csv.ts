import { OnhandError } from '../../domain/errors.ts';

/** Longest row, in bytes of UTF-8. A quote that is never closed runs into it. */
export const ROW_CHARACTERS_MAX = 1_048_576;

/** What may stand between cells. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** How many rows of a file may be spoiled by stray quotes before it is not taken for CSV. */
export const SPOILED_ROWS_MAX = 10_000;

/** A row's cells, or why it cannot be told what they are, with the cells as they were found. */
export type CsvRow =
  | { readonly row: number; readonly cells: readonly string[] }
  | { readonly row: number; readonly fault: string; readonly found: readonly string[] };

/**
 * Reads CSV in UTF-8 (RFC 4180, but for the delimiter; lines end in CRLF, LF or CR), in pieces of rows,
 * holding a few at a time. Rows are numbered as a spreadsheet does: an empty line is a row, and a row
 * whose cells hold line breaks is one. A cell `="00123"` is the text between its quotes. Any other quote
 * inside an unquoted cell is stray and spoils its row; what
 * leaves doubt where rows begin and end spoils the file and rejects with `body_malformed`.
 */
export async function* readCsv(
  utf8: AsyncIterable<Uint8Array>,
  delimiter: Delimiter = ',',
  rowBytesMax = ROW_CHARACTERS_MAX,
): AsyncGenerator<readonly CsvRow[]> {
  const cutter = new RowCutter(delimiter, rowBytesMax);
  for await (const chunk of utf8) {
    for (let at = 0; at < chunk.length; at += STEP_BYTES) {
      const rows = cutter.cut(chunk.subarray(at, at + STEP_BYTES));
      if (rows.length > 0) yield rows;
    }
  }
  const last = cutter.end();
  if (last.length > 0) yield last;
}

/** How much is cut into rows at a stretch. */
const STEP_BYTES = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** Where a row ends and the next begins; null where the bytes end before it does. */
type RowEnd = { readonly cells: readonly string[]; readonly next: number } | null;

/** Cuts bytes into rows. A row that has begun is kept until all of it is there, and then read at once. */
class RowCutter {
  readonly #delimiter: Delimiter;
  readonly #delimiterByte: number;
  readonly #rowBytesMax: number;
  #pending: Buffer = Buffer.alloc(0);
  #row = 0;
  #spoiledRows = 0;
  /** Whether a quote stands inside an unquoted cell of the row that is being read. */
  #isSpoiled = false;

  constructor(delimiter: Delimiter, rowBytesMax: number) {
    this.#delimiter = delimiter;
    this.#delimiterByte = delimiter.charCodeAt(0);
    this.#rowBytesMax = rowBytesMax;
  }

  /** The rows that end within these bytes. */
  cut(chunk: Uint8Array): readonly CsvRow[] {
    const bytes = Buffer.concat([this.#pending, chunk]);
    return this.#cut(bytes, false);
  }

  /** The last row, where no line break ends it. */
  end(): readonly CsvRow[] {
    return this.#cut(this.#pending, true);
  }

  #cut(bytes: Buffer, isLast: boolean): readonly CsvRow[] {
    const rows: CsvRow[] = [];
    const quotes = new Marks(bytes, QUOTE);
    const returns = new Marks(bytes, CR);
    let at = 0;
    while (at < bytes.length) {
      const lineEnd = Math.min(indexOf(bytes, LF, at), returns.from(at));
      const end =
        quotes.from(at) < lineEnd
          ? this.#readQuoted(bytes, at, isLast)
          : this.#readBare(bytes, at, lineEnd, isLast);
      if ((end?.next ?? bytes.length) - at > this.#rowBytesMax + 2)
        throw unreadable(ROW_TOO_LONG, this.#row + 1);
      if (end === null) break;
      rows.push(this.#rowOf(end.cells));
      at = end.next;
    }
    this.#pending = bytes.subarray(at);
    return rows;
  }

  #rowOf(cells: readonly string[]): CsvRow {
    this.#row += 1;
    const row = this.#row;
    if (!this.#isSpoiled) return { row, cells };
    this.#isSpoiled = false;
    this.#spoiledRows += 1;
    if (this.#spoiledRows > SPOILED_ROWS_MAX) {
      throw new OnhandError(
        'body_malformed',
        `More than ${SPOILED_ROWS_MAX} rows have a stray quote, the last of them row ${row}: the file is not CSV.`,
      );
    }
    return { row, fault: STRAY_QUOTE, found: cells };
  }

  /** A row without any quote. */
  #readBare(bytes: Buffer, from: number, end: number, isLast: boolean): RowEnd {
    const next = afterLineEnd(bytes, end, isLast);
    if (next === null) return null;
    return { cells: bytes.toString('utf8', from, end).split(this.#delimiter), next };
  }

  #readQuoted(bytes: Buffer, from: number, isLast: boolean): RowEnd {
    const cells: string[] = [];
    this.#isSpoiled = false;
    for (let at = from; ; at += 1) {
      const isQuoted = bytes[at] === QUOTE;
      const end = isQuoted ? this.#closingQuote(bytes, at, isLast) : this.#cellEnd(bytes, at);
      if (end === null) return null;
      cells.push(isQuoted ? quotedText(bytes, at, end) : this.#bareText(bytes, at, end));
      if (end < bytes.length && bytes[end] === this.#delimiterByte) {
        at = end;
        continue;
      }
      const next = afterLineEnd(bytes, end, isLast);
      return next === null ? null : { cells, next };
    }
  }

  /** The text of a cell that is not quoted. */
  #bareText(bytes: Buffer, from: number, end: number): string {
    const text = bytes.toString('utf8', from, end);
    if (!text.includes('"')) return text;
    const kept = KEPT_TEXT.exec(text)?.[1];
    if (kept === undefined) this.#isSpoiled = true;
    return kept ?? text;
  }

  /** Behind the quote that closes a cell; null where it may be still to come. */
  #closingQuote(bytes: Buffer, from: number, isLast: boolean): number | null {
    let at = bytes.indexOf(QUOTE, from + 1);
    while (at >= 0 && bytes[at + 1] === QUOTE) at = bytes.indexOf(QUOTE, at + 2);
    if (!isLast && (at < 0 || at + 1 === bytes.length)) return null;
    if (at < 0) throw unreadable('A quote is opened and never closed', this.#row + 1);
    if (at + 1 < bytes.length && !this.#endsCell(bytes[at + 1]))
      throw unreadable(QUOTE_CLOSED_EARLY, this.#row + 1);
    return at + 1;
  }

  /** Where a cell ends that does not begin with a quote. */
  #cellEnd(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && !this.#endsCell(bytes[at])) at += 1;
    return at;
  }

  #endsCell(byte: number | undefined): boolean {
    return byte === this.#delimiterByte || byte === LF || byte === CR;
  }
}

/** Where one byte stands, looked for once while going through the others. */
class Marks {
  readonly #bytes: Buffer;
  readonly #mark: number;
  #at = -1;

  constructor(bytes: Buffer, mark: number) {
    this.#bytes = bytes;
    this.#mark = mark;
  }

  /** The next one from here on; the end where there is none. */
  from(at: number): number {
    if (this.#at < at) this.#at = indexOf(this.#bytes, this.#mark, at);
    return this.#at;
  }
}

function indexOf(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? bytes.length : at;
}

/** Where the next row begins; null where more bytes are needed to tell. */
function afterLineEnd(bytes: Buffer, end: number, isLast: boolean): number | null {
  const isBroken = bytes[end] === CR && end + 1 === bytes.length;
  if (end === bytes.length || isBroken) return isLast ? bytes.length : null;
  return bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
}

/** The text of a cell between its quotes, of which the last stands before `end`. */
function quotedText(bytes: Buffer, from: number, end: number): string {
  const text = bytes.toString('utf8', from + 1, end - 1).replaceAll('""', '"');
  return KEPT_TEXT.exec(text)?.[1] ?? text;
}

/** What programs write that want a spreadsheet to keep a text as it is, zeros and all: `="00123"`. */
const KEPT_TEXT = /^="([^"]*)"$/;

const STRAY_QUOTE =
  'has a quote inside a cell that is not quoted as a whole; put the cell in quotes and write each quote in it twice';

const QUOTE_CLOSED_EARLY =
  'A quoted cell goes on after its closing quote; perhaps it holds a quote that is not written twice, or one before it was never closed';

const ROW_TOO_LONG =
  'A row is longer than is read; perhaps a quote was opened and never closed, or the file is not CSV';

function unreadable(reason: string, row: number): OnhandError {
  return new OnhandError('body_malformed', `${reason} (row ${row}).`);
}
