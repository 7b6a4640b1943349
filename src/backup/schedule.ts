import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BackupMade, BackupOrder } from './backup.ts';
import { backupName, backupsIn, removeUnfinished } from './folder.ts';

interface ScheduleParts {
  /** Its target is a directory. */
  readonly order: Omit<BackupOrder, 'nowMs'>;
  readonly everyMs: number;
  readonly now: () => number;
  readonly onMade: (made: BackupMade) => void;
  readonly onFailure: (error: unknown) => void;
}

/** How current the backups are. */
export interface BackupState {
  /** When the latest was begun; null if there is none. */
  readonly latestAtMs: number | null;
  /** Whether no attempt has failed since the latest, and none is overdue by a whole interval. */
  readonly isUp: boolean;
}

const RETRY_AFTER_MS = 15 * 60_000;
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';

/** Backs up at intervals, counted from the latest backup in the directory: a restart makes none early. */
export class BackupSchedule {
  readonly #parts: ScheduleParts;
  readonly #startedAtMs: number;
  #latestAtMs: number | null = null;
  #failedAtMs: number | null = null;
  #thread: Worker | undefined;
  #isStopped = false;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.now();
  }

  get state(): BackupState {
    const { now, everyMs } = this.#parts;
    const latestAtMs = this.#latestAtMs;
    // A backup that was made by hand after a failure counts too.
    const hasFailed = this.#failedAtMs !== null && (latestAtMs ?? 0) < this.#failedAtMs;
    const isUp = !hasFailed && now() - (latestAtMs ?? this.#startedAtMs) < 2 * everyMs;
    return { latestAtMs, isUp };
  }

  /** Ends a backup that is in progress: it leaves no incomplete file once `check` has resolved. No further one is made. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#thread?.terminate();
  }

  /** Makes a backup if one is due and the last attempt did not fail just now. */
  async check(): Promise<void> {
    const { order, everyMs, now, onMade, onFailure } = this.#parts;
    const nowMs = now();
    if (this.#failedAtMs !== null && nowMs - this.#failedAtMs < RETRY_AFTER_MS) return;
    try {
      const [latest] = await backupsIn(order.target, order.database);
      this.#latestAtMs = latest?.atMs ?? null;
      const isDue = latest === undefined || nowMs - latest.atMs >= everyMs;
      if (this.#isStopped || !isDue) return;
      const made = await this.#backUp(nowMs);
      if (made === undefined) {
        const name = backupName(order.database, new Date(nowMs), order.recipients.length > 0);
        await removeUnfinished(join(order.target, name));
        return;
      }
      this.#latestAtMs = nowMs;
      this.#failedAtMs = null;
      onMade(made);
    } catch (error) {
      this.#failedAtMs = now();
      onFailure(error);
    }
  }

  /** Undefined if it was stopped. */
  #backUp(nowMs: number): Promise<BackupMade | undefined> {
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url));
    this.#thread = thread;
    const order: BackupOrder = { ...this.#parts.order, nowMs };
    thread.postMessage(order);
    return new Promise((resolve, reject) => {
      thread.once('message', (made: BackupMade) => resolve(made));
      thread.once('error', reject);
      thread.once('exit', () => {
        this.#thread = undefined;
        resolve(undefined);
      });
    });
  }
}
