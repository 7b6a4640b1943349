/** The results of the rows of a finished file: the file is read again, and its stored results are put beside it. */
import { createReadStream } from 'node:fs';
import { APPLIED, UNREADABLE } from '../domain/batch-decision.ts';
import type { FailedLine } from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import { openCsvTable } from '../formats/csv/csv.ts';
import type { FileRow, RowUnit } from '../formats/format.ts';
import type { CatalogueFile, InventoryFile } from '../formats/stock-file.ts';
import type { TableRow } from '../formats/table/table.ts';
import { Utf8Text } from '../formats/text.ts';
import type { TaskContext } from '../workers/serve.ts';
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

export const NOT_APPLIED = 'Not applied.';
export const WOULD_CHANGE_NOTHING = 'Would change nothing';
const LEFT_OUT = 424;

/** The results that are stored for a chunk. */
export interface ChunkResults {
  readonly rowCount: number;
  readonly failed: readonly FailedLine[];
}

export interface ResultsTarget extends FileTarget {
  /** The report of a catalogue, as CSV; null if there is none. */
  readonly reportPath: string | null;
}

/** The main thread's part. */
export interface ResultsHost {
  /** The stored results of a chunk, numbered from 0; undefined if there is no such chunk. */
  chunk(number: number): Promise<ChunkResults | undefined>;
}

/** One row of a file and its result. */
export interface RowResult {
  readonly row: number;
  readonly cells: readonly string[];
  readonly statusCode: number;
  readonly message: string;
  /** As the row names its SKU; null if it does so only by a GTIN, or cannot be read. */
  readonly skuId: string | null;
  /** What is stored of a line that failed, that a dry run would change, or that has a warning. */
  readonly stored?: FailedLine;
}

/** An open file with the results of its rows. Close it, whether or not they were read. */
export interface RowResults {
  /** The names of a row's cells. */
  readonly header: readonly string[];
  /** In order. Rejects as the rows of the file do. */
  readonly results: AsyncGenerator<RowResult>;
  readonly close: () => Promise<void>;
}

/** Undefined if the file cannot be opened. The job's problem says why. */
export async function openRowResults(
  formatter: LineFormatter,
  target: ResultsTarget,
  host: ResultsHost,
  context: TaskContext,
): Promise<RowResults | undefined> {
  const file = await openForResults(formatter, target, context);
  if (file === undefined) return undefined;
  if (file.kind === 'catalogue') return openReported(file, target, context);
  const reading = new InventoryResults(formatter, target, host, context);
  return { header: file.header, results: reading.of(file), close: file.close };
}

/** Undefined if the file cannot be opened. The job's problem says why. */
export async function openForResults(
  formatter: LineFormatter,
  target: FileTarget,
  { progress }: TaskContext,
): Promise<InventoryFile | CatalogueFile | undefined> {
  const { job } = target;
  // Opening it may be what was too costly.
  if (isTooCostly(job) && job.rowCount === 0) return undefined;
  try {
    const bytes = new FileBytes(target.path, progress);
    return await openJobFile(formatter, target, bytes, { rules: rulesOf(job) });
  } catch (error) {
    if (error instanceof OnhandError && job.state !== 'done') return undefined;
    throw error;
  }
}

function isTooCostly({ problem }: FileRecord): boolean {
  return problem?.code === 'too_costly';
}

class InventoryResults {
  readonly #formatter: LineFormatter;
  readonly #target: FileTarget;
  readonly #host: ResultsHost;
  readonly #context: TaskContext;

  constructor(
    formatter: LineFormatter,
    target: FileTarget,
    host: ResultsHost,
    context: TaskContext,
  ) {
    this.#formatter = formatter;
    this.#target = target;
    this.#host = host;
    this.#context = context;
  }

  async *of(file: InventoryFile): AsyncGenerator<RowResult> {
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
    const numberOf = (index: number): number => rows[index]?.row ?? 0;
    const messages = new ResultMessages(this.#formatter, this.#target.job, unit);
    const failureOf = new Map(failed.map((failure) => [failure.index, failure]));
    for (const [index, row] of rows.entries()) {
      const failure = failureOf.get(index);
      const statusCode = failure?.status ?? APPLIED;
      const message = failure === undefined ? messages.success : messages.of(failure, numberOf);
      yield {
        ...resultOf(row, statusCode, statusCode === APPLIED ? withWarnings(message, row) : message),
        ...(failure !== undefined && { stored: failure }),
      };
    }
  }
}

/** Prints the stored results of a job's lines. */
export class ResultMessages {
  readonly #formatter: LineFormatter;
  readonly #isDryRun: boolean;
  readonly #unit: string;

  constructor(formatter: LineFormatter, { asked }: FileRecord, unit: string) {
    this.#formatter = formatter;
    this.#isDryRun = asked.dryRun;
    this.#unit = unit;
  }

  /** Of a line of which nothing is stored. */
  get success(): string {
    return this.#isDryRun ? WOULD_CHANGE_NOTHING : 'success';
  }

  /** @param numberOf the row number of a line, by its index in the chunk */
  of(failure: FailedLine, numberOf: (index: number) => number): string {
    const { detail, status } = failure;
    const said =
      detail?.kind === 'left_out'
        ? `Left out because ${this.#unit} ${numberOf(detail.because)} was not applied`
        : this.#formatter.printFailure(failure);
    const isWarning = status === APPLIED && !this.#isDryRun;
    return isWarning ? `${this.success}; ${said}` : said;
  }
}

function withWarnings(message: string, { warnings = [] }: FileRow): string {
  return warnings.length === 0 ? message : `${message}; ${warnings.join(' ')}`;
}

/** The result of a row that no chunk contains. */
function resultWithoutChunk(row: FileRow): RowResult {
  const { refusal } = row.line;
  return refusal === undefined
    ? resultOf(row, LEFT_OUT, NOT_APPLIED)
    : resultOf(row, UNREADABLE, refusal.message);
}

function resultOf({ row, cells, line }: FileRow, statusCode: number, message: string): RowResult {
  return { row, cells, statusCode, message, skuId: line.skuId };
}

/** A catalogue with the results of its report, which has one row for each of its rows. */
async function openReported(
  file: CatalogueFile,
  { reportPath, formatLimits }: ResultsTarget,
  { progress }: TaskContext,
): Promise<RowResults | undefined> {
  if (reportPath === null) {
    await file.close();
    return undefined;
  }
  const bytes = new Utf8Text(createReadStream(reportPath)).bytes;
  const report = await openCsvTable(
    bytes,
    { delimiter: ',', hasDelimiterRow: false },
    (cells) => cells,
    {
      ...formatLimits,
      cellCharactersMax: Infinity,
      columnsMax: Infinity,
    },
  );
  const skuIdPlace = file.header.indexOf(file.skuIdHeader);
  const results = async function* (): AsyncGenerator<RowResult> {
    const reported = rowsOf(report.rows);
    for await (const { row, cells } of file.rows) {
      progress();
      const { value } = await reported.next();
      const own = value !== undefined && 'cells' in value ? value.cells : [];
      const [statusCode = String(LEFT_OUT), message = NOT_APPLIED] = own.slice(file.header.length);
      const skuId = cells[skuIdPlace] ?? null;
      yield { row, cells, statusCode: Number(statusCode), message, skuId };
    }
  };
  const close = async (): Promise<void> => {
    await report.rows.return(undefined);
    await bytes.return(undefined);
    await file.close();
  };
  return { header: file.header, results: results(), close };
}

async function* rowsOf(
  source: AsyncIterable<readonly TableRow[]>,
): AsyncGenerator<TableRow, undefined> {
  for await (const some of source) yield* some;
}
