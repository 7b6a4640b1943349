import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { OnhandError } from '../domain/errors.ts';

/** Longest row, in characters. A quote that is never closed runs into it. */
export const ROW_CHARACTERS_MAX = 1_048_576;

/** What may stand between cells. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** How many rows of a file may be spoiled by stray quotes before it is not taken for CSV. */
export const SPOILED_ROWS_MAX = 10_000;

/** A row's cells, or why it cannot be told what they are. */
export type CsvRow =
  | { readonly row: number; readonly cells: readonly string[] }
  | { readonly row: number; readonly fault: string };

/**
 * Reads CSV in UTF-8 (RFC 4180, but for the delimiter; lines end in CRLF, LF or CR), holding a few rows
 * at a time. Rows are numbered as a spreadsheet does: an empty line is a row, and a row
 * whose cells hold line breaks is one. A stray quote inside an unquoted cell spoils its row; what
 * leaves doubt where rows begin and end spoils the file and rejects with `body_malformed`.
 */
export async function* readCsv(
  utf8: AsyncIterable<Uint8Array>,
  delimiter: Delimiter = ',',
  rowCharactersMax = ROW_CHARACTERS_MAX,
): AsyncGenerator<CsvRow> {
  const spoiled = new SpoiledRows();
  const parser = parse({
    delimiter,
    record_delimiter: [Buffer.from('\r\n'), Buffer.from('\n'), Buffer.from('\r')],
    relax_column_count: true,
    max_record_size: rowCharactersMax,
    skip_records_with_error: true,
    on_skip: (error) => spoiled.note(error),
  });
  // A failure of the source destroys the parser, and so comes out of the loop below.
  pipeline(utf8, parser, () => undefined);

  let row = 1;
  const records: AsyncIterable<readonly string[]> = parser;
  for await (const cells of records) {
    for (; spoiled.has(row); row += 1) yield { row, fault: STRAY_QUOTE };
    yield { row, cells };
    row += 1;
  }
  for (; spoiled.has(row); row += 1) yield { row, fault: STRAY_QUOTE };
}

const STRAY_QUOTE =
  'has a quote inside a cell that is not quoted as a whole; put the cell in quotes and write each quote in it twice';

/** The rows that stray quotes spoil, as the parser comes upon them: it runs ahead of the reader. */
class SpoiledRows {
  readonly #rows = new Set<number>();
  #lastLine = 0;

  has(row: number): boolean {
    return this.#rows.has(row);
  }

  /** Throws what ends the reading. */
  note(error: CsvError | undefined): undefined {
    if (error === undefined) return undefined;
    const records = positionOf(error, 'records');
    const line = positionOf(error, 'lines');
    // Each stray quote of a row is reported: those of one line are one row.
    const isNew = line !== this.#lastLine;
    const row = records + this.#rows.size + (isNew ? 1 : 0);
    if (error.code !== 'INVALID_OPENING_QUOTE') throw unreadable(error.code, row, line);
    this.#lastLine = line;
    this.#rows.add(row);
    if (this.#rows.size > SPOILED_ROWS_MAX) {
      throw new OnhandError(
        'body_malformed',
        `More than ${SPOILED_ROWS_MAX} rows have a stray quote, the last of them row ${row}: the file is not CSV.`,
      );
    }
    return undefined;
  }
}

function positionOf(error: CsvError, name: 'records' | 'lines'): number {
  const value: unknown = error[name];
  return typeof value === 'number' ? value : 0;
}

function unreadable(code: string, row: number, line: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `${FILE_FAULTS[code] ?? code} (row ${row}, read up to line ${line} of the file).`,
  );
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'A quote is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE:
    'A quoted cell goes on after its closing quote; perhaps it holds a quote that is not written twice, or one before it was never closed',
  CSV_MAX_RECORD_SIZE:
    'A row is longer than is read; perhaps a quote was opened and never closed, or the file is not CSV',
};
