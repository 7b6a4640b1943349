import { randomUUID } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';
import type { FileLease, FilePlace, FileRecord } from '../domain/files.ts';
import type { FileJobOutcome, FeedParts, StopReason } from './parts.ts';
import { FileJob } from './job.ts';

export interface RunnerParts extends FeedParts {
  /** Whether no other process works on feeds of this database: then every claim found is of one that is gone. */
  readonly isAlone: boolean;
  /** Told what went wrong; the feed is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Feeds that are worked on at once, each of another supplier. */
const FEEDS_AT_ONCE_MAX = 4;
/** How often it is looked for feeds that other nodes took in, or left. */
const LOOK_EVERY_MS = 2000;
/** How long a node that is gone keeps others from its feed. */
const CLAIM_MS = 20_000;
const KEEP_EVERY_MS = 1000;
/** How long a feed rests that could not be worked on. */
const REST_MS = 5000;

interface Going {
  readonly place: FilePlace;
  readonly stop: AbortController;
  readonly over: Promise<void>;
}

/**
 * Works on feeds: one of a supplier at a time, in the order of their upload, several suppliers beside each
 * other. What was begun by a process that is gone goes on where it was.
 */
export class FileRunner {
  readonly #parts: RunnerParts;
  readonly #nodeId = randomUUID();
  /** By supplier. */
  readonly #going = new Map<number, Going>();
  /** Until when the feeds of a supplier rest. */
  readonly #resting = new Map<number, number>();
  readonly #waiters = new Map<string, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isLookDue = false;
  #isStopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.nudge();
  }

  /** Looks for feeds at once. */
  nudge(): void {
    if (this.#isStopped) return;
    if (this.#looking !== undefined) {
      this.#isLookDue = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#isLookDue) {
        this.#isLookDue = false;
        this.nudge();
      } else if (!this.#isStopped) {
        this.#timer = setTimeout(() => this.nudge(), LOOK_EVERY_MS).unref();
      }
    });
  }

  /** Stops after the pieces under way; what is left goes on when a server starts. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    const going = [...this.#going.values()];
    for (const { stop } of going) stop.abort('closing' satisfies StopReason);
    await Promise.all(going.map(({ over }) => over));
    for (const uuid of this.#waiters.keys()) this.#tell(uuid);
  }

  /** Cancels a feed; one that is being applied stops after the piece under way. */
  async cancel(feed: FileRecord): Promise<void> {
    await this.#parts.store.files.cancel(feed, Date.now());
    const going = this.#going.get(feed.supplierId);
    if (going?.place.number === feed.number) going.stop.abort('canceled' satisfies StopReason);
    this.#tell(feed.uuid);
  }

  /** Resolves when a feed is over, as far as this process knows; at the latest after `ms`, or by the signal. */
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

  #tell(uuid: string): void {
    for (const end of this.#waiters.get(uuid) ?? []) end();
  }

  async #look(): Promise<void> {
    try {
      for (const feed of await this.#parts.store.files.next()) {
        if (this.#isStopped || this.#going.size >= FEEDS_AT_ONCE_MAX) return;
        if (this.#going.has(feed.supplierId) || this.#isResting(feed.supplierId)) continue;
        await this.#begin(feed);
      }
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  #isResting(supplierId: number): boolean {
    const untilMs = this.#resting.get(supplierId) ?? 0;
    if (untilMs > Date.now()) return true;
    this.#resting.delete(supplierId);
    return false;
  }

  async #begin(waiting: FileRecord): Promise<void> {
    const { files, store, isAlone } = this.#parts;
    // A file that lies with another node waits for it, unless nobody does.
    const isElsewhere = !isAlone && !(await files.has(waiting.uuid));
    if (isElsewhere && !waiting.isCancelAsked) return this.#rest(waiting.supplierId);
    const feed = await store.files.claim(waiting, this.#claim());
    if (feed === undefined) return;
    const stop = new AbortController();
    if (feed.isCancelAsked) stop.abort('canceled' satisfies StopReason);
    const over = this.#work(feed, stop).finally(() => {
      this.#going.delete(feed.supplierId);
      this.#tell(feed.uuid);
      this.nudge();
    });
    this.#going.set(feed.supplierId, { place: feed, stop, over });
  }

  #claim(forMs: number = CLAIM_MS): FileLease {
    const nowMs = Date.now();
    const voidBeforeMs = this.#parts.isAlone ? Number.MAX_SAFE_INTEGER : nowMs;
    return { nodeId: this.#nodeId, nowMs, voidBeforeMs, untilMs: nowMs + forMs };
  }

  #rest(supplierId: number): void {
    this.#resting.set(supplierId, Date.now() + REST_MS);
  }

  async #work(feed: FileRecord, stop: AbortController): Promise<void> {
    const { files } = this.#parts.store;
    const keeping = setInterval(() => void this.#keep(feed, stop), KEEP_EVERY_MS);
    try {
      const outcome = await this.#outcomeOf(feed, stop.signal);
      if (outcome === 'stopped') await files.keep(feed, this.#claim(-1));
      else await files.end(feed, this.#nodeId, { ...outcome, finishedAtMs: Date.now() });
    } catch (error) {
      this.#rest(feed.supplierId);
      this.#parts.onFailure(error);
    } finally {
      clearInterval(keeping);
    }
  }

  async #outcomeOf(feed: FileRecord, signal: AbortSignal): Promise<FileJobOutcome> {
    try {
      const go = { feed, nodeId: this.#nodeId, nowMs: Date.now(), signal };
      const work = new FileJob(this.#parts, go);
      if (await this.#parts.files.has(feed.uuid)) return await work.run();
      return await work.giveUp();
    } catch (error) {
      if (signal.aborted && signal.reason !== 'canceled') return 'stopped';
      if (error instanceof OnhandError) throw error;
      this.#parts.onFailure(error);
      const detail = 'Something went wrong inside the server; it is in its log.';
      return { state: 'failed', problem: { code: 'internal', detail } };
    }
  }

  async #keep(feed: FileRecord, stop: AbortController): Promise<void> {
    try {
      const kept = await this.#parts.store.files.keep(feed, this.#claim());
      if (kept === 'held') return;
      stop.abort((kept === 'lost' ? 'lost' : 'canceled') satisfies StopReason);
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }
}
