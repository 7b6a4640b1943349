/** Prints the results of a file in a worker thread, which reads the file again. */
import { APPLIED } from '../domain/batch-decision.ts';
import type { FailedLine } from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import { printCsv } from '../formats/csv/writer.ts';
import type { FileRow, RowUnit } from '../formats/format.ts';
import { isEdi, type InventoryFile } from '../formats/stock-file.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import { move, type TaskContext } from '../workers/serve.ts';
import {
  FileBytes,
  inProgress,
  inspectJobFile,
  openJobFile,
  rulesOf,
  withTotals,
  type FileTarget,
  type LineFormatter,
} from './job-file.ts';

/** The columns that a results file adds to the supplier's own. */
export const RESULT_COLUMNS = ['status_code', 'message'] as const;

const ROWS_PER_WRITE = 1000;
/** How much text is printed before it is sent, in characters. */
const CHARACTERS_PER_WRITE = 262_144;
export const NOT_APPLIED = 'Not applied.';
export const WOULD_CHANGE_NOTHING = 'Would change nothing';

/** The results that are stored for a chunk. */
export interface ChunkResults {
  readonly rowCount: number;
  readonly failed: readonly FailedLine[];
}

export interface PrintTarget extends FileTarget {
  readonly format: 'csv' | 'xlsx';
}

/** The main thread's part. */
export interface PrintHost {
  /** The stored results of a chunk, numbered from 0; undefined if there is no such chunk. */
  chunk(number: number): Promise<ChunkResults | undefined>;
  /** Replies when the reader has room for more. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Prints the results of the rows of a finished file. */
export async function printResultsTask(
  formatter: LineFormatter,
  target: PrintTarget,
  host: PrintHost,
  context: TaskContext,
): Promise<void> {
  const printing = new Printing(formatter, target, host, context);
  const content: AsyncIterable<string | Uint8Array> =
    target.format === 'csv' ? printing.csv() : writeXlsx(printing.rows());
  for await (const part of content) {
    context.signal.throwIfAborted();
    await host.write(ownBytes(part));
  }
}

/** A copy in a buffer of its own, since a view of a shared buffer would be sent with all of the buffer. */
function ownBytes(part: string | Uint8Array): Uint8Array {
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
    if (file === undefined || !isEdi(file.format))
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

/** Undefined if the file cannot be opened as inventory. The job's problem says why. */
async function openForResults(
  formatter: LineFormatter,
  target: FileTarget,
  { progress }: TaskContext,
): Promise<InventoryFile | undefined> {
  const { job } = target;
  // Opening it may be what was too costly.
  if (isTooCostly(job) && job.rowCount === 0) return undefined;
  try {
    const bytes = new FileBytes(target.path, progress);
    const file = await openJobFile(formatter, target, bytes, { rules: rulesOf(job) });
    if (file.kind === 'inventory') return file;
    await file.close();
    return undefined;
  } catch (error) {
    if (error instanceof OnhandError && job.state !== 'done') return undefined;
    throw error;
  }
}

function isTooCostly({ problem }: FileRecord): boolean {
  return problem?.code === 'too_costly';
}

class Printing {
  readonly #formatter: LineFormatter;
  readonly #target: PrintTarget;
  readonly #host: PrintHost;
  readonly #context: TaskContext;

  constructor(
    formatter: LineFormatter,
    target: PrintTarget,
    host: PrintHost,
    context: TaskContext,
  ) {
    this.#formatter = formatter;
    this.#target = target;
    this.#host = host;
    this.#context = context;
  }

  csv(): AsyncGenerator<string> {
    return printRows(this.rows());
  }

  /** The header and the rows of an inventory file's results. */
  async *rows(): AsyncGenerator<readonly string[]> {
    const { job } = this.#target;
    const file = await openForResults(this.#formatter, this.#target, this.#context);
    const header = file?.header ?? [];
    yield [...header, ...RESULT_COLUMNS];
    if (file === undefined) {
      yield resultCells([], 400, job.problem?.detail ?? NOT_APPLIED, header);
      return;
    }
    try {
      for await (const { row, statusCode, message } of this.#results(file)) {
        yield resultCells(row.cells, statusCode, message, header);
      }
    } catch (error) {
      // The file is damaged here; the job's problem says so too.
      if (!(error instanceof OnhandError) || job.state === 'done') throw error;
      yield resultCells([], 400, error.message, header);
    } finally {
      await file.close();
    }
  }

  async *#results(file: InventoryFile): AsyncGenerator<RowResult> {
    const { job } = this.#target;
    let number = 0;
    let chunk = await this.#host.chunk(number);
    let pending: FileRow[] = [];
    for await (const rows of await this.#rowsOf(file)) {
      pending = pending.concat(rows);
      while (chunk !== undefined && pending.length >= chunk.rowCount) {
        yield* this.#chunkResults(chunk, pending.slice(0, chunk.rowCount), file.rowUnit);
        pending = pending.slice(chunk.rowCount);
        number += 1;
        chunk = await this.#host.chunk(number);
      }
      if (chunk !== undefined) continue;
      // What comes next in the file took too long when it was applied.
      if (isTooCostly(job)) throw new OnhandError('too_costly', job.problem?.detail ?? NOT_APPLIED);
      yield* pending.map(resultWithoutChunk);
      pending = [];
    }
    yield* pending.map(resultWithoutChunk);
  }

  /** The rows as they were applied: with the totals of their SKUs, if these were asked for. */
  async #rowsOf(file: InventoryFile): Promise<AsyncIterable<readonly FileRow[]>> {
    const rows = inProgress(file.rows, this.#context);
    const rules = rulesOf(this.#target.job);
    if (rules.locations !== 'sum') return rows;
    const { quantities } = await inspectJobFile(
      this.#formatter,
      this.#target,
      rules,
      this.#context,
    );
    return withTotals(rows, quantities, file.rowUnit);
  }

  *#chunkResults(
    { failed }: ChunkResults,
    rows: readonly FileRow[],
    unit: RowUnit,
  ): Generator<RowResult> {
    const success = this.#target.job.asked.dryRun ? WOULD_CHANGE_NOTHING : 'success';
    const failureOf = new Map(failed.map((failure) => [failure.index, failure]));
    for (const [index, row] of rows.entries()) {
      const failure = failureOf.get(index);
      const statusCode = failure?.status ?? APPLIED;
      const said = failure === undefined ? success : this.#messageOf(failure, rows, unit);
      const isWarning = failure?.status === APPLIED && !this.#target.job.asked.dryRun;
      const message = isWarning ? `${success}; ${said}` : said;
      const isApplied = statusCode === APPLIED;
      yield { row, statusCode, message: isApplied ? withWarnings(message, row) : message };
    }
  }

  #messageOf(failure: FailedLine, rows: readonly FileRow[], unit: RowUnit): string {
    const { detail } = failure;
    if (detail?.kind !== 'left_out') return this.#formatter.printFailure(failure);
    return `Left out because ${unit} ${rows[detail.because]?.row ?? 0} was not applied`;
  }
}

/** Prints rows as CSV, many at a time. */
export async function* printRows(source: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  let rows: (readonly string[])[] = [];
  let characters = 0;
  for await (const cells of source) {
    rows.push(cells);
    for (const cell of cells) characters += cell.length + 1;
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

function withWarnings(message: string, { warnings = [] }: FileRow): string {
  return warnings.length === 0 ? message : `${message}; ${warnings.join(' ')}`;
}

interface RowResult {
  readonly row: FileRow;
  readonly statusCode: number;
  readonly message: string;
}

/** The result of a row that no chunk contains. */
function resultWithoutChunk(row: FileRow): RowResult {
  const { refusal } = row.line;
  return refusal === undefined
    ? { row, statusCode: 424, message: NOT_APPLIED }
    : { row, statusCode: 400, message: refusal.message };
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
