import { OnhandError } from '../../domain/errors.ts';
import { areAnnotations } from './annotations.ts';
import type { FormatLimits } from '../limits.ts';

/** A cell that does not say its value; its text is what stands there instead, if anything does. */
export interface UnreadableCell {
  /** Counted from 0. */
  readonly place: number;
  readonly reason: string;
}

/** A row, numbered as a spreadsheet shows it, or why it cannot be told what its cells are. */
export type TableRow =
  | {
      readonly row: number;
      readonly cells: readonly string[];
      readonly unreadable?: readonly UnreadableCell[];
    }
  | {
      readonly row: number;
      readonly fault: string;
      /** Its cells as far as they were found. */
      readonly found?: readonly string[];
    };

/** A table whose header was found. */
export interface Table<Header> {
  readonly headerRow: number;
  readonly headerCells: readonly string[];
  readonly header: Header;
  /** The rows below the header and its annotations, blank ones left out, in pieces. To be read once. */
  readonly rows: AsyncGenerator<readonly TableRow[]>;
}

/** Tells what the columns are; throws `body_malformed` where it is not a header. */
export type HeaderMatcher<Header> = (cells: readonly string[]) => Header;

/** How rows are held against their header. */
export interface TableTerms extends Pick<FormatLimits, 'cellCharactersMax'> {
  /** Whether empty cells at the end of a row are left out of the file, so that a row may be short. */
  readonly isSparse: boolean;
}

/** How many rows may stand above a header: a title, a date, an address. */
const ROWS_ABOVE_HEADER_MAX = 9;

/**
 * Finds the header: the first row that `match` does not refuse, among the first ten that hold anything.
 * Throws what `match` says of the fullest of them where there is none, `body_malformed` where there is
 * no row at all.
 */
export async function openTable<Header>(
  pieces: AsyncGenerator<readonly TableRow[]>,
  match: HeaderMatcher<Header>,
  terms: TableTerms,
): Promise<Table<Header>> {
  const rows = new RowReader(pieces);
  const above = await rows.takeUpTo(ROWS_ABOVE_HEADER_MAX + 1);
  let refusal: OnhandError | undefined;
  let most = 0;
  for (const [i, row] of above.entries()) {
    try {
      const headerCells = readableHeader(row);
      const header = match(headerCells);
      rows.putBack(above.slice(i + 1));
      const next = await rows.takeUpTo(2);
      if (!areAnnotations(next[0], next[1])) rows.putBack(next);
      return {
        headerRow: row.row,
        headerCells,
        header,
        rows: readBelow(rows, headerCells.length, terms),
      };
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code !== 'body_malformed') throw error;
      // Of several rows that are no header, the widest was most likely meant to be it.
      const width = filledCells(row);
      if (width > most || refusal === undefined) [refusal, most] = [error, width];
    }
  }
  throw refusal ?? new OnhandError('body_malformed', 'The file is empty; a header is needed.');
}

function filledCells(row: TableRow): number {
  return 'cells' in row ? row.cells.filter((cell) => cell !== '').length : 0;
}

function readableHeader(row: TableRow): readonly string[] {
  if ('fault' in row) throw new OnhandError('body_malformed', `The header ${row.fault}.`);
  if (row.cells.some((cell) => cell.includes('\0'))) {
    throw new OnhandError(
      'body_malformed',
      'The file is not text: its header holds NUL bytes. Save it as "CSV UTF-8".',
    );
  }
  return row.cells;
}

/** Rows in pieces, of which some can be looked at first. */
class RowReader {
  readonly #pieces: AsyncGenerator<readonly TableRow[]>;
  #ahead: readonly TableRow[] = [];

  constructor(pieces: AsyncGenerator<readonly TableRow[]>) {
    this.#pieces = pieces;
  }

  /** Fewer only at the end. */
  async takeUpTo(count: number): Promise<readonly TableRow[]> {
    while (this.#ahead.length < count) {
      const next = await this.#pieces.next();
      if (next.done === true) break;
      this.#ahead = [...this.#ahead, ...next.value.filter((row) => !isBlank(row))];
    }
    const taken = this.#ahead.slice(0, count);
    this.#ahead = this.#ahead.slice(count);
    return taken;
  }

  putBack(rows: readonly TableRow[]): void {
    this.#ahead = [...rows, ...this.#ahead];
  }

  async *remaining(): AsyncGenerator<readonly TableRow[]> {
    try {
      if (this.#ahead.length > 0) yield this.#ahead;
      for await (const piece of this.#pieces) yield piece;
    } finally {
      await this.#pieces.return(undefined);
    }
  }
}

async function* readBelow(
  rows: RowReader,
  width: number,
  terms: TableTerms,
): AsyncGenerator<readonly TableRow[]> {
  for await (const piece of rows.remaining()) {
    const kept: TableRow[] = [];
    for (const row of piece) if (!isBlank(row)) kept.push(fittedRow(row, width, terms));
    if (kept.length > 0) yield kept;
  }
}

function fittedRow(
  row: TableRow,
  width: number,
  { isSparse, cellCharactersMax }: TableTerms,
): TableRow {
  if ('fault' in row) return row;
  const { cells } = row;
  const long = cells.findIndex((cell) => cell.length > cellCharactersMax);
  if (long >= 0) {
    const fault = `has more than ${cellCharactersMax} characters in its cell ${long + 1}`;
    return { row: row.row, fault, found: cells };
  }
  if (cells.length === width) return row;
  if (cells.length > width && cells.every((cell, place) => place < width || cell === ''))
    return { ...row, cells: cells.slice(0, width) };
  if (!isSparse) return { row: row.row, fault: raggedReason(cells.length, width), found: cells };
  if (cells.length > width) {
    return {
      row: row.row,
      fault: `has something in its cell ${cells.length}, beside the table: the header has ${width} columns`,
      found: cells,
    };
  }
  return { ...row, cells: [...cells, ...Array.from({ length: width - cells.length }, () => '')] };
}

function raggedReason(cells: number, columns: number): string {
  return `has ${cells} cells where the header has ${columns} columns; perhaps a separator stands in a cell that is not quoted`;
}

function isBlank(row: TableRow): boolean {
  return 'cells' in row && row.unreadable === undefined && row.cells.every((cell) => cell === '');
}
