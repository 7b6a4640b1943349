import { OnhandError, type ErrorCode } from '../domain/errors.ts';
import {
  OPEN_STATES,
  type FileDraft,
  type FileOptions,
  type FileProblem,
  type FileRecord,
} from '../domain/files.ts';
import { rulesInForce, type ReadingRules } from '../domain/reading-rules.ts';
import type { RevertOutcome, RevertRequest } from '../domain/batches.ts';
import type { FileStore, FileSweepTimes } from '../store/store.ts';
import { newUuid } from '../store/uuids.ts';
import type { DiskQuota } from './disk-quota.ts';
import type { FileStorage, FoundFile } from './storage.ts';
import { Downloads } from './downloads.ts';
import { FileResults } from './results.ts';
import type { SpoolLimits } from './result-spool.ts';
import { FileRunner, type RunnerParts } from './runner.ts';

const PAGE = 1000;
/** How long a file may wait for its turn before it counts as stuck. */
const STARTED_WITHIN_MS = 30_000;
const STUCK: FileProblem = {
  code: 'store_unavailable',
  detail:
    'The file is on a node of the server that is busy or not running. It resumes when that node does; cancel it to let the next files through.',
};
/** A partial file that has not grown for this long was abandoned; other nodes may write to the folder. */
const ABANDONED_MS = 3_600_000;

/** How often to look for files without a job. */
const LEFTOVERS_EVERY_MS = 3_600_000;
/** Errors after which a file was certainly not added. */
const REFUSALS: readonly ErrorCode[] = [
  'idempotency_key_reused',
  'file_quota_exceeded',
  'body_too_large',
];

interface FileServiceParts extends RunnerParts {
  readonly settings: RunnerParts['settings'] & SpoolLimits;
  readonly quota: DiskQuota;
}

/** The result of reverting one batch of a file. */
export interface RevertedBatch extends RevertOutcome {
  readonly revertsUuid: string;
}

/** Uploaded files and their jobs: accepts files, runs their jobs, and gives their results. */
export class FileService {
  readonly jobs: FileStore;
  readonly files: FileStorage;
  readonly results: FileResults;
  readonly downloads: Downloads;
  readonly quota: DiskQuota;
  readonly #parts: FileServiceParts;
  readonly #createdAtMs = Date.now();
  readonly #runner: FileRunner;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FileServiceParts) {
    this.quota = parts.quota;
    this.jobs = parts.store.files;
    this.files = parts.files;
    this.downloads = new Downloads(parts);
    this.results = new FileResults({ ...parts, downloads: this.downloads });
    this.#parts = parts;
    this.#runner = new FileRunner(parts);
  }

  /** Starts to apply files, those left from before first. */
  start(): void {
    this.#runner.poll();
    const beforeMs = this.#parts.isAlone ? this.#createdAtMs : this.#createdAtMs - ABANDONED_MS;
    const removeLeftovers = (leftBeforeMs: number): void => {
      this.removeLeftovers(leftBeforeMs).catch((error: unknown) => this.#parts.onFailure(error));
    };
    removeLeftovers(beforeMs);
    this.#timer = setInterval(
      () => removeLeftovers(Date.now() - ABANDONED_MS),
      LEFTOVERS_EVERY_MS,
    ).unref();
  }

  /** Removes the files that a crash before `beforeMs` left behind without a job. */
  async removeLeftovers(beforeMs: number): Promise<void> {
    const found = await this.files.leftovers(beforeMs);
    for (let from = 0; from < found.length; from += PAGE) {
      const page = found.slice(from, from + PAGE);
      const kept = await this.jobs.kept(page.map(({ uuid }) => uuid));
      const uuids = new Set(kept.map(({ uuid }) => uuid));
      const places = new Set(kept.map(({ supplierId, uuid }) => `${supplierId}/${uuid}`));
      const isKept = ({ supplierId, uuid }: FoundFile): boolean =>
        supplierId === null ? uuids.has(uuid) : places.has(`${supplierId}/${uuid}`);
      for (const file of page) if (!isKept(file)) await this.files.removeFound(file);
    }
  }

  /** Deletes at most `limit` files after their retention. Resolves with whether more may be left. */
  async sweep(times: FileSweepTimes, limit: number): Promise<boolean> {
    const expired = await this.jobs.expired(times, limit);
    for (const job of expired) await this.remove(job);
    return expired.length >= limit;
  }

  /** Deletes the file of a finished job and its results. The job's counts and its batches remain. */
  async remove(job: FileRecord): Promise<void> {
    await this.jobs.drop(job);
    await this.files.remove(job);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#runner.stop();
    this.#parts.workers.readers.close();
    this.stopDownloads();
  }

  /** How many of the threads that read and print files work now. */
  workersUsage() {
    const { readers, printers } = this.#parts.workers;
    return { read_workers: readers.usage(), print_workers: printers.usage() };
  }

  /** Ends the downloads of results that are being printed, and starts no more. */
  stopDownloads(): void {
    this.downloads.stop();
  }

  /**
   * Adds a job whose file is stored. Resolves with its uuid, or with the uuid of the earlier upload if the
   * idempotency key repeats it. Rejects as `FileStore.add` does.
   */
  async add(draft: FileDraft): Promise<string> {
    const uuid = await this.#addJob(draft);
    if (uuid !== draft.uuid) await this.files.remove(draft);
    this.#runner.poll();
    return uuid;
  }

  async #addJob(draft: FileDraft): Promise<string> {
    try {
      return await this.jobs.add(draft, this.quota.limits);
    } catch (error) {
      const isRefused = error instanceof OnhandError && REFUSALS.includes(error.code);
      // After any other error the job may exist nevertheless.
      if (isRefused) await this.files.remove(draft);
      throw error;
    }
  }

  /**
   * Adds a job that applies the file of a dry run. Resolves with its uuid, or with that of the job that did so before:
   * a dry run is applied once. Rejects as `FileResults.check`, `DiskQuota.reserve` and `FileStore.add` do.
   */
  async apply(
    dryRun: FileRecord,
    given: Pick<FileDraft, 'userId' | 'reason' | 'reference' | 'traceparent'>,
  ): Promise<string> {
    const { supplierId, uuid } = dryRun;
    // Keys of clients have no spaces, so the two cannot collide.
    const key = `apply ${uuid}`;
    const usedSinceMs = 0;
    const earlier = await this.jobs.withKey(supplierId, { key, usedSinceMs });
    if (earlier !== undefined) return earlier.uuid;
    return this.#addCopy(dryRun, {
      ...given,
      asked: { ...dryRun.asked, dryRun: false },
      idempotency: { key, fingerprint: Buffer.from(uuid), usedSinceMs },
    });
  }

  /**
   * Adds a dry run of the same file by other rules and resolves with the uuid of the new job. The file may be in any final
   * state. Rejects as `apply` does.
   */
  check(
    file: FileRecord,
    rules: ReadingRules,
    given: Pick<FileDraft, 'userId' | 'reason' | 'reference' | 'traceparent'>,
  ): Promise<string> {
    const asked = { ...file.asked, rules, dryRun: true };
    return this.#addCopy(file, { ...given, asked, idempotency: null });
  }

  /** Adds a job of a copy of the same file. */
  async #addCopy(
    file: FileRecord,
    terms: Omit<FileDraft, 'supplierId' | 'uuid' | 'filename' | 'bytes' | 'uploadedAtMs'>,
  ): Promise<string> {
    const { supplierId, filename, bytes } = file;
    await this.results.check(file);
    const room = await this.quota.reserve(supplierId, bytes);
    try {
      await room.take(bytes);
      const uploadedAtMs = Date.now();
      const uuid = newUuid(uploadedAtMs);
      await this.files.copy(file, { supplierId, uuid });
      const added = await this.add({ ...terms, supplierId, uuid, filename, bytes, uploadedAtMs });
      if (added === uuid) room.settle();
      return added;
    } finally {
      room.release();
    }
  }

  cancel(job: FileRecord): Promise<void> {
    return this.#runner.cancel(job);
  }

  /**
   * Resumes a held job. Answers that are not given are taken from the supplier's saved rules. Resolves with
   * whether it was held. Rejects with `parameter_invalid` if a question stays open, or if rules are given and
   * nothing was asked.
   */
  async confirm(job: FileRecord, given: Partial<ReadingRules>): Promise<boolean> {
    if (job.state !== 'held') return false;
    const isConfirmed = await this.jobs.confirm(job, await this.#answerOf(job, given));
    if (isConfirmed) this.#runner.poll();
    return isConfirmed;
  }

  async #answerOf(
    { supplierId, asked, found }: FileRecord,
    given: Partial<ReadingRules>,
  ): Promise<FileOptions | 'exceed'> {
    const questions = found?.questions ?? [];
    if (questions.length === 0) {
      if (Object.keys(given).length === 0) return 'exceed';
      throw new OnhandError(
        'parameter_invalid',
        'The file is held by the safety limit, so it asks for no rule; confirm it without parameters.',
      );
    }
    const saved = await this.jobs.rulesOf(supplierId);
    let rules = rulesInForce(asked.rules, given);
    for (const { rule } of questions) rules = { ...rules, [rule]: rules[rule] ?? saved[rule] };
    const open = questions.filter(({ rule }) => rules[rule] === null);
    if (open.length === 0) return { ...asked, rules };
    const missing = open.map(({ rule, answers }) =>
      answers.map((answer) => `${rule}=${answer}`).join(' or '),
    );
    throw new OnhandError(
      'parameter_invalid',
      `The file asks a question that is not answered: confirm it with ${missing.join(', and ')}. ${open.map(({ detail }) => detail).join(' ')}`,
    );
  }

  changed(uuid: string, ms: number, signal: AbortSignal): Promise<void> {
    return this.#runner.changed(uuid, ms, signal);
  }

  /** Why an open job makes no progress, as far as this node knows; null if it does. */
  async whyStuck(job: FileRecord): Promise<FileProblem | null> {
    const isOpen = OPEN_STATES.some((state) => state === job.state);
    const nowMs = Date.now();
    if (!isOpen || job.claimedUntilMs > nowMs || this.#parts.isAlone) return null;
    if (job.state === 'waiting' && job.uploadedAtMs > nowMs - STARTED_WITHIN_MS) return null;
    if (await this.files.has(job)) return null;
    const isNext = (await this.jobs.next()).some(({ uuid }) => uuid === job.uuid);
    return isNext ? STUCK : null;
  }

  /**
   * Reverts all batches of a job, the last first. Batches that were reverted before are skipped.
   *
   * @param inTurn runs the revert of one batch when it may run
   */
  async revert(
    job: FileRecord,
    asked: Omit<RevertRequest, 'supplierId' | 'uuid'>,
    inTurn: <T>(revertOne: () => Promise<T>) => Promise<T>,
  ): Promise<readonly RevertedBatch[]> {
    const { supplierId } = job;
    const reverted: RevertedBatch[] = [];
    const among = await this.batchesOf(job);
    for (const revertsUuid of among.toReversed()) {
      const outcome = await inTurn(() =>
        this.#parts.store.batches.revert({ ...asked, among, supplierId, uuid: revertsUuid }),
      );
      if (outcome !== undefined) reverted.push({ revertsUuid, ...outcome });
    }
    return reverted;
  }

  /** The uuids of a job's batches, in order. */
  async batchesOf(job: FileRecord): Promise<readonly string[]> {
    const uuids: string[] = [];
    for (let from = 0; ;) {
      const page = await this.jobs.pieces(job, from, PAGE);
      for (const { batchUuid } of page) if (batchUuid !== null) uuids.push(batchUuid);
      if (page.length < PAGE) return uuids;
      from += page.length;
    }
  }
}
