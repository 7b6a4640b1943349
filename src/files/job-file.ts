import { createReadStream, type ReadStream } from 'node:fs';
import type { FailedLine } from '../domain/batches.ts';
import type { FileRecord } from '../domain/files.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import { inspect, type Identify, type Inspection } from './inspection.ts';
import type { SkuQuantities } from './sku-quantities.ts';
import type { TaskContext } from '../workers/serve.ts';
import type { FileRow, FormatLimits, RowUnit } from '../formats/format.ts';
import type { JsonLineReader } from '../formats/json.ts';
import { openRefusedTable, type RefusedTable } from '../formats/refused-table.ts';
import {
  checkComplete,
  openStockFile,
  type FileDescription,
  type FileReadOptions,
  type StockFile,
} from '../formats/stock-file.ts';
import type { HeaderRefusal } from '../formats/table/table.ts';

/** Reads and prints lines as the API does. */
export interface LineFormatter {
  /** A reader for the lines of one JSON file. */
  newJsonLineReader(terms: {
    readonly nowMs: number;
    readonly asOfToleranceSeconds: number;
  }): JsonLineReader;
  /** The message of a line that failed. */
  printFailure(failure: FailedLine): string;
}

/** The file of a job, as a worker thread reads it. */
export interface FileTarget {
  readonly job: FileRecord;
  readonly path: string;
  /** How far in the future a timestamp in the file may be. */
  readonly asOfToleranceSeconds: number;
  readonly formatLimits: FormatLimits;
  /** SKUs of a file that are remembered to find and add up those with several rows. */
  readonly inspectedSkusMax: number;
}

/** How much of a file is read before that counts as progress. */
const PROGRESS_BYTES = 1_048_576;

/** The bytes of a file, counted. */
export class FileBytes {
  readonly #stream: ReadStream;
  readonly #progress: () => void;

  constructor(path: string, progress: () => void) {
    this.#stream = createReadStream(path);
    this.#progress = progress;
  }

  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let reported = 0;
    const chunks: AsyncIterable<Uint8Array> = this.#stream;
    for await (const chunk of chunks) {
      if (this.bytesRead - reported >= PROGRESS_BYTES) {
        reported = this.bytesRead;
        this.#progress();
      }
      yield chunk;
    }
  }
}

/** The rules of a job's file: those that were given, and what an inspection decided before. */
export function rulesOf({ asked, found }: FileRecord): ReadingRules {
  return { ...asked.rules, decimal: asked.rules.decimal ?? found?.decimal ?? null };
}

/** Opens the file of a job. */
export function openJobFile(
  formatter: LineFormatter,
  target: FileTarget,
  bytes: FileBytes,
  { rules, isInspected = false }: Pick<FileReadOptions, 'rules' | 'isInspected'>,
): Promise<StockFile> {
  const options = { ...readOptionsOf(formatter, target), rules, isInspected };
  return openStockFile({ bytes, path: target.path }, options);
}

/** Opens the file of a job whose header was refused. */
export function openRefusedFile(
  target: FileTarget,
  bytes: FileBytes,
  rules: ReadingRules,
  refusal: HeaderRefusal,
): Promise<RefusedTable> {
  const source = { bytes, path: target.path };
  return openRefusedTable(source, { rules, limits: target.formatLimits }, refusal);
}

/** Inspects the inventory file of a job by these rules. */
export function inspectJobFile(
  formatter: LineFormatter,
  target: FileTarget,
  rules: ReadingRules,
  context: TaskContext,
  identify?: Identify,
): Promise<Inspection> {
  return inspect({
    ...(identify !== undefined && { identify }),
    rules,
    skusMax: target.inspectedSkusMax,
    open: async (readAs) => {
      const bytes = new FileBytes(target.path, context.progress);
      const file = await openJobFile(formatter, target, bytes, {
        rules: readAs,
        isInspected: true,
      });
      if (file.kind === 'inventory') return file;
      await file.close();
      throw new Error('only inventory is inspected');
    },
    follow: (rows) => inProgress(rows, context),
  });
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

/** Rows with the totals of their SKUs. */
export async function* withTotals(
  rows: AsyncIterable<readonly FileRow[]>,
  quantities: SkuQuantities,
  unit: RowUnit,
): AsyncGenerator<readonly FileRow[]> {
  for await (const some of rows) yield some.map((row) => quantities.summed(row, unit));
}

/** Rejects if the file is incomplete, as far as that can be known before its rows are read. */
export function checkJobFile(
  formatter: LineFormatter,
  target: FileTarget,
  description: FileDescription,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: () => void },
): Promise<void> {
  const { path } = target;
  const file = { path, read: () => new FileBytes(path, progress) };
  return checkComplete(description, file, readOptionsOf(formatter, target), signal);
}

function readOptionsOf(
  formatter: LineFormatter,
  { job, asOfToleranceSeconds, formatLimits }: FileTarget,
): FileReadOptions {
  return {
    rules: rulesOf(job),
    limits: formatLimits,
    readJsonLine: formatter.newJsonLineReader({ nowMs: job.uploadedAtMs, asOfToleranceSeconds }),
  };
}
