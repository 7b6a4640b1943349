import { createReadStream, type ReadStream } from 'node:fs';
import type { FailedLine } from '../domain/batches.ts';
import type { FileRecord } from '../domain/files.ts';
import type { FormatLimits } from '../formats/format.ts';
import type { JsonLineReader } from '../formats/json.ts';
import {
  checkComplete,
  openStockFile,
  type FileDescription,
  type FileReadOptions,
  type StockFile,
} from '../formats/stock-file.ts';

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

/** Opens the file of a job as its sender asked. */
export function openJobFile(
  formatter: LineFormatter,
  target: FileTarget,
  bytes: FileBytes,
): Promise<StockFile> {
  return openStockFile({ bytes, path: target.path }, readOptionsOf(formatter, target));
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
  { job: { asked, uploadedAtMs }, asOfToleranceSeconds, formatLimits }: FileTarget,
): FileReadOptions {
  return {
    rules: asked.rules,
    limits: formatLimits,
    readJsonLine: formatter.newJsonLineReader({ nowMs: uploadedAtMs, asOfToleranceSeconds }),
  };
}
