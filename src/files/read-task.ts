/** Reads a stock file in a worker thread. The main thread applies what was read. */
import type { FileFindings } from '../domain/files.ts';
import type { Lines } from '../domain/lines.ts';
import { printKey, type ReadingRules } from '../domain/reading-rules.ts';
import { quoted } from '../formats/format.ts';
import type { InventoryFile, StockFile } from '../formats/stock-file.ts';
import { asOfOfFile } from '../formats/edi/report-date.ts';
import { inspectCatalogue } from '../formats/table/catalogue-inspection.ts';
import {
  moveColumns,
  sendTexts,
  type LineColumns,
  type LinesHost,
} from '../workers/lines-transfer.ts';
import type { TaskContext } from '../workers/serve.ts';
import { chunksOf, wholeOf } from './chunks.ts';
import { decimalQuestion, mixedNamesNote, type Identify, type Inspection } from './inspection.ts';
import { RowNumbers } from './row-numbers.ts';
import {
  checkJobFile,
  FileBytes,
  inProgress,
  inspectJobFile,
  openJobFile,
  rulesOf,
  withTotals,
  type FileTarget,
  type LineFormatter,
} from './job-file.ts';

/** What was found in a file; whether it is one batch, and what it does to other SKUs, is not for the file to say. */
export type FoundInFile = Omit<FileFindings, 'isWhole' | 'zeroedCount'>;

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
  readonly identify: Identify;
}

/** Resolves with what was found in the file when all of it was read; the encoding is certain then. */
export async function readFileTask(
  formatter: LineFormatter,
  target: FileTarget,
  host: ReadHost,
  context: TaskContext,
): Promise<FoundInFile> {
  const { job } = target;
  const { inspection, catalogue } = await inspectedBefore(formatter, target, host, context);
  const rules = { ...rulesOf(job), ...(inspection?.decimal && { decimal: inspection.decimal }) };
  const decided = {
    decimal:
      catalogue?.decimal ??
      (inspection === null ? (job.found?.decimal ?? null) : inspection.decimal),
    questions: catalogue?.questions ?? inspection?.questions ?? [],
  };
  const bytes = new FileBytes(target.path, context.progress);
  const file = await openJobFile(formatter, target, bytes, { rules });
  try {
    const mixed = inspection && mixedNamesNote(inspection.quantities, file.rowUnit);
    const found = (): FoundInFile => {
      const described = foundIn(file);
      const further = catalogue?.notes ?? (mixed ? [mixed] : []);
      const notes = [...further, ...described.notes].slice(0, NOTES_MAX);
      return { ...described, notes, ...decided };
    };
    const plan = await host.opened(found());
    if (file.kind === 'catalogue' || plan.kind === 'nothing') return found();
    const inOrder = inProgress(file.rows, context);
    const numbers = new RowNumbers();
    const rows = numbers.of(
      rules.locations === 'sum' && inspection !== null
        ? withTotals(inOrder, inspection.quantities, file.rowUnit)
        : inOrder,
    );
    const asOf = (): number | null =>
      job.asked.asOfUs ?? asOfOfFile(file.datedAs(), job.uploadedAtMs);
    if (plan.kind === 'whole') {
      const lines = await wholeOf(rows, asOf, plan.linesMax);
      await sendChunk(host, { lines, asOfUs: asOf(), rowsExpected: null });
      return { ...found(), ...numbers.found() };
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
    return { ...found(), ...numbers.found() };
  } finally {
    await file.close();
  }
}

/** What is known of a file before anything of it is applied. */
interface InspectedBefore {
  /** Null unless the file contains inventory. */
  readonly inspection: Inspection | null;
  readonly catalogue: InspectedCatalogue | null;
}

/** The decimal mark that a catalogue needs and shows, what is left to ask, and notes about its rows. */
type InspectedCatalogue = Pick<FoundInFile, 'decimal' | 'questions' | 'notes'>;

const NOT_INSPECTED: InspectedBefore = { inspection: null, catalogue: null };

/**
 * Inspects a file before anything of it is applied, and again if its totals are needed. A file that is resumed is not
 * inspected: what was decided is in its job.
 */
async function inspectedBefore(
  formatter: LineFormatter,
  target: FileTarget,
  host: ReadHost,
  context: TaskContext,
): Promise<InspectedBefore> {
  const { job } = target;
  if (job.rowCount > 0 && job.asked.rules.locations !== 'sum') return NOT_INSPECTED;
  const bytes = new FileBytes(target.path, context.progress);
  const { rules } = job.asked;
  const file = await openJobFile(formatter, target, bytes, { rules });
  await file.close();
  if (file.kind === 'catalogue')
    return { ...NOT_INSPECTED, catalogue: await inspectedCatalogue(target, rules, context) };
  const identify: Identify = (names) => host.identify(names);
  const inspection = await inspectJobFile(formatter, target, rules, context, identify);
  return { ...NOT_INSPECTED, inspection };
}

async function inspectedCatalogue(
  { path, formatLimits }: FileTarget,
  rules: ReadingRules,
  { progress, signal }: TaskContext,
): Promise<InspectedCatalogue> {
  const source = { bytes: new FileBytes(path, progress), path };
  const found = await inspectCatalogue(source, rules, formatLimits, ({ row }) => {
    // Rows of a workbook are no progress by themselves.
    if (row % ROWS_PER_PROGRESS === 0) progress();
    return !signal.aborted;
  });
  const { decimal, ambiguous, notes } = found;
  if (rules.decimal !== null || ambiguous.length === 0)
    return { decimal: null, questions: [], notes };
  return { decimal, questions: decimal === null ? [decimalQuestion(ambiguous)] : [], notes };
}

const ROWS_PER_PROGRESS = 1000;

/** Zip archives are not read in order, so the position in them tells nothing about progress. */
function isInOrder({ sheet, packing }: InventoryFile): boolean {
  return sheet === null && packing !== 'zip';
}

async function sendChunk(
  host: ReadHost,
  chunk: ReadChunk & { readonly lines: Lines },
): Promise<void> {
  const lines = await sendTexts(chunk.lines, host);
  await host.apply(moveColumns({ ...chunk, lines }, lines));
}

function foundIn(file: StockFile): Omit<FoundInFile, 'decimal' | 'questions'> {
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
