import { APPLIED } from '../domain/batch-decision.ts';
import type { FailedLine } from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type { FileChunk, FileRecord } from '../domain/files.ts';
import { printCsv } from '../formats/csv/writer.ts';
import type { FileRow, RowUnit } from '../formats/format.ts';
import type { InventoryFile } from '../formats/stock-file.ts';
import { print997 } from '../formats/x12/acknowledgement.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import { openJobFile } from './job-file.ts';
import type { FileJobParts } from './job.ts';

type ResultParts = Pick<FileJobParts, 'store' | 'files' | 'formatter'> & {
  /** Whether no other process applies files to this database. */
  readonly isAlone: boolean;
};

/** The columns that a results file adds to the supplier's own. */
export const RESULT_COLUMNS = ['status_code', 'message'] as const;

const PAGE = 100;
const ROWS_PER_WRITE = 1000;
const NOT_APPLIED = 'Not applied.';
const WOULD_CHANGE_NOTHING = 'Would change nothing';

/** The results of the rows of a finished file, made from the file and the stored results of its batches. */
export class FileResults {
  readonly #parts: ResultParts;

  constructor(parts: ResultParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with `results_expired` if the file was deleted, and with `store_unavailable` if it may be on
   * another node.
   */
  async check(job: FileRecord): Promise<void> {
    if (job.isKept && (await this.#parts.files.has(job))) return;
    if (job.isKept && !this.#parts.isAlone) {
      throw new OnhandError(
        'store_unavailable',
        'The rows of this file are on another node of the server; try again until that node answers.',
      );
    }
    throw new OnhandError(
      'results_expired',
      'The rows of this file were deleted, by you or after their retention; the counts of the file remain.',
    );
  }

  /** The results as a file. */
  async content(
    job: FileRecord,
    format: 'csv' | 'xlsx',
  ): Promise<AsyncIterable<string | Uint8Array>> {
    const report = format === 'csv' ? 'report' : 'workbook';
    if (await this.#parts.files.has(job, report)) return this.#parts.files.read(job, report);
    return format === 'csv' ? this.#csv(job) : writeXlsx(this.#rows(job));
  }

  async *#csv(job: FileRecord): AsyncGenerator<string> {
    let rows: (readonly string[])[] = [];
    for await (const cells of this.#rows(job)) {
      rows.push(cells);
      if (rows.length < ROWS_PER_WRITE) continue;
      yield printCsv(rows);
      rows = [];
    }
    yield printCsv(rows);
  }

  /** The header and the rows of an inventory file's results. */
  async *#rows(job: FileRecord): AsyncGenerator<readonly string[]> {
    const file = await this.#open(job);
    const header = file?.header ?? [];
    yield [...header, ...RESULT_COLUMNS];
    if (file === undefined) {
      yield resultCells([], 400, job.problem?.detail ?? NOT_APPLIED, header);
      return;
    }
    try {
      for await (const { row, statusCode, message } of this.#results(job, file)) {
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

  /** Undefined if the file cannot be opened as inventory. The job's problem says why. */
  async #open(job: FileRecord): Promise<InventoryFile | undefined> {
    try {
      const file = await openJobFile(this.#parts, job);
      if (file.kind === 'inventory') return file;
      await file.close();
      return undefined;
    } catch (error) {
      if (error instanceof OnhandError && job.state !== 'done') return undefined;
      throw error;
    }
  }

  async *#results(job: FileRecord, file: InventoryFile): AsyncGenerator<RowResult> {
    const chunks = this.#chunks(job);
    let chunk: FileChunk | undefined = (await chunks.next()).value;
    let pending: FileRow[] = [];
    for await (const rows of file.rows) {
      pending = pending.concat(rows);
      while (chunk !== undefined && pending.length >= chunk.rowCount) {
        yield* this.#chunkResults(job, chunk, pending.slice(0, chunk.rowCount), file.rowUnit);
        pending = pending.slice(chunk.rowCount);
        chunk = (await chunks.next()).value;
      }
      if (chunk !== undefined) continue;
      yield* pending.map(resultWithoutChunk);
      pending = [];
    }
    yield* pending.map(resultWithoutChunk);
  }

  async *#chunks(job: FileRecord): AsyncGenerator<FileChunk, undefined> {
    for (let from = 0; ;) {
      const page = await this.#parts.store.files.pieces(job, from, PAGE);
      yield* page;
      if (page.length < PAGE) return undefined;
      from += page.length;
    }
  }

  async *#chunkResults(
    { supplierId, asked }: FileRecord,
    { batchUuid, failures }: FileChunk,
    rows: readonly FileRow[],
    unit: RowUnit,
  ): AsyncGenerator<RowResult> {
    const success = asked.dryRun ? WOULD_CHANGE_NOTHING : 'success';
    const failed =
      batchUuid === null
        ? failures
        : await this.#parts.store.batches.failures(supplierId, batchUuid);
    if (failed === undefined) throw new Error(`the results of batch ${batchUuid} have expired`);
    const failureOf = new Map(failed.map((failure) => [failure.index, failure]));
    for (const [index, row] of rows.entries()) {
      const failure = failureOf.get(index);
      yield failure === undefined
        ? { row, statusCode: APPLIED, message: success }
        : { row, statusCode: failure.status, message: this.#messageOf(failure, rows, unit) };
    }
  }

  #messageOf(failure: FailedLine, rows: readonly FileRow[], unit: RowUnit): string {
    const { detail } = failure;
    if (detail?.kind !== 'left_out') return this.#parts.formatter.printFailure(failure);
    return `Left out because ${unit} ${rows[detail.because]?.row ?? 0} was not applied`;
  }

  /** The functional acknowledgements (997) of an X12 file. Rejects with `file_state_wrong` for any other file. */
  async acknowledgement(job: FileRecord): Promise<string> {
    const file = await this.#open(job);
    try {
      if (file?.format !== 'x12')
        throw new OnhandError(
          'file_state_wrong',
          'Only X12 files are acknowledged; this file has another format.',
        );
      await readInterchanges(file);
      const isRefused = job.state === 'refused';
      const atMs = job.finishedAtMs ?? job.uploadedAtMs;
      return file
        .interchanges()
        .map((received, i) =>
          print997(received, { controlNumber: controlNumberOf(job, i), atMs, isRefused }),
        )
        .join('\n');
    } finally {
      await file?.close();
    }
  }
}

/** Reads a file as far as it is well-formed. */
async function readInterchanges(file: InventoryFile): Promise<void> {
  try {
    for await (const _ of file.rows);
  } catch (error) {
    if (!(error instanceof OnhandError)) throw error;
  }
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
