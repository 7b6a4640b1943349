import type { Readable } from 'node:stream';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import type { FileJobParts } from './job.ts';
import type { Downloads } from './downloads.ts';
import type { TableFormat } from './table-task.ts';
import type { EffectsTarget, FileEffects } from './effects-task.ts';
import type { FilePreview } from './preview-task.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import type { ChunkResults } from './row-results.ts';

type ResultParts = Pick<FileJobParts, 'store' | 'files' | 'workers' | 'settings'> & {
  readonly downloads: Downloads;
  /** Whether no other process applies files to this database. */
  readonly isAlone: boolean;
};

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

  /**
   * The results as a file. They are printed whether or not they are read. Destroy the stream to stop the work early.
   * Rejects with `organization_budget_exceeded` or `overloaded` while too much is printed and not read.
   */
  async content(job: FileRecord, format: TableFormat): Promise<Readable> {
    const report = format === 'csv' ? 'report' : 'workbook';
    if (await this.#parts.files.has(job, report)) return this.#parts.files.read(job, report);
    return this.#print(job, format, 'all');
  }

  /** The rows that were not applied, in the file's own columns. Rejects as `content` does. */
  failedRows(job: FileRecord, format: TableFormat): Promise<Readable> {
    return this.#print(job, format, 'failed');
  }

  /** What the rows did, or would do in a dry run, and a page of them. */
  async effects(
    job: FileRecord,
    asked: Pick<EffectsTarget, 'only' | 'start' | 'limit'>,
    signal: AbortSignal,
  ): Promise<FileEffects> {
    const host = { chunk: (number: number) => this.#chunk(job, number) };
    return this.#parts.workers.printers.run(
      'effects',
      { ...(await this.#resultsOf(job)), ...asked },
      { organizationId: job.supplierId, host, signal },
    );
  }

  /** The first rows of the file, as these rules read them. Rejects as reading the file does. */
  preview(
    job: FileRecord,
    asked: { readonly rules: ReadingRules; readonly rowsMax: number },
    signal: AbortSignal,
  ): Promise<FilePreview> {
    return this.#parts.workers.printers.run(
      'preview',
      { ...this.#targetOf(job), ...asked },
      { organizationId: job.supplierId, host: {}, signal },
    );
  }

  async #print(job: FileRecord, format: TableFormat, rows: 'all' | 'failed'): Promise<Readable> {
    const { workers, downloads } = this.#parts;
    const organizationId = job.supplierId;
    const target = { ...(await this.#resultsOf(job)), format, rows };
    return downloads.begin(organizationId, ({ host, signal }) =>
      workers.printers.run('printResults', target, {
        organizationId,
        host: { ...host, chunk: (number: number) => this.#chunk(job, number) },
        signal,
      }),
    );
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

  async #resultsOf(job: FileRecord) {
    const { files } = this.#parts;
    const hasReport = await files.has(job, 'report');
    const reportPath = hasReport ? files.pathOf(job, 'report') : null;
    return { ...this.#targetOf(job), reportPath };
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
