import { readCsv, type Delimiter } from './csv.ts';
import { tooManyRows, type FeedLimits } from './limits.ts';
import { openTable, type HeaderMatcher, type Table, type TableRow } from './table.ts';

/** How a CSV file is written. */
export interface CsvDialect {
  readonly delimiter: Delimiter;
  /** Whether it says so in a first row of its own, `sep=;`, which is no row of data. */
  readonly hasDelimiterRow: boolean;
}

/** The table of a CSV file in UTF-8. Rejects as `openTable` does. */
export function openCsvTable<Header>(
  utf8: AsyncIterable<Uint8Array>,
  dialect: CsvDialect,
  match: HeaderMatcher<Header>,
  limits: FeedLimits,
): Promise<Table<Header>> {
  const { cellCharactersMax, rowCharactersMax, rowsMax } = limits;
  const rows = readCsv(utf8, dialect.delimiter, rowCharactersMax);
  return openTable(inPieces(rows, dialect, rowsMax), match, { cellCharactersMax, isSparse: false });
}

/** Rows of a file that are no data: a title, the header, annotations. */
const ROWS_BESIDE_DATA_MAX = 20;

const PIECE_ROWS_MAX = 1000;
const PIECE_CHARACTERS_MAX = 4_000_000;

async function* inPieces(
  rows: AsyncGenerator<TableRow>,
  { hasDelimiterRow }: CsvDialect,
  rowsMax: number,
): AsyncGenerator<readonly TableRow[]> {
  let piece: TableRow[] = [];
  let characters = 0;
  for await (const row of rows) {
    if (hasDelimiterRow && row.row === 1) continue;
    // Nothing but line breaks would otherwise be read for hours.
    if (row.row > rowsMax + ROWS_BESIDE_DATA_MAX) throw tooManyRows(rowsMax, row.row);
    piece.push(row);
    if ('cells' in row) for (const cell of row.cells) characters += cell.length;
    if (piece.length < PIECE_ROWS_MAX && characters < PIECE_CHARACTERS_MAX) continue;
    yield piece;
    piece = [];
    characters = 0;
  }
  if (piece.length > 0) yield piece;
}
