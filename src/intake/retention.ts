import type {
  AccountStore,
  BatchStore,
  ChangeStore,
  FileSweepTimes,
  SweepTimes,
} from '../store/store.ts';

const FIRST_SWEEP_MS = 60_000;
/** After what share of its quota the stored results of a supplier are counted again. */
const QUOTA_CHECK_SHARE = 1 / 8;
const SWEEP_EVERY_MS = 10 * 60_000;
/** A pause between steps, so that other writes are not delayed. */
const STEP_EVERY_MS = 200;
const ROWS_PER_STEP = 500;
const FILES_PER_STEP = 20;
/** Takes the writer some tens of milliseconds. */
const CHANGES_PER_STEP = 2000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** For sessions, after they have expired or ended. */
const SESSIONS_KEPT_MS = 7 * DAY_MS;

export interface RetentionSettings {
  readonly idempotencyKeptHours: number;
  /** For failed lines and files. They are kept at least as long as idempotency keys, which need them. */
  readonly resultsKeptHours: number;
  /** Failed lines and kept effects of one supplier's batches, in stored bytes, except those of files. The oldest are deleted early. */
  readonly organizationFailedResultsBytesMax: number;
  /** For refused files, if it is shorter. */
  readonly refusedFilesKeptHours: number;
  /** For changes; 0 keeps them forever. */
  readonly changesKeptDays: number;
  /** For statistics; 0 keeps them forever. */
  readonly statisticsKeptDays: number;
}

interface SweeperParts {
  readonly accounts: Pick<AccountStore, 'deleteSessions'>;
  readonly batches: Pick<BatchStore, 'sweep' | 'trimResults'>;
  readonly changes: Pick<ChangeStore, 'dropBefore'>;
  /** Deletes files after their retention. Resolves with whether more may be left. */
  readonly files: { sweep(times: FileSweepTimes, limit: number): Promise<boolean> };
  readonly kept: RetentionSettings;
  /** Called with an error; the next sweep tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** Deletes data after its retention, at intervals and in small steps. */
export class RetentionSweeper {
  readonly #parts: SweeperParts;
  #timer: NodeJS.Timeout | undefined;
  #step: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** About how many bytes of results each supplier has stored since they were counted. */
  readonly #storedBytes = new Map<number, number>();
  #trims: Promise<void> = Promise.resolve();

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Schedules the first sweep in one minute. The timer does not keep the process alive. */
  start(): void {
    this.#schedule(FIRST_SWEEP_MS);
  }

  /** Resolves when no work is in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#step;
    await this.#trims;
  }

  /**
   * Notes that results of a supplier's batch were stored. If they are many, its quota is checked now: until the next sweep,
   * a supplier could fill the disk.
   */
  noteStored(supplierId: number, bytes: number): void {
    const storedBytes = (this.#storedBytes.get(supplierId) ?? 0) + bytes;
    const isMuch =
      storedBytes > this.#parts.kept.organizationFailedResultsBytesMax * QUOTA_CHECK_SHARE;
    this.#storedBytes.set(supplierId, isMuch ? 0 : storedBytes);
    if (!isMuch) return;
    this.#trims = this.#trims.then(() => this.#trimAll(supplierId));
  }

  async #trimAll(supplierId: number): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#trim(supplierId)));
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  #trim(supplierId: number | undefined): Promise<boolean> {
    const { batches, kept } = this.#parts;
    const bytesMax = kept.organizationFailedResultsBytesMax;
    return batches.trimResults(
      { bytesMax, ...(supplierId !== undefined && { supplierId }) },
      ROWS_PER_STEP,
    );
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#step = this.#takeStep();
    }, ms).unref();
  }

  async #takeStep(): Promise<void> {
    const { accounts, batches, changes, files, kept, onFailure } = this.#parts;
    let hasMore = false;
    try {
      const nowMs = Date.now();
      const { statisticsKeptDays: days } = kept;
      const countsBeforeMs = nowMs - days * DAY_MS;
      const times = { ...sweepTimes(kept, nowMs), ...(days > 0 && { countsBeforeMs }) };
      // Files first: their results need the stored results of their batches.
      hasMore = await files.sweep(fileSweepTimes(kept, nowMs), FILES_PER_STEP);
      hasMore = (await batches.sweep(times, ROWS_PER_STEP)) || hasMore;
      hasMore = (await accounts.deleteSessions(nowMs - SESSIONS_KEPT_MS, ROWS_PER_STEP)) || hasMore;
      if (kept.changesKeptDays > 0) {
        const beforeMs = nowMs - kept.changesKeptDays * DAY_MS;
        hasMore = (await changes.dropBefore(beforeMs, CHANGES_PER_STEP)) || hasMore;
      }
      // It reads all sizes, so it waits until nothing else is to be deleted.
      hasMore ||= await this.#trim(undefined);
    } catch (error) {
      onFailure(error);
    }
    this.#schedule(hasMore ? STEP_EVERY_MS : SWEEP_EVERY_MS);
  }
}

export function fileSweepTimes(kept: RetentionSettings, nowMs: number): FileSweepTimes {
  const { failuresBeforeMs: startedBeforeMs } = sweepTimes(kept, nowMs);
  const refusedBeforeMs = nowMs - kept.refusedFilesKeptHours * HOUR_MS;
  return { startedBeforeMs, refusedBeforeMs: Math.max(startedBeforeMs, refusedBeforeMs) };
}

export function sweepTimes(
  {
    idempotencyKeptHours,
    resultsKeptHours,
  }: Pick<RetentionSettings, 'idempotencyKeptHours' | 'resultsKeptHours'>,
  nowMs: number,
): SweepTimes {
  const keptMs = Math.max(idempotencyKeptHours, resultsKeptHours) * HOUR_MS;
  return { nowMs, failuresBeforeMs: nowMs - keptMs };
}
