import type { CatalogueRow, Complaint } from '../domain/catalogue.ts';
import { OnhandError } from '../domain/errors.ts';
import { areAnnotations } from './annotations.ts';
import { readCell, type EntryDraft } from './cells.ts';
import { matchHeader, type Column, type ColumnMapping, type MatchedHeader } from './columns.ts';
import { readCsv, type CsvRow } from './csv.ts';

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
 * Opens a catalogue in CSV. Rejects with `body_malformed` where the header cannot be used; reading
 * the rows does so where the file turns out not to be CSV. What is wrong with a single row is a
 * complaint of that row.
 */
export async function openCatalogue(
  bytes: AsyncIterable<Uint8Array>,
  mappings: readonly ColumnMapping[],
): Promise<Catalogue> {
  const rows = readCsv(bytes);
  const header = matchHeader(await readHeader(rows), mappings);
  return {
    skuIdHeader: header.columns.find((column) => column.target === 'sku_id')?.header ?? 'sku_id',
    unknownColumns: header.unknown,
    rows: readRows(rows, header),
  };
}

async function readHeader(rows: AsyncGenerator<CsvRow>): Promise<readonly string[]> {
  for (;;) {
    const next = await rows.next();
    if (next.done === true)
      throw new OnhandError('body_malformed', 'The file is empty; a header is needed.');
    const row = next.value;
    if ('fault' in row) throw new OnhandError('body_malformed', `The header ${row.fault}.`);
    if (isBlank(row.cells)) continue;
    if (row.cells.some((cell) => cell.includes('\0'))) {
      throw new OnhandError(
        'body_malformed',
        'The file is not text: its header holds NUL bytes. Save it as "CSV UTF-8".',
      );
    }
    return row.cells;
  }
}

async function* readRows(
  rows: AsyncGenerator<CsvRow>,
  header: MatchedHeader,
): AsyncGenerator<CatalogueRow> {
  // What a row names itself must be known before a column of mixed codes is.
  const columns = header.columns.toSorted(
    (a, b) => Number(a.target === 'gtin') - Number(b.target === 'gtin'),
  );
  for await (const row of withoutAnnotations(rows)) {
    if ('fault' in row) yield rejectedRow(row.row, '', row.fault);
    else if (isBlank(row.cells)) continue;
    else if (row.cells.length === header.width) yield readRow(row.row, row.cells, columns);
    else
      yield rejectedRow(row.row, row.cells.join(','), raggedReason(row.cells.length, header.width));
  }
}

async function* withoutAnnotations(rows: AsyncGenerator<CsvRow>): AsyncGenerator<CsvRow> {
  const first = await rows.next();
  if (first.done === true) return;
  const second = await rows.next();
  if (second.done === true) yield first.value;
  else if (!areAnnotations(first.value, second.value)) yield* [first.value, second.value];
  yield* rows;
}

function isBlank(cells: readonly string[]): boolean {
  return cells.every((cell) => cell === '');
}

function readRow(row: number, cells: readonly string[], columns: readonly Column[]): CatalogueRow {
  const draft: EntryDraft = { skuId: undefined, product: {}, inventory: {}, gtins: [] };
  const complaints: Complaint[] = [];
  for (const column of columns) {
    const cell = cells[column.place] ?? '';
    const fault = readCell(draft, column, cell);
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

function raggedReason(cells: number, columns: number): string {
  return `has ${cells} cells where the header has ${columns} columns; perhaps a comma stands in a cell that is not quoted`;
}

const VALUE_SHOWN_MAX = 200;

/** A cell as a complaint shows it: short, and without NUL, which would spoil the report. */
function shown(value: string): string {
  const short =
    value.length > VALUE_SHOWN_MAX ? `${value.slice(0, VALUE_SHOWN_MAX).toWellFormed()}…` : value;
  return short.replaceAll('\0', '\uFFFD');
}
