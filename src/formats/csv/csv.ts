import { OnhandError } from '../../domain/errors.ts';
import { tooManyRows, type FormatLimits } from '../format.ts';
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

/** How many rows may open a quote that is never closed before the file is refused. */
export const FAULTY_ROWS_MAX = 1000;

/** A row's cells, or those found in a row that opens a quote and never closes it. */
export type CsvRow =
  | { readonly row: number; readonly cells: readonly string[] }
  | {
      readonly row: number;
      readonly fault: string;
      readonly found: readonly string[];
      readonly isUnclosed: true;
    };

/**
 * Reads CSV in UTF-8 (RFC 4180 with any delimiter; lines end in CRLF, LF or CR), a few rows at a time.
 * Rows are numbered as in a spreadsheet: an empty line is a row, and a row whose cells contain line
 * breaks is one row. A cell `="00123"` is read as the text between its quotes.
 *
 * A quote that does not enclose a whole cell is part of the text, as in `24" shelf` and `"Best" jar`. A quote
 * that is never closed makes its row faulty; the next line is a row of its own. The generator rejects with
 * `body_malformed` if a row is too long, or if more than `FAULTY_ROWS_MAX` rows are faulty.
 */
export async function* readCsv(
  utf8: AsyncIterable<Uint8Array>,
  delimiter: Delimiter,
  rowBytesMax: number,
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
type RowEnd = {
  readonly cells: readonly string[];
  readonly next: number;
  /** Whether it opens a quote that is never closed. */
  readonly isUnclosed?: true;
} | null;

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
      rows.push(this.#rowOf(end));
      at = end.next;
    }
    this.#pending = bytes.subarray(at);
    return rows;
  }

  #rowOf({ cells, isUnclosed }: NonNullable<RowEnd>): CsvRow {
    this.#row += 1;
    const row = this.#row;
    if (isUnclosed === undefined) return { row, cells };
    this.#faultyRows += 1;
    if (this.#faultyRows > FAULTY_ROWS_MAX) {
      throw new OnhandError(
        'body_malformed',
        `More than ${FAULTY_ROWS_MAX} rows open a quote that is never closed, the last of them row ${row}: the file is not CSV.`,
      );
    }
    return { row, fault: NEVER_CLOSED, found: cells, isUnclosed };
  }

  /** A row without any quote. */
  #readBare(bytes: Buffer, from: number, end: number, isLast: boolean): RowEnd {
    const next = afterLineEnd(bytes, end, isLast);
    if (next === null) return null;
    return { cells: bytes.toString('utf8', from, end).split(this.#delimiter), next };
  }

  #readQuoted(bytes: Buffer, from: number, isLast: boolean): RowEnd {
    const cells: string[] = [];
    let isUnclosed = false;
    for (let at = from; ; at += 1) {
      const quoted = bytes[at] === QUOTE ? this.#quotedEnd(bytes, at, from, isLast) : NOT_QUOTED;
      if (quoted === null) return null;
      isUnclosed ||= quoted === UNCLOSED;
      const end = quoted > 0 ? quoted : this.#cellEnd(bytes, at);
      cells.push(quoted > 0 ? quotedText(bytes, at, end) : bareText(bytes, at, end));
      if (end < bytes.length && bytes[end] === this.#delimiterByte) {
        at = end;
        continue;
      }
      const next = afterLineEnd(bytes, end, isLast);
      if (next === null) return null;
      return isUnclosed ? { cells, next, isUnclosed } : { cells, next };
    }
  }

  /**
   * The position after the quote that closes a cell. Null if that quote may still come, `NOT_QUOTED` if the
   * quotes do not enclose the whole cell, and `UNCLOSED` if no quote closes it.
   */
  #quotedEnd(bytes: Buffer, from: number, rowFrom: number, isLast: boolean): number | null {
    let at = bytes.indexOf(QUOTE, from + 1);
    while (at >= 0 && bytes[at + 1] === QUOTE) at = bytes.indexOf(QUOTE, at + 2);
    // Whether the closing quote arrived already must not matter: one beyond the limit counts as none.
    if (at - rowFrom >= this.#rowBytesMax) return UNCLOSED;
    if (at < 0 || at + 1 === bytes.length) {
      if (isLast) return at < 0 ? UNCLOSED : at + 1;
      return at < 0 && bytes.length - rowFrom > this.#rowBytesMax ? UNCLOSED : null;
    }
    if (this.#endsCell(bytes[at + 1])) return at + 1;
    // The text between the quotes runs over the line: which of its lines are rows is not certain.
    return indexOf(bytes, LF, from) < at || indexOf(bytes, CR, from) < at ? UNCLOSED : NOT_QUOTED;
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

const NOT_QUOTED = 0;
const UNCLOSED = -1;

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

/** The text of a cell that is not quoted. */
function bareText(bytes: Buffer, from: number, end: number): string {
  const text = bytes.toString('utf8', from, end);
  return TEXT_FORMULA.exec(text)?.[1] ?? text;
}

/** Some programs write text as a formula, `="00123"`, so that spreadsheets keep its zeros. */
const TEXT_FORMULA = /^="([^"]*)"$/;

const NEVER_CLOSED =
  'opens a quote that is never closed; close it, or put the cell in quotes and double each quote in it. ' +
  'If this is the last row, the file may be incomplete';

const ROW_TOO_LONG = 'A row is too long; the file is not CSV, or its line breaks are missing';

function unreadable(reason: string, row: number): OnhandError {
  return new OnhandError('body_malformed', `${reason} (row ${row}).`);
}
