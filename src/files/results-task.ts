/** Prints the results of a file in a worker thread, which reads the file again. */
import { APPLIED } from '../domain/batch-decision.ts';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import { printCsv } from '../formats/csv/writer.ts';
import { isEdi } from '../formats/stock-file.ts';
import { type Cell, writeXlsx } from '../formats/xlsx/writer.ts';
import { move, type TaskContext } from '../workers/serve.ts';
import { inProgress, type FileTarget, type LineFormatter } from './job-file.ts';
import {
  NOT_APPLIED,
  openForResults,
  openRowResults,
  type ResultsHost,
  type ResultsTarget,
} from './row-results.ts';

/** The columns that a results file adds to the supplier's own. */
export const RESULT_COLUMNS = ['status_code', 'message'] as const;

const ROWS_PER_WRITE = 1000;
/** How much text is printed before it is sent, in characters. */
const CHARACTERS_PER_WRITE = 262_144;

export interface PrintTarget extends ResultsTarget {
  readonly format: 'csv' | 'xlsx';
  /** All rows with their results; or the rows that were not applied, in the columns of the file alone. */
  readonly rows: 'all' | 'failed';
}

/** The main thread's part. */
export interface PrintHost extends ResultsHost {
  /** Replies when the reader has room for more. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Prints the results of the rows of a finished file, or its failed rows. */
export async function printResultsTask(
  formatter: LineFormatter,
  target: PrintTarget,
  host: PrintHost,
  context: TaskContext,
): Promise<void> {
  const rows =
    target.rows === 'all'
      ? rowsWithResults(formatter, target, host, context)
      : failedRows(formatter, target, host, context);
  try {
    // A file that cannot be read is refused before the beginning of a workbook is sent.
    const { value: header } = await rows.next();
    const all = withHeader(header ?? [], rows);
    const content: AsyncIterable<string | Uint8Array> =
      target.format === 'csv' ? printRows(all) : writeXlsx(all);
    for await (const part of content) {
      context.signal.throwIfAborted();
      await host.write(ownBytes(part));
    }
  } finally {
    await rows.return();
  }
}

type Rows = AsyncGenerator<readonly string[], void>;

async function* withHeader(header: readonly string[], rows: Rows): Rows {
  yield header;
  yield* rows;
}

/** A copy in a buffer of its own, since a view of a shared buffer would be sent with all of the buffer. */
export function ownBytes(part: string | Uint8Array): Uint8Array {
  const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : new Uint8Array(part);
  return move(bytes, [bytes.buffer]);
}

/** Prints the acknowledgements (997 or CONTRL) of an EDI file. Rejects with `file_state_wrong` for any other file. */
export async function acknowledgeTask(
  formatter: LineFormatter,
  target: FileTarget,
  context: TaskContext,
): Promise<string> {
  const { job } = target;
  const file = await openForResults(formatter, target, context);
  try {
    if (file?.kind !== 'inventory' || !isEdi(file.format))
      throw new OnhandError(
        'file_state_wrong',
        'Only X12 and EDIFACT files are acknowledged; this file has another format.',
      );
    await readInterchanges(inProgress(file.rows, context));
    const isRefused = job.state === 'refused';
    const atMs = job.finishedAtMs ?? job.uploadedAtMs;
    return file
      .acknowledge((i) => ({ controlNumber: controlNumberOf(job, i), atMs, isRefused }))
      .join('\n');
  } finally {
    await file?.close();
  }
}

/** The header and the rows of an inventory file's results. */
async function* rowsWithResults(
  formatter: LineFormatter,
  target: PrintTarget,
  host: PrintHost,
  context: TaskContext,
): Rows {
  const { job } = target;
  const file = await openRowResults(formatter, target, host, context);
  const header = file?.header ?? [];
  yield [...header, ...RESULT_COLUMNS];
  if (file === undefined) {
    yield resultCells([], 400, job.problem?.detail ?? NOT_APPLIED, header);
    return;
  }
  try {
    for await (const { cells, statusCode, message } of file.results)
      yield resultCells(cells, statusCode, message, header);
  } catch (error) {
    // The file is damaged here; the job's problem says so too.
    if (!(error instanceof OnhandError) || job.state === 'done') throw error;
    yield resultCells([], 400, error.message, header);
  } finally {
    await file.close();
  }
}

/** The header and the rows that were not applied, as they are in the file. */
async function* failedRows(
  formatter: LineFormatter,
  target: PrintTarget,
  host: PrintHost,
  context: TaskContext,
): Rows {
  const file = await openRowResults(formatter, target, host, context);
  if (file === undefined)
    throw new OnhandError('file_state_wrong', target.job.problem?.detail ?? NOT_APPLIED);
  try {
    yield file.header;
    for await (const { cells, statusCode } of file.results)
      if (statusCode !== APPLIED) yield file.header.map((_, place) => cells[place] ?? '');
  } catch (error) {
    // What follows in the file cannot be read.
    if (!(error instanceof OnhandError) || target.job.state === 'done') throw error;
  } finally {
    await file.close();
  }
}

/** Prints rows as CSV, many at a time. */
export async function* printRows(source: AsyncIterable<readonly Cell[]>): AsyncGenerator<string> {
  let rows: (readonly Cell[])[] = [];
  let characters = 0;
  for await (const cells of source) {
    rows.push(cells);
    for (const cell of cells) characters += String(cell).length + 1;
    if (rows.length < ROWS_PER_WRITE && characters < CHARACTERS_PER_WRITE) continue;
    yield printCsv(rows);
    rows = [];
    characters = 0;
  }
  yield printCsv(rows);
}

/** Reads a file as far as it is well-formed. */
async function readInterchanges(rows: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of rows);
  } catch (error) {
    if (!(error instanceof OnhandError)) throw error;
  }
}

/** A row of the results file. Cells beyond the header are dropped, missing ones are empty. */
export function resultCells(
  cells: readonly string[],
  statusCode: number,
  message: string,
  header: readonly string[],
): readonly string[] {
  return [...header.map((_, place) => cells[place] ?? ''), String(statusCode), message];
}

const INTERCHANGES_MAX = 1000;
const CONTROL_NUMBER_MAX = 999_999_999;

/** Unique for a supplier until it has sent a million files. */
function controlNumberOf({ number }: FileRecord, interchange: number): number {
  return ((number * INTERCHANGES_MAX + interchange) % CONTROL_NUMBER_MAX) + 1;
}
