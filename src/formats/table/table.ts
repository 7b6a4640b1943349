import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../format.ts';
import { withoutBlanks } from './blanks.ts';

/** A cell whose value cannot be read, such as a formula without a saved value. */
export interface UnreadableCell {
  /** Counted from 0. */
  readonly place: number;
  readonly reason: string;
}

/** A row, numbered as a spreadsheet shows it, or why it cannot be cut into cells. */
export type TableRow =
  | {
      readonly row: number;
      readonly cells: readonly string[];
      readonly unreadable?: readonly UnreadableCell[];
      /** Places of numbers that a workbook stores with a fraction. Their decimal mark is always a point. */
      readonly fractions?: readonly number[];
      /** How many rows the tallest merged cell that begins in this row spans, if one begins here. */
      readonly mergedRows?: number;
    }
  | {
      readonly row: number;
      readonly fault: string;
      /** The cells that were found. */
      readonly found?: readonly string[];
      /** Whether the row opens a quote that is never closed: the file may be incomplete. */
      readonly isUnclosed?: true;
    };

/** A table whose header was found. */
export interface Table<Header> {
  readonly headerRow: number;
  readonly headerCells: readonly string[];
  readonly header: Header;
  /** The rows below the header and its annotations, without blank ones and repeated headers. Can be read once. */
  readonly rows: AsyncGenerator<readonly TableRow[]>;
  /** The rows that repeat the header, as reports do on each page; complete once all rows are read. */
  readonly repeated: RepeatedHeaders;
}

/** Recognizes rows that repeat the header, and counts them. */
export class RepeatedHeaders {
  readonly #names: readonly string[];
  #count = 0;
  #first = 0;

  constructor(headerCells: readonly string[]) {
    this.#names = headerCells.map(nameIn);
  }

  /** Whether a row repeats the header; if it does, it is counted. */
  add(row: TableRow): boolean {
    if (!('cells' in row) || row.unreadable !== undefined) return false;
    const { cells } = row;
    const names = this.#names;
    const isRepeated =
      names.length > 1 &&
      names.every((name, place) => nameIn(cells[place] ?? '') === name) &&
      cells.every((cell, place) => place < names.length || withoutBlanks(cell) === '');
    if (!isRepeated) return false;
    this.#count += 1;
    this.#first ||= row.row;
    return true;
  }

  /** What the sender should know, in sentences. */
  notes(): readonly string[] {
    if (this.#count === 0) return [];
    return [
      this.#count === 1
        ? `Row ${this.#first} repeats the header and was skipped.`
        : `${this.#count} rows repeat the header and were skipped, the first of them row ${this.#first}.`,
    ];
  }
}

function nameIn(cell: string): string {
  return withoutBlanks(cell).toLowerCase();
}

/** A row that is not a header that can be used. */
export class HeaderRefusal extends OnhandError {
  /** How many of its cells are names of columns: the more, the likelier it was meant to be the header. */
  readonly knownNames: number;
  /** The cells of the row; undefined until it is known which row of the file is refused. */
  readonly cells: readonly string[] | undefined;

  constructor(message: string, knownNames = 0, cells?: readonly string[]) {
    super('body_malformed', message);
    this.knownNames = knownNames;
    this.cells = cells;
  }

  /** The same refusal, of a row with these cells. */
  of(cells: readonly string[]): HeaderRefusal {
    return new HeaderRefusal(this.message, this.knownNames, cells);
  }
}

/** Decides what the columns are; throws `body_malformed` if the row is not a header. `below` is the next row. */
export type HeaderMatcher<Header> = (cells: readonly string[], below: readonly string[]) => Header;

/** How rows are compared with their header. */
export interface TableTerms extends Pick<
  FormatLimits,
  'cellCharactersMax' | 'missingCellsMax' | 'emptyCellsMax'
> {
  /** Whether the format omits empty cells at the end of a row, so that a short row is valid. */
  readonly isSparse: boolean;
}

/** How many rows that are not blank may come before the header: a title, an address, a legend. */
export const ROWS_ABOVE_HEADER_MAX = 99;

/** How many rows a header may be merged over. */
const HEADER_ROWS_MAX = 10;

/**
 * Finds the header: the first row that `match` accepts, or the first rows if merged cells join them, with at
 * most `ROWS_ABOVE_HEADER_MAX` rows above. If there is none, throws what `match` said about the one with the
 * most cells. Throws `body_malformed` if there are no rows.
 */
export async function openTable<Header>(
  source: AsyncGenerator<readonly TableRow[]>,
  match: HeaderMatcher<Header>,
  terms: TableTerms,
): Promise<Table<Header>> {
  const rows = new RowReader(source);
  const search = new HeaderSearch(match);
  let above: TableRow | undefined;
  for (let seen = 0; seen <= ROWS_ABOVE_HEADER_MAX; seen += 1) {
    const [row] = await rows.takeUpTo(1);
    if (row === undefined) break;
    const tall = await takeMerged(rows, row);
    const below = await rows.peek();
    let found = tall.length > 1 ? search.tryRows(tall, below) : undefined;
    if (found === undefined) rows.putBack(tall.slice(1));
    // The names of a header over several rows say more than those of one of them.
    found ??= search.tryRows([row], below, { isLikely: tall.length === 1 });
    if (found === undefined && above !== undefined) found = search.tryRows([above, row], below);
    if (found !== undefined) {
      const next = await rows.takeUpTo(2);
      if (!areAnnotations(next[0], next[1])) rows.putBack(next);
      const { headerCells, header } = found;
      const repeated = new RepeatedHeaders(headerCells);
      return {
        headerRow: row.row,
        headerCells,
        header,
        rows: readBelow(rows, headerCells, terms, repeated),
        repeated,
      };
    }
    above = isMerged(row) ? row : undefined;
  }
  throw (
    search.refusal ?? new OnhandError('body_malformed', 'The file is empty; a header is needed.')
  );
}

function isMerged(row: TableRow): boolean {
  return 'cells' in row && row.mergedRows !== undefined;
}

/** The row and those below it over which its merged cells span. */
async function takeMerged(rows: RowReader, row: TableRow): Promise<readonly TableRow[]> {
  const height = 'cells' in row ? Math.min(row.mergedRows ?? 1, HEADER_ROWS_MAX) : 1;
  if (height === 1) return [row];
  const next = await rows.takeUpTo(height - 1);
  const inside = next.filter((below) => below.row < row.row + height);
  rows.putBack(next.slice(inside.length));
  return [row, ...inside];
}

/** Tries rows as the header, and keeps the refusal of the most likely one. */
class HeaderSearch<Header> {
  readonly #match: HeaderMatcher<Header>;
  #most: readonly [knownNames: number, cells: number] = [0, 0];
  refusal: OnhandError | undefined;

  constructor(match: HeaderMatcher<Header>) {
    this.#match = match;
  }

  tryRows(
    rows: readonly TableRow[],
    below: readonly string[],
    { isLikely } = { isLikely: true },
  ): { readonly headerCells: readonly string[]; readonly header: Header } | undefined {
    try {
      const headerCells = joinedCells(rows.map(readableHeader));
      return { headerCells, header: this.#match(headerCells, below) };
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code !== 'body_malformed') throw error;
      if (!isLikely) return undefined;
      // The row with the most known names, then the most cells, was most likely meant to be the header.
      // A merged cell counts once.
      const names = joinedCells(rows.map((row) => ('cells' in row ? row.cells : [])));
      const filled = names.filter((name) => name !== '');
      const width = rows.some(isMerged) ? new Set(filled).size : filled.length;
      const known = error instanceof HeaderRefusal ? error.knownNames : 0;
      const [mostKnown, mostCells] = this.#most;
      const isWider = width > mostCells || (width === mostCells && rows.length > 1);
      const isLikelier = known > mostKnown || (known === mostKnown && isWider);
      if (isLikelier || this.refusal === undefined) {
        this.refusal = error instanceof HeaderRefusal ? error.of(names) : error;
        this.#most = [known, width];
      }
      return undefined;
    }
  }
}

/** The names of a header over several rows: `Stock` above `NJ` is `Stock NJ`; equal names count once. */
function joinedCells(rows: readonly (readonly string[])[]): readonly string[] {
  const [only, another] = rows;
  if (only !== undefined && another === undefined) return only;
  const width = Math.max(...rows.map((cells) => cells.length));
  return Array.from({ length: width }, (_, place) => {
    const names = rows.map((cells) => (cells[place] ?? '').trim()).filter((name) => name !== '');
    return [...new Set(names)].join(' ');
  });
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

/** Reads rows with a lookahead. */
class RowReader {
  readonly #source: AsyncGenerator<readonly TableRow[]>;
  #ahead: readonly TableRow[] = [];

  constructor(source: AsyncGenerator<readonly TableRow[]>) {
    this.#source = source;
  }

  /** Returns fewer rows only at the end. */
  async takeUpTo(count: number): Promise<readonly TableRow[]> {
    while (this.#ahead.length < count) {
      const next = await this.#source.next();
      if (next.done === true) break;
      this.#ahead = [...this.#ahead, ...next.value.filter((row) => !isBlank(row))];
    }
    const taken = this.#ahead.slice(0, count);
    this.#ahead = this.#ahead.slice(count);
    return taken;
  }

  /** The cells of the next row; none at the end. */
  async peek(): Promise<readonly string[]> {
    const next = await this.takeUpTo(1);
    this.putBack(next);
    return next.flatMap(cellsOf);
  }

  putBack(rows: readonly TableRow[]): void {
    this.#ahead = [...rows, ...this.#ahead];
  }

  async *remaining(): AsyncGenerator<readonly TableRow[]> {
    try {
      if (this.#ahead.length > 0) yield this.#ahead;
      yield* this.#source;
    } finally {
      await this.#source.return(undefined);
    }
  }
}

async function* readBelow(
  rows: RowReader,
  headerCells: readonly string[],
  terms: TableTerms,
  repeated: RepeatedHeaders,
): AsyncGenerator<readonly TableRow[]> {
  const width = headerCells.length;
  // A separator at the end of the header makes a column without a name, which rows may lack.
  const named = headerCells.findLastIndex((name) => withoutBlanks(name) !== '') + 1;
  const missingMax = terms.isSparse ? terms.emptyCellsMax : terms.missingCellsMax;
  let missing = 0;
  for await (const some of rows.remaining()) {
    const filled: TableRow[] = [];
    for (const row of some) {
      if (isBlank(row) || repeated.add(row)) continue;
      missing += Math.max(0, width - cellsOf(row).length);
      if (missing > missingMax) throw tooManyMissing(row.row, width, missingMax);
      filled.push(fittedRow(row, { width, named }, terms));
    }
    if (filled.length > 0) yield filled;
  }
}

function cellsOf(row: TableRow): readonly string[] {
  return 'fault' in row ? (row.found ?? []) : row.cells;
}

/** Each missing cell is an empty one in the results, which would be far larger than the file. */
function tooManyMissing(row: number, width: number, missingMax: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The rows up to ${row} lack more than ${missingMax} cells of the ${width} columns that the header has; ` +
      'send only the columns that the rows fill, or the separators of empty cells too.',
  );
}

function fittedRow(
  row: TableRow,
  { width, named }: { readonly width: number; readonly named: number },
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
  if (!isSparse && (cells.length > width || cells.length < named))
    return { row: row.row, fault: raggedReason(cells.length, width), found: cells };
  if (cells.length > width) {
    return {
      row: row.row,
      fault: `has something in its cell ${cells.length}, beyond the table: the header has ${width} columns`,
      found: cells,
    };
  }
  return { ...row, cells: cells.concat(Array.from({ length: width - cells.length }, () => '')) };
}

function raggedReason(cells: number, columns: number): string {
  return `has ${cells} cells where the header has ${columns} columns; perhaps a cell that is not quoted contains a separator`;
}

function isBlank(row: TableRow): boolean {
  return (
    'cells' in row &&
    row.unreadable === undefined &&
    row.cells.every((cell) => withoutBlanks(cell) === '')
  );
}

const REQUIREMENTS = new Set([
  'required',
  'desired',
  'dependent',
  'recommended',
  'optional',
  'conditional',
]);
const TYPES = new Set([
  'string',
  'integer',
  'int',
  'float',
  'decimal',
  'number',
  'boolean',
  'date',
  'datetime',
  'enum',
  'url',
]);

/**
 * Whether these are the vendor's two annotation rows under a header: which columns are required, and
 * their types. They are not data.
 */
function areAnnotations(first: TableRow | undefined, second: TableRow | undefined): boolean {
  return holdsOnly(first, REQUIREMENTS) && holdsOnly(second, TYPES);
}

function holdsOnly(row: TableRow | undefined, words: ReadonlySet<string>): boolean {
  if (row === undefined || 'fault' in row || row.cells.every((cell) => cell === '')) return false;
  return row.cells.every((cell) => cell === '' || words.has(cell.trim().toLowerCase()));
}
