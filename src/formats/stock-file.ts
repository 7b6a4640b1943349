import { OnhandError } from '../domain/errors.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import { quoted, tooManyRows, type FileRow, type FormatLimits, type RowUnit } from './format.ts';
import { ITEM_COLUMNS } from './edi/stock-item.ts';
import { openArchive } from './archive/zip.ts';
import { readJsonArray, readNdjson, type JsonLineReader } from './json.ts';
import { DecimalEvidence, decimalOf, type DecimalFindings } from './table/decimal-evidence.ts';
import { openFile, type FileSource, type OpenedFile, type Packing } from './open-file.ts';
import { readCatalogue, type Catalogue } from './table/catalogue.ts';
import { matchInventory, type Column, type MatchedHeader } from './table/columns.ts';
import { isTotal, repeatsTotal } from './table/header-refusals.ts';
import { InventoryReader } from './table/inventory.ts';
import type { Table } from './table/table.ts';
import type { Encoding } from './text.ts';
import type { ReadSheet } from './xlsx/workbook.ts';
import type { AcknowledgementOptions, EdiReport } from './edi/report.ts';
import { checkReport, InventoryReport } from './edifact/inventory-report.ts';
import { checkAdvice, InventoryAdvice } from './x12/inventory-advice.ts';

export type FileFormat = 'csv' | 'xlsx' | 'json' | 'ndjson' | EdiFormat;

/** The EDI formats, whose files count their contents and are acknowledged. */
export type EdiFormat = 'x12' | 'edifact';

const EDI_READERS: Readonly<
  Record<
    EdiFormat,
    {
      readonly open: (
        text: AsyncIterable<string>,
        limits: FormatLimits,
        rules: ReadingRules,
      ) => EdiReport;
      readonly check: typeof checkAdvice;
    }
  >
> = {
  x12: {
    open: (text, limits, rules) => new InventoryAdvice(text, limits, rules),
    check: checkAdvice,
  },
  edifact: {
    open: (text, limits, rules) => new InventoryReport(text, limits, rules),
    check: checkReport,
  },
};

export function isEdi(format: string): format is EdiFormat {
  return Object.hasOwn(EDI_READERS, format);
}

/** How to read a file. */
export interface FileReadOptions {
  readonly rules: ReadingRules;
  /** Whether to collect what the numbers of a table say about its decimal mark. */
  readonly isInspected?: boolean;
  readonly limits: FormatLimits;
  /** Reads the lines of JSON and NDJSON. */
  readonly readJsonLine: JsonLineReader;
}

/** What is known about a file before its rows are read. */
export interface FileDescription {
  readonly format: FileFormat;
  readonly packing: Packing;
  /** What the row numbers count. */
  readonly rowUnit: RowUnit;
  /** Which column is read as what, and why; empty for a format without a header. */
  readonly columns: readonly Column[];
  /** Headers of the columns that are ignored. */
  readonly unknownColumns: readonly string[];
  /** Those of them that look like a quantity or an availability. */
  readonly overlooked: readonly string[];
  /** What the sender should know, in sentences; complete once all rows are read. */
  readonly notes: () => readonly string[];
  /** The worksheet that is read, and the names of the others; null if the file is not a workbook. */
  readonly sheet: ReadSheet | null;
}

/** An open inventory file. Close it, whether or not its rows were read. */
export interface InventoryFile extends FileDescription {
  readonly kind: 'inventory';
  /** The names of a row's cells, for the results file. */
  readonly header: readonly string[];
  /**
   * The rows in order, in arrays of any length, with bounded memory. Can be read once. Rejects with
   * `body_malformed`, `body_too_large` or `too_many_lines`, naming the place, if the file cannot be read
   * to its end.
   */
  readonly rows: AsyncGenerator<readonly FileRow[]>;
  /** Releases the file. Idempotent. */
  readonly close: () => Promise<void>;
  /** The encoding, which is certain once all rows are read; null for workbooks. */
  readonly encoding: () => Encoding | null;
  /** The acknowledgements of the interchanges received so far; empty if the format has none. */
  readonly acknowledge: (
    optionsOf: (interchange: number) => AcknowledgementOptions,
  ) => readonly string[];
  /** The date of an EDI report, once it was read, as `asOfOfFile` reads it; null for other formats. */
  readonly datedAs: () => string | null;
  /** What an inspected table says about its decimal mark, once all rows are read; otherwise null. */
  readonly decimals: () => DecimalFindings | null;
}

/** An open file with product columns, which is imported as a catalogue. */
export interface CatalogueFile extends FileDescription, Catalogue {
  readonly kind: 'catalogue';
}

export type StockFile = InventoryFile | CatalogueFile;

/**
 * Opens a file of any format, recognised by its content. Rejects with `body_malformed` or
 * `body_shape_wrong` if the format is not supported or the header cannot be used, and with
 * `body_too_large` beyond a limit.
 */
export async function openStockFile(
  source: FileSource,
  options: FileReadOptions,
): Promise<StockFile> {
  const file = await openFile(source, options.limits, options.rules.columns);
  try {
    return file.format === 'csv' || file.format === 'xlsx'
      ? await openTableFile(file, options)
      : openLineFile(file, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openTableFile(
  file: OpenedFile,
  { rules, limits, isInspected = false }: FileReadOptions,
): Promise<StockFile> {
  const table: Table<MatchedHeader> & {
    readonly sheet?: ReadSheet;
    readonly alike?: readonly string[];
  } = await file.openTable((header, below) =>
    matchInventory(header, rules.columns, limits.columnsMax, rules.kind, below),
  );
  const { header, sheet = null, alike = [] } = table;
  if (rules.locations === 'sum') refuseRepeatedTotals(header);
  const reader = new InventoryReader(header, rules);
  const description: FileDescription = {
    format: file.format,
    packing: file.packing,
    rowUnit: 'row',
    columns: header.columns,
    unknownColumns: header.unknown,
    overlooked: header.overlooked,
    notes: () => [
      ...sheetNotes(sheet, alike),
      ...header.notes,
      ...table.repeated.notes(),
      ...reader.notes.sentences(),
    ],
    sheet,
  };
  if (header.kind === 'catalogue')
    return {
      kind: 'catalogue',
      ...description,
      ...readCatalogue(table, rules, () => file.close()),
    };
  const evidence = isInspected
    ? new DecimalEvidence(header.columns, {
        headerDecimal: decimalOf(header.languages),
        hasSemicolons: 'delimiter' in file && file.delimiter === ';',
      })
    : null;
  return {
    kind: 'inventory',
    ...description,
    header: table.headerCells,
    ...boundedRows(readTable(table, reader, evidence), limits, file),
    encoding: () => ('encoding' in file ? file.encoding : null),
    acknowledge: () => [],
    datedAs: () => null,
    decimals: () => evidence?.findings ?? null,
  };
}

/** Rows that are to be added up must not each have the total of their SKU. */
function refuseRepeatedTotals({ columns, places }: MatchedHeader): void {
  const total = columns.find(
    ({ target, by, header }) => target === 'quantity_in_stock' && by === 'alias' && isTotal(header),
  );
  if (total !== undefined && places.length > 0)
    throw new OnhandError('body_malformed', repeatsTotal(total.header));
}

/** Says which sheets could be read too. */
function sheetNotes(sheet: ReadSheet | null, alike: readonly string[]): readonly string[] {
  if (sheet === null || alike.length === 0) return [];
  const [noun, are] = alike.length === 1 ? ['sheet', 'is'] : ['sheets', 'are'];
  return [
    `Only the sheet ${quoted(sheet.name)} is read. The ${noun} ${alike.map((name) => quoted(name)).join(', ')} ${are} like it: to have more than the first read, send each as a file of its own.`,
  ];
}

async function* readTable(
  { rows }: Table<MatchedHeader>,
  reader: InventoryReader,
  evidence: DecimalEvidence | null,
): AsyncGenerator<readonly FileRow[]> {
  for await (const some of rows) {
    if (evidence !== null) for (const row of some) evidence.add(row);
    yield some.map((row) => reader.read(row));
  }
}

type TextFile = Exclude<OpenedFile, { readonly format: 'xlsx' }>;

/** Opens a format without a header, whose lines name their own members. */
function openLineFile(
  file: TextFile,
  { rules, limits, readJsonLine }: FileReadOptions,
): InventoryFile {
  const text = asText(file.utf8);
  const report = isEdi(file.format) ? EDI_READERS[file.format].open(text, limits, rules) : null;
  const readRows = file.format === 'json' ? readJsonArray : readNdjson;
  return {
    kind: 'inventory',
    format: file.format,
    packing: file.packing,
    rowUnit: report !== null ? 'segment' : file.format === 'json' ? 'element' : 'line',
    columns: [],
    unknownColumns: [],
    overlooked: [],
    notes: () => [],
    sheet: null,
    header: report === null ? ['line'] : ITEM_COLUMNS,
    ...boundedRows(report?.rows ?? readRows(text, readJsonLine, limits), limits, file),
    encoding: () => file.encoding,
    acknowledge: (optionsOf) => report?.acknowledge(optionsOf) ?? [],
    datedAs: () => report?.datedAs ?? null,
    decimals: () => null,
  };
}

async function* asText(utf8: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const chunk of utf8) yield chunk.toString();
}

function boundedRows(
  source: AsyncGenerator<readonly FileRow[]>,
  { rowsMax }: FormatLimits,
  file: OpenedFile,
): Pick<InventoryFile, 'rows' | 'close'> {
  const rows = countedRows(source, rowsMax);
  const close = async (): Promise<void> => {
    await rows.return(undefined);
    await source.return(undefined);
    await file.close();
  };
  return { rows, close };
}

async function* countedRows(
  source: AsyncGenerator<readonly FileRow[]>,
  rowsMax: number,
): AsyncGenerator<readonly FileRow[]> {
  let count = 0;
  for await (const rows of source) {
    count += rows.length;
    if (count > rowsMax) {
      const first = rows[rows.length - (count - rowsMax)]?.row ?? 0;
      throw tooManyRows(rowsMax, first);
    }
    yield rows;
  }
}

/** A file on disk, which can be read more than once. */
export interface FileOnDisk {
  readonly path: string;
  readonly read: () => AsyncIterable<Uint8Array>;
}

/**
 * Checks that a file is complete before its rows are applied, if only its end can tell: the envelopes of
 * EDI files count their contents, and compressed files end with a checksum. Other files are not read. Rejects
 * as reading the rows would. Stops early if the signal is aborted.
 */
export async function checkComplete(
  { format, packing, sheet }: FileDescription,
  { path, read }: FileOnDisk,
  { limits }: FileReadOptions,
  signal: AbortSignal,
): Promise<void> {
  if (sheet !== null) {
    const { archive } = await openArchive(path, limits);
    try {
      await readToEnd(archive.read(sheet.part), signal);
    } finally {
      archive.close();
    }
  } else if (isEdi(format) || packing !== null) {
    const file = await openFile({ bytes: read(), path }, limits);
    if (file.format === 'xlsx') throw new Error('a workbook has a sheet');
    try {
      if (isEdi(format)) await EDI_READERS[format].check(asText(file.utf8), limits, signal);
      else await readToEnd(file.utf8, signal);
    } finally {
      await file.close();
    }
  }
}

async function readToEnd(chunks: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  for await (const _ of chunks) if (signal.aborted) return;
}
