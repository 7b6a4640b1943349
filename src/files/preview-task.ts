/** Shows the first rows of a file and how its columns are read, in a worker thread. */
import type { FileFindings } from '../domain/files.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import type { StockFile } from '../formats/stock-file.ts';
import type { TaskContext } from '../workers/serve.ts';
import { printComplaint } from './catalogue-results.ts';
import { FileBytes, openJobFile, type FileTarget, type LineFormatter } from './job-file.ts';

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
  readonly rows: readonly PreviewRow[];
}

/** Characters of a cell that are shown. */
const CELL_CHARACTERS_MAX = 200;
/** After that many characters no further row is shown. */
const PREVIEW_CHARACTERS_MAX = 262_144;

/** Rejects as reading the file does if its header cannot be used by these rules. */
export async function previewTask(
  formatter: LineFormatter,
  target: PreviewTarget,
  { progress }: TaskContext,
): Promise<FilePreview> {
  const { rules, rowsMax } = target;
  const file = await openJobFile(formatter, target, new FileBytes(target.path, progress), {
    rules,
  });
  try {
    const rows: PreviewRow[] = [];
    let characters = 0;
    for await (const { row, cells, problem } of rowsOf(file)) {
      const shown = cells.map(shorten);
      rows.push({ row, cells: shown, problem });
      for (const cell of shown) characters += cell.length;
      if (rows.length >= rowsMax || characters >= PREVIEW_CHARACTERS_MAX) break;
    }
    return {
      kind: file.kind,
      format: file.format,
      sheet: file.sheet,
      columns: file.columns.map(({ header, target: column, by }) => ({
        header,
        target: column,
        by,
      })),
      unknownColumns: file.unknownColumns,
      header: file.header,
      rows,
    };
  } finally {
    await file.close();
  }
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
