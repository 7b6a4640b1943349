import type { CatalogueRow, Complaint } from '../../domain/catalogue.ts';
import { readCell, type EntryDraft } from './cells.ts';
import { ClosingGenerator } from '../closing-generator.ts';
import { matchCatalogue, type Column, type ColumnMapping, type MatchedHeader } from './columns.ts';
import { FORMAT_LIMITS, type FormatLimits } from '../limits.ts';
import { openFile, type FileSource } from '../open-file.ts';
import type { Table, TableRow, UnreadableCell } from './table.ts';

/** A catalogue whose header was read and understood. */
export interface Catalogue {
  /** The file's header of the column that is read as `sku_id`. */
  readonly skuIdHeader: string;
  /** Headers of the columns that are ignored. */
  readonly unknownColumns: readonly string[];
  /** The rows below the header, blank ones left out. To be read once. */
  readonly rows: AsyncGenerator<CatalogueRow>;
}

/**
 * Opens a catalogue in CSV or a workbook. Rejects with `body_malformed` where the file is neither or
 * its header cannot be used; reading the rows does so where the file turns out not to be what it
 * seemed. What is wrong with a single row is a complaint of that row.
 */
export async function openCatalogue(
  source: FileSource,
  mappings: readonly ColumnMapping[],
  limits: FormatLimits = FORMAT_LIMITS,
): Promise<Catalogue> {
  const match = (header: readonly string[]): MatchedHeader =>
    matchCatalogue(header, mappings, limits.columnsMax);
  const file = await openFile(source, limits, mappings);
  try {
    return readCatalogue(await file.openTable(match), () => file.close());
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The catalogue that a table is; `close` is called when its rows are read. */
export function readCatalogue(
  { header, rows }: Table<MatchedHeader>,
  close: () => Promise<void>,
): Catalogue {
  return {
    skuIdHeader: header.columns.find((column) => column.target === 'sku_id')?.header ?? 'sku_id',
    unknownColumns: header.unknown,
    rows: new ClosingGenerator(readRows(rows, header), async () => {
      await rows.return(undefined);
      await close();
    }),
  };
}

async function* readRows(
  pieces: AsyncGenerator<readonly TableRow[]>,
  header: MatchedHeader,
): AsyncGenerator<CatalogueRow> {
  // What a row names itself must be known before a column of mixed codes is.
  const columns = header.columns.toSorted(
    (a, b) => Number(a.target === 'gtin') - Number(b.target === 'gtin'),
  );
  for await (const piece of pieces) {
    for (const row of piece) {
      yield 'fault' in row
        ? rejectedRow(row.row, row.found?.join(',') ?? '', row.fault)
        : readRow(row, columns);
    }
  }
}

interface ReadableRow {
  readonly row: number;
  readonly cells: readonly string[];
  readonly unreadable?: readonly UnreadableCell[];
}

function readRow(
  { row, cells, unreadable }: ReadableRow,
  columns: readonly Column[],
): CatalogueRow {
  const draft: EntryDraft = { skuId: undefined, product: {}, inventory: {}, gtins: [] };
  const complaints: Complaint[] = [];
  for (const column of columns) {
    const cell = cells[column.place] ?? '';
    const broken = unreadable?.find(({ place }) => place === column.place);
    const fault =
      broken === undefined
        ? readCell(draft, column, cell)
        : ({ kind: 'rejected', reason: broken.reason } as const);
    if (fault !== undefined)
      complaints.push({ row, column: column.header, value: shown(cell), ...fault });
  }
  const { skuId, product, inventory, gtins } = draft;
  if (skuId === undefined || complaints.some((complaint) => complaint.kind === 'rejected')) {
    return { row, entry: null, gtins: [], complaints };
  }
  return { row, entry: { skuId, product, inventory }, gtins, complaints };
}

function rejectedRow(row: number, value: string, reason: string): CatalogueRow {
  const complaint: Complaint = { row, column: '', value: shown(value), reason, kind: 'rejected' };
  return { row, entry: null, gtins: [], complaints: [complaint] };
}

const VALUE_SHOWN_MAX = 200;

/** A cell as a complaint shows it: short, and without NUL, which would spoil the report. */
function shown(value: string): string {
  const short =
    value.length > VALUE_SHOWN_MAX ? `${value.slice(0, VALUE_SHOWN_MAX).toWellFormed()}…` : value;
  return short.replaceAll('\0', '\uFFFD');
}
