import type { BatchStore, ChangeStore, SweepTimes } from '../store/store.ts';

const FIRST_SWEEP_MS = 60_000;
const SWEEP_EVERY_MS = 10 * 60_000;
/** Between two steps, others write. */
const STEP_EVERY_MS = 200;
const ROWS_A_STEP = 500;
const FILES_A_STEP = 20;
/** Some tens of milliseconds of the writer's time. */
const CHANGES_A_STEP = 2000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface RetentionSettings {
  readonly idempotencyKeptHours: number;
  /** Of failing lines, and of files. They are kept at least as long as keys: a repeated reply is made of them. */
  readonly resultsKeptHours: number;
  /** Of changes; 0 keeps them all. */
  readonly changesKeptDays: number;
}

interface SweeperParts {
  readonly batches: Pick<BatchStore, 'sweep'>;
  readonly changes: Pick<ChangeStore, 'dropBefore'>;
  /** Removes files whose retention has ended; resolves to whether there are more. */
  readonly files: { sweep(beforeMs: number, limit: number): Promise<boolean> };
  readonly kept: RetentionSettings;
  /** Told what went wrong; the next sweep tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** Drops, now and then and a little at a time, what is kept for a time only. */
export class RetentionSweeper {
  readonly #parts: SweeperParts;
  #timer: NodeJS.Timeout | undefined;
  #step: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** The first sweep is a minute from now. It keeps no process alive. */
  start(): void {
    this.#in(FIRST_SWEEP_MS);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#step;
  }

  #in(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#step = this.#takeStep();
    }, ms).unref();
  }

  async #takeStep(): Promise<void> {
    const { batches, changes, files, kept, onFailure } = this.#parts;
    let hasMore = false;
    try {
      const nowMs = Date.now();
      const times = sweepTimes(kept, nowMs);
      // Files first: their results are made of what is kept of batches.
      hasMore = await files.sweep(times.failuresBeforeMs, FILES_A_STEP);
      hasMore = (await batches.sweep(times, ROWS_A_STEP)) || hasMore;
      if (kept.changesKeptDays > 0) {
        const beforeMs = nowMs - kept.changesKeptDays * DAY_MS;
        hasMore = (await changes.dropBefore(beforeMs, CHANGES_A_STEP)) || hasMore;
      }
    } catch (error) {
      onFailure(error);
    }
    this.#in(hasMore ? STEP_EVERY_MS : SWEEP_EVERY_MS);
  }
}

export function sweepTimes(
  { idempotencyKeptHours, resultsKeptHours }: Omit<RetentionSettings, 'changesKeptDays'>,
  nowMs: number,
): SweepTimes {
  const keptMs = Math.max(idempotencyKeptHours, resultsKeptHours) * HOUR_MS;
  return { nowMs, failuresBeforeMs: nowMs - keptMs };
}
