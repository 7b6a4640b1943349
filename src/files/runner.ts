import { randomUUID } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';
import type { FileLease, FilePlace, FileRecord } from '../domain/files.ts';
import { beginFileJob } from '../tracing/spans.ts';
import { FileJob, type FileJobOutcome, type FileJobParts, type StopReason } from './job.ts';

export interface RunnerParts extends FileJobParts {
  /** Whether no other process applies files to this database, so that every lease found is stale. */
  readonly isAlone: boolean;
  /** Called when a file is done, refused, held, failed or canceled. */
  readonly onEnded: (file: FileRecord) => Promise<void>;
  /** Called with an error after which the file is retried. */
  readonly onFailure: (error: unknown) => void;
}

/** Most files that are applied at the same time, each of another supplier. */
const JOBS_MAX = 4;
/** How often to look for files that other nodes accepted or abandoned. */
const POLL_MS = 2000;
/** How long the lease of a crashed node keeps its file from the others. */
const LEASE_MS = 20_000;
const RENEW_EVERY_MS = 1000;
/** How long to wait before a failed file is retried. */
const BACKOFF_MS = 5000;

interface ActiveJob {
  readonly place: FilePlace;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
}

/**
 * Applies files: each supplier's one after another, in the order of their upload, and those of several
 * suppliers at the same time. Resumes the files of a process that has stopped.
 */
export class FileRunner {
  readonly #parts: RunnerParts;
  readonly #nodeId = randomUUID();
  /** By supplier. */
  readonly #active = new Map<number, ActiveJob>();
  /** When the files of a supplier may be retried. */
  readonly #retryAtMs = new Map<number, number>();
  /** Numbers the last turn of each supplier that has files waiting. */
  readonly #turns = new Map<number, number>();
  #lastTurn = 0;
  readonly #waiters = new Map<string, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #isPollDue = false;
  #isStopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Looks for waiting files now, and from then on regularly. */
  poll(): void {
    if (this.#isStopped) return;
    if (this.#polling !== undefined) {
      this.#isPollDue = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#polling = this.#startJobs().finally(() => {
      this.#polling = undefined;
      if (this.#isPollDue) {
        this.#isPollDue = false;
        this.poll();
      } else if (!this.#isStopped) {
        this.#timer = setTimeout(() => this.poll(), POLL_MS).unref();
      }
    });
  }

  /** Stops after the current chunks. The files are resumed when a server starts. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
    const active = [...this.#active.values()];
    for (const { stop } of active) stop.abort('closing' satisfies StopReason);
    await Promise.all(active.map(({ finished }) => finished));
    for (const uuid of this.#waiters.keys()) this.#notify(uuid);
  }

  /** Cancels a file. If it is being applied, it stops after the current chunk. */
  async cancel(job: FileRecord): Promise<void> {
    await this.#parts.store.files.cancel(job, Date.now());
    const active = this.#active.get(job.supplierId);
    if (active?.place.number === job.number) active.stop.abort('canceled' satisfies StopReason);
    this.#notify(job.uuid);
  }

  /** Resolves when this node finishes or cancels the file, after `ms`, or when the signal is aborted. */
  async changed(uuid: string, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const waiters = this.#waiters.get(uuid) ?? new Set();
      this.#waiters.set(uuid, waiters);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        waiters.delete(end);
        if (waiters.size === 0) this.#waiters.delete(uuid);
        resolve();
      };
      waiters.add(end);
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
    });
  }

  #notify(uuid: string): void {
    for (const end of this.#waiters.get(uuid) ?? []) end();
  }

  async #startJobs(): Promise<void> {
    try {
      for (const job of this.#inTurns(await this.#parts.store.files.next())) {
        if (this.#isStopped || this.#active.size >= JOBS_MAX) return;
        if (this.#active.has(job.supplierId) || this.#isBackedOff(job.supplierId)) continue;
        await this.#startJob(job);
      }
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  /** The supplier whose last turn is the longest ago comes first, however many files another one has. */
  #inTurns(jobs: readonly FileRecord[]): readonly FileRecord[] {
    const waiting = new Set(jobs.map(({ supplierId }) => supplierId));
    for (const supplierId of this.#turns.keys()) {
      if (!waiting.has(supplierId) && !this.#active.has(supplierId)) this.#turns.delete(supplierId);
    }
    const turnOf = ({ supplierId }: FileRecord): number => this.#turns.get(supplierId) ?? 0;
    return jobs.toSorted((a, b) => turnOf(a) - turnOf(b));
  }

  #isBackedOff(supplierId: number): boolean {
    const retryAtMs = this.#retryAtMs.get(supplierId) ?? 0;
    if (retryAtMs > Date.now()) return true;
    this.#retryAtMs.delete(supplierId);
    return false;
  }

  async #startJob(waiting: FileRecord): Promise<void> {
    const { files, store, isAlone } = this.#parts;
    // A file on another node waits for that node. Only a cancellation needs no file.
    const isElsewhere = !isAlone && !(await files.has(waiting));
    if (isElsewhere && !waiting.isCancelAsked) return this.#backOff(waiting.supplierId);
    const job = await store.files.claim(waiting, this.#lease());
    if (job === undefined) return;
    const stop = new AbortController();
    if (job.isCancelAsked) stop.abort('canceled' satisfies StopReason);
    const finished = this.#work(job, stop).finally(() => {
      this.#active.delete(job.supplierId);
      this.#notify(job.uuid);
      this.poll();
    });
    this.#active.set(job.supplierId, { place: job, stop, finished });
    this.#lastTurn += 1;
    this.#turns.set(job.supplierId, this.#lastTurn);
  }

  #lease(forMs: number = LEASE_MS): FileLease {
    const nowMs = Date.now();
    const voidBeforeMs = this.#parts.isAlone ? Number.MAX_SAFE_INTEGER : nowMs;
    return { nodeId: this.#nodeId, nowMs, voidBeforeMs, untilMs: nowMs + forMs };
  }

  #backOff(supplierId: number): void {
    this.#retryAtMs.set(supplierId, Date.now() + BACKOFF_MS);
  }

  async #work(job: FileRecord, stop: AbortController): Promise<void> {
    const { files } = this.#parts.store;
    let renewal: Promise<void> = Promise.resolve();
    const renewing = setInterval(() => {
      renewal = this.#renewLease(job, stop);
    }, RENEW_EVERY_MS);
    const span = beginFileJob(job);
    let ended: string = 'error';
    try {
      const traceparent = span?.traceparent ?? null;
      const outcome = await this.#runJob({ ...job, traceparent }, stop.signal);
      ended = outcome === 'stopped' ? outcome : outcome.state;
      // A renewal that is still under way must not overwrite the release below.
      clearInterval(renewing);
      await renewal;
      // A lease that has ended lets any node resume the file.
      if (outcome === 'stopped') await files.keep(job, this.#lease(-1));
      else {
        await files.end(job, this.#nodeId, { ...outcome, finishedAtMs: Date.now() });
        const file = await files.find(job.supplierId, job.uuid);
        if (file !== undefined) await this.#parts.onEnded(file);
      }
    } catch (error) {
      this.#backOff(job.supplierId);
      this.#parts.onFailure(error);
    } finally {
      clearInterval(renewing);
      const isFailed = ended === 'error' || ended === 'failed';
      span?.end(() => ({ 'onhand.file_state': ended }), isFailed ? ended : undefined);
    }
  }

  async #runJob(job: FileRecord, signal: AbortSignal): Promise<FileJobOutcome> {
    try {
      const run = new FileJob(this.#parts, { job, nodeId: this.#nodeId, signal });
      return (await this.#parts.files.has(job)) ? await run.run() : await run.giveUp();
    } catch (error) {
      if (signal.aborted && signal.reason !== 'canceled') return 'stopped';
      if (error instanceof OnhandError) throw error;
      this.#parts.onFailure(error);
      const detail = 'The server failed to process the file; the cause is in its log.';
      return { state: 'failed', problem: { code: 'internal', detail } };
    }
  }

  async #renewLease(job: FileRecord, stop: AbortController): Promise<void> {
    try {
      const result = await this.#parts.store.files.keep(job, this.#lease());
      if (result === 'held') return;
      stop.abort((result === 'lost' ? 'lost' : 'canceled') satisfies StopReason);
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }
}
