import { readCatalogue, type Catalogue } from './table/catalogue.ts';
import { ClosingGenerator } from './closing-generator.ts';
import {
  matchInventory,
  type Column,
  type ColumnMapping,
  type MatchedHeader,
} from './table/columns.ts';
import { readInventoryRow } from './table/inventory.ts';
import { readJsonArray, readNdjson, type JsonLineReader } from './json/json.ts';
import { tooManyRows, type FormatLimits } from './limits.ts';
import { openFile, type FileSource, type OpenedFile, type Packing } from './open-file.ts';
import type { FeedRow, RowUnit } from './rows.ts';
import type { Table, TableRow } from './table/table.ts';
import type { Encoding } from './text/text.ts';
import type { ReadSheet } from './xlsx/workbook-table.ts';
import { InventoryAdvice } from './x12/inventory-advice.ts';
import { ITEM_COLUMNS } from './x12/item.ts';
import type { ReceivedInterchange } from './x12/received.ts';

export type FileFormat = 'csv' | 'xlsx' | 'json' | 'ndjson' | 'x12';

/** How a file is to be read. */
export interface FileReadOptions {
  /** The supplier's own names of columns; they win over those that are known. */
  readonly mappings: readonly ColumnMapping[];
  readonly limits: FormatLimits;
  /** Reads the lines of JSON and NDJSON. */
  readonly readJsonLine: JsonLineReader;
}

/** What was found out of a file before its rows are read. */
export interface FileDescription {
  readonly format: FileFormat;
  readonly packing: Packing;
  /** What the numbers of rows count. */
  readonly rowUnit: RowUnit;
  /** Which column is read as what, and why; none where the format has no header. */
  readonly columns: readonly Column[];
  /** Headers of the columns that are ignored. */
  readonly unknownColumns: readonly string[];
  /** The worksheet that is read, and those that are not; null outside of workbooks. */
  readonly sheet: ReadSheet | null;
}

/** A file of inventory: its rows are lines. */
export interface InventoryFile extends FileDescription {
  readonly kind: 'inventory';
  /** The names of a row's cells, for the file of results. */
  readonly header: readonly string[];
  /**
   * In the order of the file, in pieces of no certain size; bounded memory. To be read once; whoever
   * stops early calls its `return`. Rejects with `body_malformed`, `body_too_large` or `too_many_lines`
   * where the file cannot be read to its end, with the place.
   */
  readonly rows: AsyncGenerator<readonly FeedRow[]>;
  /** The encoding, which is sure when the rows are read; null for workbooks. */
  encoding(): Encoding | null;
  /** The interchanges received so far, to be acknowledged; none in other formats than X12. */
  interchanges(): readonly ReceivedInterchange[];
  /** The date that an X12 file gives itself (ccyymmdd, or with hhmm behind it), once it was read. */
  datedAs(): string | null;
}

/** A file with product columns: it goes the way of the import. */
export interface CatalogueFile extends FileDescription, Catalogue {
  readonly kind: 'catalogue';
}

export type Feed = InventoryFile | CatalogueFile;

/**
 * Opens a file of whatever format, told by its content. Rejects with `body_malformed` or
 * `body_shape_wrong` where it is none that is read, or its header cannot be used, and with
 * `body_too_large` where it exceeds a limit. What is closed when its rows are read to the end, or
 * `return` is called on them, is closed also when opening fails.
 */
export async function openStockFile(source: FileSource, terms: FileReadOptions): Promise<Feed> {
  const file = await openFile(source, terms.limits, terms.mappings);
  try {
    return file.format === 'csv' || file.format === 'xlsx'
      ? await openTableFeed(file, terms)
      : openLineFeed(file, terms);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openTableFeed(
  file: OpenedFile,
  { mappings, limits }: FileReadOptions,
): Promise<Feed> {
  const table: Table<MatchedHeader> & {
    readonly sheet?: ReadSheet;
  } = await file.openTable((header) => matchInventory(header, mappings, limits.columnsMax));
  const { header, sheet = null } = table;
  const description: FileDescription = {
    format: file.format,
    packing: file.packing,
    rowUnit: 'row',
    columns: header.columns,
    unknownColumns: header.unknown,
    sheet,
  };
  const close = (): Promise<void> => file.close();
  if (header.kind === 'catalogue')
    return { kind: 'catalogue', ...description, ...readCatalogue(table, close) };
  return {
    kind: 'inventory',
    ...description,
    header: table.headerCells,
    rows: bounded(readTable(table), limits, close),
    encoding: () => ('encoding' in file ? file.encoding : null),
    interchanges: () => [],
    datedAs: () => null,
  };
}

async function* readTable({
  header,
  rows,
}: Table<MatchedHeader>): AsyncGenerator<readonly FeedRow[]> {
  for await (const piece of rows) {
    yield piece.map((row: TableRow) => readInventoryRow(row, header));
  }
}

type TextFile = Exclude<OpenedFile, { readonly format: 'xlsx' }>;

/** A feed of lines, each of which says what its values are. */
function openLineFeed(file: TextFile, { limits, readJsonLine }: FileReadOptions): InventoryFile {
  const text = asText(file.utf8);
  const advice = file.format === 'x12' ? new InventoryAdvice(text, limits) : null;
  const readRows = file.format === 'json' ? readJsonArray : readNdjson;
  return {
    kind: 'inventory',
    format: file.format,
    packing: file.packing,
    rowUnit: advice !== null ? 'segment' : file.format === 'json' ? 'element' : 'line',
    columns: [],
    unknownColumns: [],
    sheet: null,
    header: advice === null ? ['line'] : ITEM_COLUMNS,
    rows: bounded(advice?.rows ?? readRows(text, readJsonLine, limits), limits, () => file.close()),
    encoding: () => file.encoding,
    interchanges: () => advice?.interchanges ?? [],
    datedAs: () => advice?.datedAs ?? null,
  };
}

/** UTF-8 of whole characters, as text. */
export async function* asText(utf8: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const piece of utf8) yield piece.toString();
}

/** Counts the rows, and closes the file behind the last. */
function bounded(
  pieces: AsyncGenerator<readonly FeedRow[]>,
  { rowsMax }: FormatLimits,
  close: () => Promise<void>,
): AsyncGenerator<readonly FeedRow[]> {
  return new ClosingGenerator(countingRows(pieces, rowsMax), async () => {
    await pieces.return(undefined);
    await close();
  });
}

async function* countingRows(
  pieces: AsyncGenerator<readonly FeedRow[]>,
  rowsMax: number,
): AsyncGenerator<readonly FeedRow[]> {
  let count = 0;
  for await (const rows of pieces) {
    count += rows.length;
    if (count > rowsMax) {
      const first = rows[rows.length - (count - rowsMax)]?.row ?? 0;
      throw tooManyRows(rowsMax, first);
    }
    yield rows;
  }
}
