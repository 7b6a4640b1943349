import { readCsv, type Delimiter } from './csv.ts';
import { tooManyRows, type FormatLimits } from '../limits.ts';
import { openTable, type HeaderMatcher, type Table, type TableRow } from '../table/table.ts';

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
  limits: FormatLimits,
): Promise<Table<Header>> {
  const { cellCharactersMax, rowCharactersMax, rowsMax } = limits;
  const rows = readCsv(utf8, dialect.delimiter, rowCharactersMax);
  return openTable(counted(rows, dialect, rowsMax), match, { cellCharactersMax, isSparse: false });
}

/** Rows of a file that are no data: a title, the header, annotations. */
const ROWS_BESIDE_DATA_MAX = 20;

async function* counted(
  pieces: AsyncGenerator<readonly TableRow[]>,
  { hasDelimiterRow }: CsvDialect,
  rowsMax: number,
): AsyncGenerator<readonly TableRow[]> {
  for await (const rows of pieces) {
    // Nothing but line breaks would otherwise be read for hours.
    const last = rows.at(-1)?.row ?? 0;
    if (last > rowsMax + ROWS_BESIDE_DATA_MAX) throw tooManyRows(rowsMax, last);
    yield hasDelimiterRow && rows[0]?.row === 1 ? rows.slice(1) : rows;
  }
}
