/** Shows the first rows of a file and how its columns are read, in a worker thread. */
import { OnhandError } from '../domain/errors.ts';
import type { FileFindings, FileProblem } from '../domain/files.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import { refusalOf, type RefusedTable } from '../formats/refused-table.ts';
import type { StockFile } from '../formats/stock-file.ts';
import type { Column } from '../formats/table/columns.ts';
import type { TaskContext } from '../workers/serve.ts';
import { printComplaint } from './catalogue-results.ts';
import {
  FileBytes,
  openJobFile,
  openRefusedFile,
  type FileTarget,
  type LineFormatter,
} from './job-file.ts';

export interface PreviewTarget extends FileTarget {
  readonly rules: ReadingRules;
  /** How many rows to show at most. */
  readonly rowsMax: number;
}

export interface PreviewRow {
  readonly row: number;
  readonly cells: readonly string[];
  /** Why it cannot be read; null if it can. */
  readonly problem: string | null;
}

/** The beginning of a file. */
export interface FilePreview extends Pick<
  FileFindings,
  'kind' | 'format' | 'sheet' | 'columns' | 'unknownColumns'
> {
  readonly header: readonly string[];
  /** Why the header cannot be used; null if it can. */
  readonly headerProblem: FileProblem | null;
  readonly rows: readonly PreviewRow[];
}

/** Characters of a cell that are shown. */
const CELL_CHARACTERS_MAX = 200;
/** After that many characters no further row is shown. */
const PREVIEW_CHARACTERS_MAX = 262_144;

/** Rejects if the file cannot be opened; a header that cannot be used by these rules is shown with its problem. */
export async function previewTask(
  formatter: LineFormatter,
  target: PreviewTarget,
  { progress }: TaskContext,
): Promise<FilePreview> {
  const { rules } = target;
  const open = () => new FileBytes(target.path, progress);
  try {
    return await previewOf(await openJobFile(formatter, target, open(), { rules }), target);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined || !(error instanceof OnhandError)) throw error;
    const table = await openRefusedFile(target, open(), rules, refusal);
    return previewOfRefused(table, target, error);
  }
}

async function previewOf(file: StockFile, { rowsMax }: PreviewTarget): Promise<FilePreview> {
  try {
    return {
      kind: file.kind,
      format: file.format,
      sheet: file.sheet,
      columns: file.columns.map(columnOf),
      unknownColumns: file.unknownColumns,
      header: file.header,
      headerProblem: null,
      rows: await firstRows(rowsOf(file), rowsMax),
    };
  } finally {
    await file.close();
  }
}

async function previewOfRefused(
  table: RefusedTable,
  { rules, rowsMax }: PreviewTarget,
  { code, message }: OnhandError,
): Promise<FilePreview> {
  try {
    return {
      kind: rules.kind ?? 'inventory',
      format: table.format,
      sheet: table.sheet,
      columns: table.columns.map(columnOf),
      unknownColumns: table.unknownColumns,
      header: table.header,
      headerProblem: { code, detail: message },
      rows: await firstRows(rawRowsOf(table), rowsMax),
    };
  } finally {
    await table.close();
  }
}

function columnOf({ header, target, by }: Column): FilePreview['columns'][number] {
  return { header, target, by };
}

async function firstRows(
  rows: AsyncIterable<PreviewRow>,
  rowsMax: number,
): Promise<readonly PreviewRow[]> {
  const first: PreviewRow[] = [];
  let characters = 0;
  if (rowsMax === 0) return first;
  for await (const { row, cells, problem } of rows) {
    const shown = cells.map(shorten);
    first.push({ row, cells: shown, problem });
    for (const cell of shown) characters += cell.length;
    if (first.length >= rowsMax || characters >= PREVIEW_CHARACTERS_MAX) break;
  }
  return first;
}

async function* rawRowsOf(table: RefusedTable): AsyncGenerator<PreviewRow> {
  for await (const some of table.rows)
    for (const row of some)
      yield 'fault' in row
        ? { row: row.row, cells: row.found ?? [], problem: row.fault }
        : { row: row.row, cells: row.cells, problem: null };
}

async function* rowsOf(file: StockFile): AsyncGenerator<PreviewRow> {
  if (file.kind === 'inventory') {
    for await (const some of file.rows)
      for (const { row, cells, line } of some)
        yield { row, cells, problem: line.refusal?.message ?? null };
    return;
  }
  for await (const { row, cells, complaints } of file.rows) {
    const rejected = complaints.find(({ kind }) => kind === 'rejected');
    yield { row, cells, problem: rejected === undefined ? null : printComplaint(rejected) };
  }
}

function shorten(cell: string): string {
  if (cell.length <= CELL_CHARACTERS_MAX) return cell;
  return `${cell.slice(0, CELL_CHARACTERS_MAX - 1).toWellFormed()}…`;
}
