/** Tables whose header cannot be used: shown as they are, so that someone can say what their columns are. */
import type { ReadingRules } from '../domain/reading-rules.ts';
import type { FormatLimits } from './format.ts';
import { openFile, type FileSource } from './open-file.ts';
import type { FileFormat } from './stock-file.ts';
import { matchColumns, type Column, type MatchedHeader } from './table/columns.ts';
import { HeaderRefusal, type Table, type TableRow } from './table/table.ts';
import type { ReadSheet } from './xlsx/workbook.ts';

/** A table without a usable header. The caller closes it. */
export interface RefusedTable {
  readonly format: FileFormat;
  readonly sheet: ReadSheet | null;
  /** The row that was most likely meant to be the header. */
  readonly header: readonly string[];
  /** The columns that are known nevertheless. */
  readonly columns: readonly Column[];
  readonly unknownColumns: readonly string[];
  readonly rows: AsyncGenerator<readonly TableRow[]>;
  readonly close: () => Promise<void>;
}

/** The refusal of a header for which `openStockFile` rejected; undefined if it rejected for another reason. */
export function refusalOf(error: unknown): HeaderRefusal | undefined {
  const refusal = error instanceof Error && !(error instanceof HeaderRefusal) ? error.cause : error;
  return refusal instanceof HeaderRefusal && refusal.cells !== undefined ? refusal : undefined;
}

/** Opens a file again whose header was refused. */
export async function openRefusedTable(
  source: FileSource,
  { rules, limits }: { readonly rules: ReadingRules; readonly limits: FormatLimits },
  { cells = [] }: HeaderRefusal,
): Promise<RefusedTable> {
  const file = await openFile(source, limits, rules.columns);
  try {
    if (file.format !== 'csv' && file.format !== 'xlsx')
      throw new Error('only tables have headers');
    const table: Table<KnownColumns> & { readonly sheet?: ReadSheet } = await file.openTable(
      (header) => {
        const isRefused =
          header.length === cells.length && header.every((cell, place) => cell === cells[place]);
        if (!isRefused) throw new HeaderRefusal('another row is more likely the header');
        return knownColumns(header, rules, limits);
      },
    );
    return {
      format: file.format,
      sheet: table.sheet ?? null,
      header: table.headerCells,
      columns: table.header.columns,
      unknownColumns: table.header.unknown,
      rows: table.rows,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

type KnownColumns = Pick<MatchedHeader, 'columns' | 'unknown'>;

/** None if it is the known columns that contradict each other. */
function knownColumns(
  header: readonly string[],
  rules: ReadingRules,
  { columnsMax }: FormatLimits,
): KnownColumns {
  try {
    return matchColumns(header, rules.columns, columnsMax);
  } catch (error) {
    if (!(error instanceof HeaderRefusal)) throw error;
    return { columns: [], unknown: header };
  }
}
