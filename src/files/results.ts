import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import type { FileJobParts } from './job.ts';
import type { ChunkResults } from './results-task.ts';

type ResultParts = Pick<FileJobParts, 'store' | 'files' | 'workers' | 'settings'> & {
  /** Whether no other process applies files to this database. */
  readonly isAlone: boolean;
};

/** How much a download may hold before its worker waits for the client, in bytes. */
const BUFFERED_BYTES = 524_288;

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

  /** The results as a file. Destroy the stream to stop the work early. */
  async content(job: FileRecord, format: 'csv' | 'xlsx'): Promise<Readable> {
    const report = format === 'csv' ? 'report' : 'workbook';
    if (await this.#parts.files.has(job, report)) return this.#parts.files.read(job, report);
    return this.#print(job, format);
  }

  #print(job: FileRecord, format: 'csv' | 'xlsx'): Readable {
    const output = new PassThrough({ highWaterMark: BUFFERED_BYTES });
    const stop = new AbortController();
    output.once('close', () => stop.abort());
    const host = {
      chunk: (number: number) => this.#chunk(job, number),
      write: async (bytes: Uint8Array): Promise<void> => {
        if (!output.write(bytes)) await once(output, 'drain', { signal: stop.signal });
      },
    };
    const run = { organizationId: job.supplierId, host, signal: stop.signal };
    this.#parts.workers.printers.run('printResults', { ...this.#targetOf(job), format }, run).then(
      () => output.end(),
      (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return output;
  }

  async #chunk(job: FileRecord, number: number): Promise<ChunkResults | undefined> {
    const { files, batches } = this.#parts.store;
    const [chunk] = await files.pieces(job, number, 1);
    if (chunk === undefined) return undefined;
    const { rowCount, batchUuid, failures } = chunk;
    if (batchUuid === null) return { rowCount, failed: failures };
    const failed = await batches.failures(job.supplierId, batchUuid);
    if (failed === undefined) throw new Error(`the results of batch ${batchUuid} have expired`);
    return { rowCount, failed };
  }

  /** The acknowledgements (997 or CONTRL) of an EDI file. Rejects with `file_state_wrong` for any other file. */
  acknowledgement(job: FileRecord, signal?: AbortSignal): Promise<string> {
    return this.#parts.workers.printers.run('acknowledge', this.#targetOf(job), {
      organizationId: job.supplierId,
      host: {},
      ...(signal !== undefined && { signal }),
    });
  }

  #targetOf(job: FileRecord) {
    const { asOfToleranceSeconds, formatLimits, inspectedSkusMax } = this.#parts.settings;
    return {
      job,
      path: this.#parts.files.pathOf(job),
      asOfToleranceSeconds,
      formatLimits,
      inspectedSkusMax,
    };
  }
}
