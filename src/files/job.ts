import { APPLIED, UNREADABLE } from '../domain/batch-decision.ts';
import {
  failedLines,
  type Batch,
  type BatchOptions,
  type BatchOutcome,
  type FailedLine,
} from '../domain/batches.ts';
import { OnhandError, type ErrorCode } from '../domain/errors.ts';
import {
  notesOfFile,
  type FileChunk,
  type FileEnd,
  type FileQuestion,
  type FileRecord,
  type StatusCounts,
} from '../domain/files.ts';
import { sameInventory, type Inventory } from '../domain/inventory.ts';
import { LinesBuilder, type Lines } from '../domain/lines.ts';
import type { SafetyLimit } from '../domain/safety-limit.ts';
import type { ImportSummary } from '../intake/catalogue-import.ts';
import type { FormatLimits } from '../formats/format.ts';
import type { Intake } from '../intake/intake.ts';
import type { BatchStore, Store } from '../store/store.ts';
import { CatalogueBatches } from './catalogue-batches.ts';
import type { NamedSku } from './inspection.ts';
import type { FileTarget } from './job-file.ts';
import type { FoundInFile, ReadChunk, ReadPlan } from './read-task.ts';
import type { FileStorage } from './storage.ts';
import type { FileWorkers } from './tasks.ts';
import { LinesReceiver } from '../workers/lines-transfer.ts';

export interface FileJobSettings {
  /** Most rows of a file that is applied as one batch. */
  readonly linesMax: number;
  readonly snapshotBreakerPercent: number;
  readonly snapshotBreakerSkusMin: number;
  /** How far in the future a timestamp in a file may be. */
  readonly asOfToleranceSeconds: number;
  readonly formatLimits: FormatLimits;
  /** SKUs of a file that are remembered to find and add up those with several rows. */
  readonly inspectedSkusMax: number;
}

export interface FileJobParts {
  readonly store: Pick<Store, 'applyCatalogue' | 'sharedGtins' | 'imported' | 'files'> & {
    readonly batches: Pick<
      BatchStore,
      'safetyLimitOf' | 'confirm' | 'failures' | 'find' | 'revert' | 'list' | 'isOfFile'
    >;
  };
  readonly intake: Pick<Intake, 'submit'>;
  readonly files: FileStorage;
  /** They read and print files, so that this thread does not. */
  readonly workers: FileWorkers;
  /** What a line would change, for a dry run. */
  readonly printWouldChange: (before: Inventory, after: Inventory) => string;
  readonly settings: FileJobSettings;
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
const RETRIED: readonly ErrorCode[] = [
  'overloaded',
  'organization_budget_exceeded',
  'store_unavailable',
  'request_in_progress',
];
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
  #isWhole = false;
  /** SKUs that a snapshot set to zero, or would. */
  #zeroedCount: number | undefined;

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
      return await this.#read();
    } catch (error) {
      // Also thrown while the job waits for its turn in a worker thread.
      if (this.#run.signal.aborted && error === this.#run.signal.reason) return this.#stopped();
      if (!(error instanceof OnhandError) || error.code === 'store_unavailable') throw error;
      // A busy queue is not the file's fault: the job is resumed, or was canceled.
      if (this.#run.signal.aborted && RETRIED.includes(error.code)) return this.#stopped();
      return this.#refusal(error);
    }
  }

  /** Reads the file in a worker thread. While one chunk is applied here, the next is read there. */
  async #read(): Promise<FileJobOutcome> {
    const { signal } = this.#run;
    const { workers } = this.#parts;
    let plan: ReadPlan = { kind: 'nothing' };
    let next = 0;
    /** The outcome of a file that is one batch. It counts even if the job is stopped meanwhile. */
    let whole: FileJobOutcome | undefined;
    let applying: Promise<void> = Promise.resolve();
    const receiver = new LinesReceiver();
    const host = {
      texts: (texts: Parameters<LinesReceiver['texts']>[0]) => receiver.texts(texts),
      opened: async (found: FoundInFile): Promise<ReadPlan> => {
        plan = await this.#plan(found);
        if (plan.kind === 'chunks') next = plan.skipped;
        return plan;
      },
      identify: (names: readonly NamedSku[]) => this.#identify(names),
      apply: async (chunk: ReadChunk): Promise<void> => {
        const lines = receiver.take(chunk.lines);
        await applying;
        if (signal.aborted) return;
        if (plan.kind === 'whole') {
          const applyWhole = async (): Promise<void> => {
            whole = await this.#applyWhole(lines, chunk.asOfUs);
          };
          applying = applyWhole();
          applying.catch(() => undefined);
          return applying;
        }
        this.#rowsExpected = chunk.rowsExpected;
        applying = this.#applyChunk(next, lines, null);
        next += 1;
        // It is awaited later; until then a rejection must not count as unhandled.
        applying.catch(() => undefined);
      },
    };
    let found: FoundInFile;
    try {
      const { supplierId: organizationId } = this.#job;
      const run = { organizationId, host, signal };
      found = await workers.readers.run('readFile', this.#target, run);
    } catch (error) {
      if (!signal.aborted) throw error;
      await applying;
      return whole ?? this.#stopped();
    } finally {
      await applying;
    }
    const [question, ...others] = found.questions;
    if (question !== undefined) return heldFor([question, ...others]);
    if (found.kind === 'catalogue') return this.#runCatalogue(found);
    // The encoding is certain only after all rows were read.
    await this.#describe(found, this.#isWhole);
    return whole ?? (signal.aborted ? this.#stopped() : DONE);
  }

  get #target(): FileTarget {
    const { asOfToleranceSeconds, formatLimits, inspectedSkusMax } = this.#parts.settings;
    const path = this.#parts.files.pathOf(this.#job);
    return { job: this.#job, path, asOfToleranceSeconds, formatLimits, inspectedSkusMax };
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
    const rows =
      this.#rowCount === 1 ? 'The row before was' : `The ${this.#rowCount} rows before were`;
    const detail = `${message} ${rows} applied.`;
    return { state: 'failed', problem: { code, detail } };
  }

  /** Records what was found in the file, and says how it is read on. */
  async #plan(found: FoundInFile): Promise<ReadPlan> {
    if (found.kind === 'catalogue') {
      await this.#describe(found, false);
      return { kind: 'nothing' };
    }
    this.#isWhole = await this.#isOneBatch();
    await this.#describe(found, this.#isWhole);
    if (found.questions.length > 0) return { kind: 'nothing' };
    return this.#isWhole
      ? { kind: 'whole', linesMax: this.#parts.settings.linesMax }
      : { kind: 'chunks', skipped: await this.#countRecorded() };
  }

  async #describe(found: FoundInFile, isWhole: boolean): Promise<void> {
    const zeroedCount = this.#zeroedCount;
    const findings = { ...found, isWhole, ...(zeroedCount !== undefined && { zeroedCount }) };
    await this.#parts.store.files.describe(this.#job, this.#run.nodeId, findings);
  }

  /** Imports the file as a catalogue, or finds out what that would do. */
  async #runCatalogue({ decimal }: FoundInFile): Promise<FileJobOutcome> {
    const { asked, supplierId } = this.#job;
    if (asked.isSnapshot || asked.atomic || asked.asOfUs !== null)
      throw new OnhandError('parameter_invalid', CATALOGUE_OPTIONS);
    const { store, files, workers } = this.#parts;
    const batches = new CatalogueBatches(store, this.#job, this.#run.nodeId);
    if (!asked.dryRun) await batches.begin();
    const notes = notesOfFile(this.#job);
    const host = {
      applyCatalogue: async (batch: Parameters<typeof store.applyCatalogue>[0]) => {
        const outcome = await store.applyCatalogue({ ...batch, ...notes });
        await batches.add(outcome);
        return outcome;
      },
      sharedGtins: ({ afterGtin, limit }: { afterGtin: number; limit: number }) =>
        store.sharedGtins(supplierId, afterGtin, limit),
    };
    const { summary, reportBytes } = await workers.readers.run(
      'importFile',
      { ...this.#target, directory: files.directory, decimal },
      // What was applied before it stopped is still to be reported.
      { organizationId: supplierId, host, signal: this.#run.signal, endsItself: true },
    );
    if (!asked.dryRun) await store.imported(summary.skusCreated);
    await store.files.record(this.#job, this.#run.nodeId, null, {
      rowCount: summary.rowsRead,
      statusCounts: importCounts(summary),
      rowsExpected: summary.rowsRead,
      reportBytes,
    });
    return summary.isStopped ? this.#stopped() : DONE;
  }

  /** A resumed job keeps its first decision, even if the supplier's safety limit has changed since. */
  async #isOneBatch(): Promise<boolean> {
    const { supplierId, asked, found } = this.#job;
    if (found !== null) return found.isWhole;
    if (asked.isSnapshot || asked.atomic) return true;
    return (await this.#parts.store.batches.safetyLimitOf(supplierId)) !== null;
  }

  /** How many chunks are recorded. One more may have been applied. */
  async #countRecorded(): Promise<number> {
    for (let count = 0; ;) {
      const page = await this.#parts.store.files.pieces(this.#job, count, PAGE);
      count += page.length;
      if (page.length < PAGE) return count;
    }
  }

  async #applyWhole(lines: Lines, asOfUs: number | null): Promise<FileJobOutcome> {
    const { asked } = this.#job;
    if ((await this.#countRecorded()) === 0) {
      if (asked.isSnapshot) refuseEmptySnapshot(lines);
      try {
        await this.#applyChunk(0, lines, this.#wholeOptions(asOfUs));
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

  #wholeOptions(asOfUs: number | null): BatchOptions {
    const { asked } = this.#job;
    const { snapshotBreakerPercent, snapshotBreakerSkusMin } = this.#parts.settings;
    const defaultSafetyLimit: SafetyLimit = {
      percentMax: snapshotBreakerPercent,
      skusMin: snapshotBreakerSkusMin,
    };
    return {
      ...(asked.atomic && { atomic: true }),
      ...(asked.isSnapshot && { snapshot: { asOfUs, defaultSafetyLimit } }),
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
            zeroedCount: 0,
          }
        : await this.#submit(piece, lines, whole ?? {});
    if (whole?.snapshot !== undefined) this.#zeroedCount = outcome.zeroedCount;
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
    for (const [index, { skuUuid, before, after }] of outcome.effects) {
      if (sameInventory(before, after)) continue;
      // The message is for nodes of older versions.
      const message = this.#parts.printWouldChange(before, after);
      const wouldChange = { skuUuid, before, after };
      const skuId = lines.skuIds[index] ?? null;
      const result = { index, status: APPLIED, message, detail: null, skuId, asSent: null };
      results.push({ ...result, wouldChange });
    }
    return results;
  }

  async #submit(piece: number, lines: Lines, whole: BatchOptions): Promise<BatchOutcome> {
    const { supplierId, userId, uuid, uploadedAtMs, asked, isConfirmed } = this.#job;
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
      ...(asked.rules.identifiers === 'sku_id_first' && { skuIdFirst: true }),
      ...(isConfirmed && { confirmation: await this.#confirmation() }),
    };
    return this.#submitWithRetries({
      supplierId,
      userId,
      source: 'file',
      lines,
      options,
      ...notesOfFile(this.#job),
    });
  }

  /** Finds the SKUs that rows name, by a dry run. */
  async #identify(names: readonly NamedSku[]): Promise<readonly (string | null)[]> {
    const { supplierId, userId, asked } = this.#job;
    const builder = new LinesBuilder(names.length);
    for (const name of names) builder.add({ ...name, fields: {} });
    const skuIdFirst = asked.rules.identifiers === 'sku_id_first';
    const { effects } = await this.#submitWithRetries({
      supplierId,
      userId,
      source: 'file',
      lines: builder.build(),
      options: { dryRun: true, withEffects: true, ...(skuIdFirst && { skuIdFirst }) },
    });
    return names.map((_, i) => effects.get(i)?.skuUuid ?? null);
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

  #stopped(): FileJobOutcome {
    return this.#run.signal.reason === 'canceled' ? CANCELED : 'stopped';
  }
}

/** Held until its questions are answered. */
function heldFor(questions: readonly [FileQuestion, ...FileQuestion[]]): FileJobOutcome {
  const detail = questions.map((question) => question.detail).join(' ');
  return {
    state: 'held',
    problem: { code: questions[0].code, detail: `${detail} Nothing was applied.` },
  };
}

const CATALOGUE_OPTIONS =
  'The file is read as a catalogue, which cannot be a snapshot, atomic, or as of a time. Nothing was applied. To set stock with it, send it with kind=inventory.';

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
