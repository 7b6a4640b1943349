import type { ReadStream } from 'node:fs';
import { APPLIED, UNREADABLE } from '../domain/batch-decision.ts';
import {
  failedLines,
  type Batch,
  type BatchOptions,
  type BatchOutcome,
  type FailedLine,
} from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type {
  FileChunk,
  FileEnd,
  FileFindings,
  FileRecord,
  StatusCounts,
} from '../domain/files.ts';
import { sameInventory } from '../domain/inventory.ts';
import { LinesBuilder, type Lines } from '../domain/lines.ts';
import type { SafetyLimit } from '../domain/safety-limit.ts';
import type { CatalogueFile, InventoryFile, StockFile } from '../formats/stock-file.ts';
import { asOfOfFile } from '../formats/x12/inventory-advice.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import {
  importCatalogue,
  printImportReport,
  reportRows,
  type ImportSummary,
} from '../intake/catalogue-import.ts';
import type { Intake } from '../intake/intake.ts';
import type { CatalogueStaging } from '../store/staging.ts';
import type { BatchStore, Store } from '../store/store.ts';
import { chunksOf, wholeOf } from './chunks.ts';
import { checkJobFile, columnMappingsOf, openJobFile, type LineFormatter } from './job-file.ts';
import type { FileStorage } from './storage.ts';

export interface FileJobSettings {
  /** Most rows of a file that is applied as one batch. */
  readonly linesMax: number;
  readonly snapshotBreakerPercent: number;
  readonly snapshotBreakerSkusMin: number;
}

export interface FileJobParts {
  readonly store: Pick<Store, 'applyCatalogue' | 'sharedGtins' | 'files'> & {
    readonly batches: Pick<
      BatchStore,
      'safetyLimitOf' | 'confirm' | 'failures' | 'find' | 'revert'
    >;
  };
  readonly intake: Pick<Intake, 'submit'>;
  readonly files: FileStorage;
  readonly formatter: LineFormatter;
  readonly settings: FileJobSettings;
  readonly openStaging: () => Promise<CatalogueStaging>;
}

/** How a run of a job ended: `stopped` if it can be resumed. */
export type FileJobOutcome = Pick<FileEnd, 'state' | 'problem'> | 'stopped';

const CANCELED = { state: 'canceled', problem: null } as const satisfies FileJobOutcome;
const DONE = { state: 'done', problem: null } as const satisfies FileJobOutcome;

/** Why a run is to stop after the current chunk. */
export type StopReason = 'canceled' | 'lost' | 'closing';

/** One run of a job by this node. */
export interface FileJobRun {
  readonly job: FileRecord;
  readonly nodeId: string;
  /** Its reason is a `StopReason`. */
  readonly signal: AbortSignal;
}

/** How long a chunk's idempotency key is valid: a server may resume a job after months. */
const KEY_VALID_MS = 366 * 24 * 3_600_000;
const CONFIRMATION_VALID_MS = 3_600_000;

/** Errors after which a chunk is submitted again. */
const RETRIED = ['overloaded', 'store_unavailable', 'request_in_progress'];
const RETRY_MS = 1000;

const PAGE = 1000;

/** Applies one file, from the first chunk that is not recorded as applied. */
export class FileJob {
  readonly #parts: FileJobParts;
  readonly #run: FileJobRun;
  readonly #job: FileRecord;
  #rowCount: number;
  readonly #statusCounts: Record<string, number>;
  /** An estimate from the share of the file that was read. */
  #rowsExpected: number | null = null;

  constructor(parts: FileJobParts, run: FileJobRun) {
    this.#parts = parts;
    this.#run = run;
    this.#job = run.job;
    this.#rowCount = run.job.rowCount;
    this.#statusCounts = { ...run.job.statusCounts };
  }

  /** Rejects if the run failed for a reason other than the file, and should be retried. */
  async run(): Promise<FileJobOutcome> {
    try {
      const bytes = this.#parts.files.read(this.#job);
      const file = await openJobFile(this.#parts, this.#job, bytes);
      try {
        return file.kind === 'catalogue'
          ? await this.#runCatalogue(file)
          : await this.#runInventory(file, bytes);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code === 'store_unavailable') throw error;
      return this.#refusal(error);
    }
  }

  /**
   * Ends a job whose file is missing on this node. One chunk may have been applied but not recorded.
   * Submitting an empty batch with its key finds out: either its result comes back and is recorded, or
   * it can no longer be applied.
   */
  async giveUp(): Promise<FileJobOutcome> {
    const { found, asked, supplierId } = this.#job;
    if (found?.kind === 'inventory' && !asked.dryRun) {
      const piece = await this.#countRecorded();
      const { uuid } = await this.#submit(piece, new LinesBuilder(0).build(), {});
      const batch = uuid && (await this.#parts.store.batches.find(supplierId, uuid));
      if (batch && batch.lineCount > 0) {
        const { lineCount: rowCount, statusCounts } = batch;
        await this.#record({ piece, rowCount, batchUuid: uuid, failures: [] }, statusCounts);
      }
    }
    if (this.#run.signal.reason === 'canceled') return CANCELED;
    const detail = 'The file is no longer on the server; upload it again.';
    return { state: 'failed', problem: { code: 'store_unavailable', detail } };
  }

  #refusal({ code, message }: OnhandError): FileJobOutcome {
    if (this.#rowCount === 0 || this.#job.asked.dryRun)
      return { state: 'refused', problem: { code, detail: message } };
    const detail = `${message} The ${this.#rowCount} rows before were applied.`;
    return { state: 'failed', problem: { code, detail } };
  }

  async #describe(file: StockFile, isWhole: boolean): Promise<void> {
    await this.#parts.store.files.describe(this.#job, this.#run.nodeId, findingsOf(file, isWhole));
  }

  /** Imports the file as a catalogue; the report of the import becomes the job's results. */
  async #runCatalogue(file: CatalogueFile): Promise<FileJobOutcome> {
    // The import opens the file again.
    await file.close();
    await this.#describe(file, false);
    const { asked, supplierId, userId } = this.#job;
    if (asked.isSnapshot || asked.atomic || asked.dryRun || asked.asOfUs !== null)
      throw new OnhandError('parameter_invalid', CATALOGUE_OPTIONS);
    const { store, files, openStaging } = this.#parts;
    const staging = await openStaging();
    try {
      const summary = await importCatalogue(store, staging, {
        file: files.read(this.#job),
        path: files.pathOf(this.#job),
        columnMap: columnMappingsOf(asked.mappings),
        supplierId,
        userId,
        source: 'file',
        signal: this.#run.signal,
      });
      const report = await files.write(this.#job, printImportReport(staging), { kind: 'report' });
      const rows = writeXlsx(reportRows(staging));
      const workbook = await files.write(this.#job, rows, { kind: 'workbook' });
      await store.files.record(this.#job, this.#run.nodeId, null, {
        rowCount: summary.rowsRead,
        statusCounts: importCounts(summary),
        rowsExpected: summary.rowsRead,
        reportBytes: report.bytes + workbook.bytes,
      });
      return summary.isStopped ? this.#stopped() : DONE;
    } finally {
      staging.close();
    }
  }

  async #runInventory(file: InventoryFile, bytes: ReadStream): Promise<FileJobOutcome> {
    const isWhole = await this.#isOneBatch();
    await this.#describe(file, isWhole);
    const outcome = isWhole ? await this.#applyWhole(file) : await this.#applyChunks(file, bytes);
    // The encoding is certain only after all rows were read.
    await this.#describe(file, isWhole);
    return outcome;
  }

  /** A resumed job keeps its first decision, even if the supplier's safety limit has changed since. */
  async #isOneBatch(): Promise<boolean> {
    const { supplierId, asked, found } = this.#job;
    if (found !== null) return found.isWhole;
    if (asked.isSnapshot || asked.atomic) return true;
    return (await this.#parts.store.batches.safetyLimitOf(supplierId)) !== null;
  }

  async #applyChunks(file: InventoryFile, bytes: ReadStream): Promise<FileJobOutcome> {
    const { signal } = this.#run;
    const recorded = await this.#countRecorded();
    // A resumed job was checked when it began.
    if (recorded === 0) await checkJobFile(this.#parts, this.#job, file, signal);
    // Zip archives are not read in order, so the position in them tells nothing about progress.
    const isInOrder = file.sheet === null && file.packing !== 'zip';
    let next = 0;
    let rowsRead = 0;
    let applying: Promise<void> = Promise.resolve();
    try {
      for await (const lines of chunksOf(file.rows, () => this.#asOfUs(file))) {
        // While one chunk is applied, the next is read.
        await applying;
        if (signal.aborted) return this.#stopped();
        rowsRead += lines.count;
        if (isInOrder)
          this.#rowsExpected = Math.round(rowsRead / (bytes.bytesRead / this.#job.bytes));
        const number = next;
        next += 1;
        if (number < recorded) continue;
        applying = this.#applyChunk(number, lines, null);
        // It is awaited later; until then a rejection must not count as unhandled.
        applying.catch(() => undefined);
      }
    } finally {
      await applying;
    }
    return DONE;
  }

  /** How many chunks are recorded. One more may have been applied. */
  async #countRecorded(): Promise<number> {
    for (let count = 0; ;) {
      const page = await this.#parts.store.files.pieces(this.#job, count, PAGE);
      count += page.length;
      if (page.length < PAGE) return count;
    }
  }

  async #applyWhole(file: InventoryFile): Promise<FileJobOutcome> {
    const { asked } = this.#job;
    const { linesMax } = this.#parts.settings;
    const lines = await wholeOf(file.rows, () => this.#asOfUs(file), linesMax);
    if (this.#run.signal.aborted) return this.#stopped();
    if ((await this.#countRecorded()) === 0) {
      if (asked.isSnapshot) refuseEmptySnapshot(lines);
      try {
        await this.#applyChunk(0, lines, this.#wholeOptions(file));
      } catch (error) {
        const isTripped = error instanceof OnhandError && error.code === 'breaker_tripped';
        if (!isTripped || asked.dryRun) throw error;
        return { state: 'held', problem: { code: error.code, detail: error.message } };
      }
    }
    const applied = this.#statusCounts[APPLIED] ?? 0;
    if (!asked.atomic || applied === this.#rowCount) return DONE;
    const detail =
      `Not all of the ${this.#rowCount} rows can be applied, so none was: atomic was requested. ` +
      'The results say which rows failed.';
    return { state: 'refused', problem: { code: 'line_failed', detail } };
  }

  #wholeOptions(file: InventoryFile): BatchOptions {
    const { asked } = this.#job;
    const { snapshotBreakerPercent, snapshotBreakerSkusMin } = this.#parts.settings;
    const defaultSafetyLimit: SafetyLimit = {
      percentMax: snapshotBreakerPercent,
      skusMin: snapshotBreakerSkusMin,
    };
    return {
      ...(asked.atomic && { atomic: true }),
      ...(asked.isSnapshot && { snapshot: { asOfUs: this.#asOfUs(file), defaultSafetyLimit } }),
    };
  }

  async #applyChunk(piece: number, lines: Lines, whole: BatchOptions | null): Promise<void> {
    const isAllRefused = lines.refusals.size === lines.count;
    const outcome =
      isAllRefused && whole?.snapshot === undefined
        ? {
            statuses: new Uint16Array(lines.count).fill(UNREADABLE),
            details: new Map(),
            effects: new Map(),
            uuid: null,
          }
        : await this.#submit(piece, lines, whole ?? {});
    const failures = outcome.uuid === null ? this.#resultsWithoutBatch(lines, outcome) : [];
    await this.#record(
      { piece, rowCount: lines.count, batchUuid: outcome.uuid, failures },
      countsOf(outcome.statuses),
    );
  }

  /** The results to store for a chunk without a batch: failures, and what a dry run would change. */
  #resultsWithoutBatch(
    lines: Lines,
    outcome: Pick<BatchOutcome, 'statuses' | 'details' | 'effects'>,
  ): readonly FailedLine[] {
    const results = [...failedLines(lines, outcome)];
    for (const [index, { before, after }] of outcome.effects) {
      if (sameInventory(before, after)) continue;
      const message = this.#parts.formatter.printWouldChange(before, after);
      results.push({ index, status: APPLIED, message, detail: null, skuId: null, asSent: null });
    }
    return results;
  }

  async #submit(piece: number, lines: Lines, whole: BatchOptions): Promise<BatchOutcome> {
    const { supplierId, userId, uuid, uploadedAtMs, asked, reason, reference, isConfirmed } =
      this.#job;
    const options: BatchOptions = {
      ...whole,
      ...(asked.dryRun
        ? { dryRun: true, withEffects: true }
        : {
            idempotency: {
              // Keys of clients have no spaces, so the two cannot collide.
              key: `feed ${uuid} ${piece}`,
              fingerprint: Buffer.from(uuid),
              requestId: uuid,
              expiresAtMs: uploadedAtMs + KEY_VALID_MS,
            },
          }),
      ...(isConfirmed && { confirmation: await this.#confirmation() }),
    };
    return this.#submitWithRetries({
      supplierId,
      userId,
      source: 'file',
      lines,
      options,
      ...(reason !== null && { reason }),
      ...(reference !== null && { reference }),
    });
  }

  async #confirmation(): Promise<{ code: string; fingerprint: Uint8Array }> {
    const { supplierId, uuid } = this.#job;
    const fingerprint = Buffer.from(uuid);
    const expiresAtMs = Date.now() + CONFIRMATION_VALID_MS;
    const code = await this.#parts.store.batches.confirm(supplierId, fingerprint, expiresAtMs);
    return { code, fingerprint };
  }

  /** Retries while the store or the queue is busy, unless the run is to stop. */
  async #submitWithRetries(batch: Batch): Promise<BatchOutcome> {
    for (;;) {
      try {
        return await this.#parts.intake.submit(batch);
      } catch (error) {
        const isRetried = error instanceof OnhandError && RETRIED.includes(error.code);
        if (!isRetried || this.#run.signal.aborted) throw error;
        await pause(RETRY_MS, this.#run.signal);
      }
    }
  }

  async #record(chunk: FileChunk, counts: StatusCounts): Promise<void> {
    this.#rowCount += chunk.rowCount;
    for (const [status, count] of Object.entries(counts)) {
      this.#statusCounts[status] = (this.#statusCounts[status] ?? 0) + count;
    }
    await this.#parts.store.files.record(this.#job, this.#run.nodeId, chunk, {
      rowCount: this.#rowCount,
      statusCounts: this.#statusCounts,
      rowsExpected: this.#rowsExpected,
    });
  }

  #asOfUs(file: InventoryFile): number | null {
    const { asked, uploadedAtMs } = this.#job;
    return asked.asOfUs ?? asOfOfFile(file.datedAs(), uploadedAtMs);
  }

  #stopped(): FileJobOutcome {
    return this.#run.signal.reason === 'canceled' ? CANCELED : 'stopped';
  }
}

const CATALOGUE_OPTIONS =
  'The file has product columns and is read as a catalogue, which cannot be a snapshot, atomic, a dry run, or as of a time. Nothing was applied.';

function importCounts(summary: ImportSummary): StatusCounts {
  const applied = summary.skusCreated + summary.skusUpdated + summary.skusUnchanged;
  return {
    ...(applied > 0 && { '200': applied }),
    ...(summary.rowsRejected > 0 && { '400': summary.rowsRejected }),
  };
}

function countsOf(statuses: Uint16Array): StatusCounts {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function findingsOf(file: StockFile, isWhole: boolean): FileFindings {
  return {
    kind: file.kind,
    format: file.format,
    packing: file.packing,
    encoding: file.kind === 'inventory' ? file.encoding() : null,
    rowUnit: file.rowUnit,
    columns: file.columns.map(({ header, target, by }) => ({ header, target, by })),
    unknownColumns: file.unknownColumns,
    sheet: file.sheet === null ? null : { name: file.sheet.name, others: file.sheet.others },
    isWhole,
  };
}

function refuseEmptySnapshot({ count, refusals }: Lines): void {
  if (refusals.size < count) return;
  throw new OnhandError(
    'snapshot_refused',
    'A snapshot without a single readable row would set every SKU to zero; send the complete file. Nothing was applied.',
  );
}

/** Resolves after `ms`, or when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener('abort', end);
  });
}
