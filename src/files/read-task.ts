/** Reads a stock file in a worker thread. The main thread applies what was read. */
import type { FileFindings } from '../domain/files.ts';
import type { Lines } from '../domain/lines.ts';
import { printKey } from '../domain/reading-rules.ts';
import { quoted, type FileRow } from '../formats/format.ts';
import type { InventoryFile, StockFile } from '../formats/stock-file.ts';
import { asOfOfFile } from '../formats/edi/report-date.ts';
import {
  moveColumns,
  sendTexts,
  type LineColumns,
  type LinesHost,
} from '../workers/lines-transfer.ts';
import type { TaskContext } from '../workers/serve.ts';
import { chunksOf, wholeOf } from './chunks.ts';
import {
  checkJobFile,
  FileBytes,
  openJobFile,
  type FileTarget,
  type LineFormatter,
} from './job-file.ts';

/** What was found in a file; whether it is one batch is not for the file to say. */
export type FoundInFile = Omit<FileFindings, 'isWhole'>;

/** How a file is read on after it was opened. */
export type ReadPlan =
  /** A catalogue is read by a task of its own. */
  | { readonly kind: 'nothing' }
  /** In chunks, of which the first `skipped` were applied before. */
  | { readonly kind: 'chunks'; readonly skipped: number }
  /** As one batch of at most `linesMax` lines. */
  | { readonly kind: 'whole'; readonly linesMax: number };

/** Lines that are applied as one batch; their texts were sent before. */
export interface ReadChunk {
  readonly lines: LineColumns;
  /** The timestamp of lines that have none, in microseconds since 1970-01-01T00:00Z. */
  readonly asOfUs: number | null;
  /** An estimate of the rows in the file; null if unknown. */
  readonly rowsExpected: number | null;
}

/** The main thread's part. */
export interface ReadHost extends LinesHost {
  opened(found: FoundInFile): Promise<ReadPlan>;
  /** Replies when the next chunk may be read. */
  apply(chunk: ReadChunk): Promise<void>;
}

/** Resolves with what was found in the file when all of it was read; the encoding is certain then. */
export async function readFileTask(
  formatter: LineFormatter,
  target: FileTarget,
  host: ReadHost,
  context: TaskContext,
): Promise<FoundInFile> {
  const bytes = new FileBytes(target.path, context.progress);
  const file = await openJobFile(formatter, target, bytes);
  try {
    const plan = await host.opened(foundIn(file));
    if (file.kind === 'catalogue' || plan.kind === 'nothing') return foundIn(file);
    const { job } = target;
    const rows = inProgress(file.rows, context);
    const asOf = (): number | null =>
      job.asked.asOfUs ?? asOfOfFile(file.datedAs(), job.uploadedAtMs);
    if (plan.kind === 'whole') {
      const lines = await wholeOf(rows, asOf, plan.linesMax);
      await sendChunk(host, { lines, asOfUs: asOf(), rowsExpected: null });
      return foundIn(file);
    }
    // A file that is resumed was checked when it began.
    if (plan.skipped === 0) await checkJobFile(formatter, target, file, context);
    let number = 0;
    let rowsRead = 0;
    for await (const lines of chunksOf(rows, asOf)) {
      if (context.signal.aborted) break;
      number += 1;
      rowsRead += lines.count;
      if (number <= plan.skipped) continue;
      const rowsExpected = isInOrder(file)
        ? Math.round(rowsRead / (bytes.bytesRead / job.bytes))
        : null;
      await sendChunk(host, { lines, asOfUs: asOf(), rowsExpected });
    }
    return foundIn(file);
  } finally {
    await file.close();
  }
}

/** Zip archives are not read in order, so the position in them tells nothing about progress. */
function isInOrder({ sheet, packing }: InventoryFile): boolean {
  return sheet === null && packing !== 'zip';
}

/** Rows, each array of which counts as progress. Ends when the task is to stop. */
export async function* inProgress(
  rows: AsyncIterable<readonly FileRow[]>,
  { signal, progress }: TaskContext,
): AsyncGenerator<readonly FileRow[]> {
  for await (const some of rows) {
    if (signal.aborted) return;
    progress();
    yield some;
  }
}

async function sendChunk(
  host: ReadHost,
  chunk: ReadChunk & { readonly lines: Lines },
): Promise<void> {
  const lines = await sendTexts(chunk.lines, host);
  await host.apply(moveColumns({ ...chunk, lines }, lines));
}

function foundIn(file: StockFile): FoundInFile {
  return {
    kind: file.kind,
    format: file.format,
    packing: file.packing,
    encoding: file.kind === 'inventory' ? file.encoding() : null,
    rowUnit: file.rowUnit,
    columns: file.columns.map(({ header, target, by }) => ({ header, target, by })),
    unknownColumns: file.unknownColumns,
    notes: notesOn(file),
    sheet: file.sheet === null ? null : { name: file.sheet.name, others: file.sheet.others },
  };
}

/** Columns that look like a quantity and are not read are named too: silence would look like success. */
function notesOn(file: StockFile): readonly string[] {
  const overlooked = file.kind === 'catalogue' ? [] : file.overlooked.map(overlookedNote);
  return [...file.notes(), ...overlooked].slice(0, NOTES_MAX);
}

const NOTES_MAX = 100;

function overlookedNote(header: string): string {
  const mapping = `mapping=${printKey(header)}`;
  return `Column ${quoted(header)} looks like a quantity or an availability and was not read. To read it, send ${mapping}=quantity_in_stock or ${mapping}=status; if it is neither, send ${mapping}=ignore.`;
}
