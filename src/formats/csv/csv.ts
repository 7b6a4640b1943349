import { OnhandError } from '../../domain/errors.ts';
import { FORMAT_LIMITS, tooManyRows, type FormatLimits } from '../format.ts';
import { openTable, type HeaderMatcher, type Table, type TableRow } from '../table/table.ts';

/** The separators between cells that are recognised. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** How a CSV file separates its cells. */
export interface CsvDialect {
  readonly delimiter: Delimiter;
  /** Whether the first row names the separator (`sep=;`) and is not data. */
  readonly hasDelimiterRow: boolean;
}

/** Opens the table of a CSV file in UTF-8. Rejects as `openTable` does. */
export function openCsvTable<Header>(
  utf8: AsyncIterable<Uint8Array>,
  dialect: CsvDialect,
  match: HeaderMatcher<Header>,
  limits: FormatLimits,
): Promise<Table<Header>> {
  const { rowCharactersMax, rowsMax } = limits;
  const rows = readCsv(utf8, dialect.delimiter, rowCharactersMax);
  return openTable(counted(rows, dialect, rowsMax), match, { ...limits, isSparse: false });
}

/** Rows of a file that are not data: a title, the header, annotations. */
const ROWS_BESIDE_DATA_MAX = 20;

async function* counted(
  rowArrays: AsyncGenerator<readonly TableRow[]>,
  { hasDelimiterRow }: CsvDialect,
  rowsMax: number,
): AsyncGenerator<readonly TableRow[]> {
  for await (const rows of rowArrays) {
    // Blank rows count too: a file of line breaks would otherwise be read for hours.
    const last = rows.at(-1)?.row ?? 0;
    if (last > rowsMax + ROWS_BESIDE_DATA_MAX) throw tooManyRows(rowsMax, last);
    yield hasDelimiterRow && rows[0]?.row === 1 ? rows.slice(1) : rows;
  }
}

/** How many rows may have a stray quote before the file is refused. */
export const FAULTY_ROWS_MAX = 10_000;

/** A row's cells, or why it cannot be cut into cells. */
export type CsvRow =
  | { readonly row: number; readonly cells: readonly string[] }
  | { readonly row: number; readonly fault: string; readonly found: readonly string[] };

/**
 * Reads CSV in UTF-8 (RFC 4180 with any delimiter; lines end in CRLF, LF or CR), a few rows at a time.
 * Rows are numbered as in a spreadsheet: an empty line is a row, and a row whose cells contain line
 * breaks is one row. A cell `="00123"` is read as the text between its quotes.
 *
 * Any other quote inside an unquoted cell makes its row faulty. If it is not certain where a row ends,
 * the whole file is refused: the generator rejects with `body_malformed`.
 */
export async function* readCsv(
  utf8: AsyncIterable<Uint8Array>,
  delimiter: Delimiter = ',',
  rowBytesMax = FORMAT_LIMITS.rowCharactersMax,
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

/** How many bytes are cut into rows in one step. */
const STEP_BYTES = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** A row's cells and where the next row begins; null if the row is not complete yet. */
type RowEnd = { readonly cells: readonly string[]; readonly next: number } | null;

/** Cuts bytes into rows. An incomplete row is buffered until the rest of it arrives. */
class RowCutter {
  readonly #delimiter: Delimiter;
  readonly #delimiterByte: number;
  readonly #rowBytesMax: number;
  #pending: Buffer = Buffer.alloc(0);
  /**
   * How many bytes must be there before the incomplete row is tried again: twice as many as before. Otherwise
   * a long row would be read again with each chunk. 0 while none is awaited.
   */
  #pendingBytesMin = 0;
  #row = 0;
  #faultyRows = 0;
  /** Whether an unquoted cell of the current row contains a quote. */
  #hasStrayQuote = false;

  constructor(delimiter: Delimiter, rowBytesMax: number) {
    this.#delimiter = delimiter;
    this.#delimiterByte = delimiter.charCodeAt(0);
    this.#rowBytesMax = rowBytesMax;
  }

  /** The rows that end within these bytes. */
  cut(chunk: Uint8Array): readonly CsvRow[] {
    const tried = this.#pending.length;
    const bytes = Buffer.concat([this.#pending, chunk]);
    this.#pendingBytesMin ||= 2 * tried;
    if (bytes.length < this.#pendingBytesMin && bytes.length <= this.#rowBytesMax) {
      this.#pending = bytes;
      return [];
    }
    this.#pendingBytesMin = 0;
    return this.#cut(bytes, false);
  }

  /** The last row, if no line break ends it. */
  end(): readonly CsvRow[] {
    return this.#cut(this.#pending, true);
  }

  #cut(bytes: Buffer, isLast: boolean): readonly CsvRow[] {
    const rows: CsvRow[] = [];
    const quotes = new ByteFinder(bytes, QUOTE);
    const returns = new ByteFinder(bytes, CR);
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
    if (!this.#hasStrayQuote) return { row, cells };
    this.#hasStrayQuote = false;
    this.#faultyRows += 1;
    if (this.#faultyRows > FAULTY_ROWS_MAX) {
      throw new OnhandError(
        'body_malformed',
        `More than ${FAULTY_ROWS_MAX} rows have a stray quote, the last of them row ${row}: the file is not CSV.`,
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
    this.#hasStrayQuote = false;
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
    const inner = TEXT_FORMULA.exec(text)?.[1];
    if (inner === undefined) this.#hasStrayQuote = true;
    return inner ?? text;
  }

  /** The position after the quote that closes a cell; null if that quote may still come. */
  #closingQuote(bytes: Buffer, from: number, isLast: boolean): number | null {
    let at = bytes.indexOf(QUOTE, from + 1);
    while (at >= 0 && bytes[at + 1] === QUOTE) at = bytes.indexOf(QUOTE, at + 2);
    if (!isLast && (at < 0 || at + 1 === bytes.length)) return null;
    if (at < 0) throw unreadable('A quote is opened and never closed', this.#row + 1);
    if (at + 1 < bytes.length && !this.#endsCell(bytes[at + 1]))
      throw unreadable(QUOTE_CLOSED_EARLY, this.#row + 1);
    return at + 1;
  }

  /** Where an unquoted cell ends. */
  #cellEnd(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && !this.#endsCell(bytes[at])) at += 1;
    return at;
  }

  #endsCell(byte: number | undefined): boolean {
    return byte === this.#delimiterByte || byte === LF || byte === CR;
  }
}

/** Finds the occurrences of one byte in order, without searching any part of the buffer twice. */
class ByteFinder {
  readonly #bytes: Buffer;
  readonly #byte: number;
  #at = -1;

  constructor(bytes: Buffer, byte: number) {
    this.#bytes = bytes;
    this.#byte = byte;
  }

  /** The first occurrence at or after `at`, or the end of the buffer. `at` must not decrease. */
  from(at: number): number {
    if (this.#at < at) this.#at = indexOf(this.#bytes, this.#byte, at);
    return this.#at;
  }
}

function indexOf(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? bytes.length : at;
}

/** Where the next row begins; null if that depends on bytes that have not arrived. */
function afterLineEnd(bytes: Buffer, end: number, isLast: boolean): number | null {
  const isBroken = bytes[end] === CR && end + 1 === bytes.length;
  if (end === bytes.length || isBroken) return isLast ? bytes.length : null;
  return bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
}

/** The text of a quoted cell; `end` is the position after its closing quote. */
function quotedText(bytes: Buffer, from: number, end: number): string {
  const text = bytes.toString('utf8', from + 1, end - 1).replaceAll('""', '"');
  return TEXT_FORMULA.exec(text)?.[1] ?? text;
}

/** Some programs write text as a formula, `="00123"`, so that spreadsheets keep its zeros. */
const TEXT_FORMULA = /^="([^"]*)"$/;

const STRAY_QUOTE =
  'has a quote inside a cell that is not quoted as a whole; put the cell in quotes and double each quote in it';

const QUOTE_CLOSED_EARLY =
  'A quoted cell has text after its closing quote; perhaps it contains a quote that is not doubled, or an earlier quote was never closed';

const ROW_TOO_LONG =
  'A row is too long; perhaps a quote was opened and never closed, or the file is not CSV';

function unreadable(reason: string, row: number): OnhandError {
  return new OnhandError('body_malformed', `${reason} (row ${row}).`);
}
