import { OnhandError } from '../domain/errors.ts';
import { COLUMN_TARGETS } from '../formats/table/columns.ts';
import {
  OPEN_STATES,
  type FileOptions,
  type FileDraft,
  type FileProblem,
  type FileRecord,
} from '../domain/files.ts';
import type { RevertOutcome, RevertRequest } from '../domain/batches.ts';
import type { FileStore } from '../store/store.ts';
import type { FileStorage } from './storage.ts';
import { FileResults } from './results.ts';
import { FileRunner, type RunnerParts } from './runner.ts';

const PAGE = 1000;
/** How long a feed whose turn it is may wait before anybody wonders. */
const TAKEN_UP_WITHIN_MS = 30_000;
const STUCK: FileProblem = {
  code: 'store_unavailable',
  detail:
    'The file lies on a node of the server that does not work on it now: it is busy, or not running. The file goes on when that node does; cancel it to let those behind it through.',
};
/** Other nodes write into the same folder: nobody writes a file that has not grown for so long. */
const ABANDONED_MS = 3_600_000;

/** What became of one batch of a feed that was put back. */
export interface RevertedBatch extends RevertOutcome {
  readonly revertsUuid: string;
}

/** Feeds as those who send them see them: files come in, are worked on, and give results. */
export class FileService {
  readonly feeds: FileStore;
  readonly files: FileStorage;
  readonly results: FileResults;
  readonly #parts: RunnerParts;
  readonly #madeAtMs = Date.now();
  readonly #runner: FileRunner;

  constructor(parts: RunnerParts) {
    this.feeds = parts.store.files;
    this.files = parts.files;
    this.results = new FileResults(parts);
    this.#parts = parts;
    this.#runner = new FileRunner(parts);
  }

  /** Goes on with what was left, and with what comes. */
  start(): void {
    this.#runner.start();
    const beforeMs = this.#parts.isAlone ? this.#madeAtMs : this.#madeAtMs - ABANDONED_MS;
    this.removeLeftovers(beforeMs).catch((error: unknown) => this.#parts.onFailure(error));
  }

  /** Removes what a crash before then left of files that nobody was told were taken. */
  async removeLeftovers(beforeMs: number): Promise<void> {
    const found = await this.files.leftovers(beforeMs);
    for (let from = 0; from < found.length; from += PAGE) {
      const uuids = found.slice(from, from + PAGE);
      const kept = new Set(await this.feeds.kept(uuids));
      for (const uuid of uuids) if (!kept.has(uuid)) await this.files.remove(uuid);
    }
  }

  /** Drops the files of feeds begun before then that are over, at most `limit`; says whether more are left. */
  async sweep(beforeMs: number, limit: number): Promise<boolean> {
    const expired = await this.feeds.expired(beforeMs, limit);
    for (const feed of expired) {
      await this.feeds.drop(feed);
      await this.files.remove(feed.uuid);
    }
    return expired.length >= limit;
  }

  stop(): Promise<void> {
    return this.#runner.stop();
  }

  /**
   * Adds a feed whose file was written; it is worked on in its turn. Gives its uuid: that of an earlier one
   * where its key was used for the same upload. Rejects with `idempotency_key_reused`.
   */
  async add(draft: FileDraft): Promise<string> {
    const uuid = await this.feeds.add(draft);
    if (uuid !== draft.uuid) await this.files.remove(draft.uuid);
    this.#runner.nudge();
    return uuid;
  }

  cancel(feed: FileRecord): Promise<void> {
    return this.#runner.cancel(feed);
  }

  /** Lets a feed that is held go on; says whether it was. */
  async confirm(feed: FileRecord): Promise<boolean> {
    const isConfirmed = await this.feeds.confirm(feed);
    if (isConfirmed) this.#runner.nudge();
    return isConfirmed;
  }

  changed(uuid: string, ms: number, signal: AbortSignal): Promise<void> {
    return this.#runner.changed(uuid, ms, signal);
  }

  /** Why a feed that is not over does not get on, as far as this node can tell; null is that it does. */
  async whyStuck(feed: FileRecord): Promise<FileProblem | null> {
    const isOpen = OPEN_STATES.some((state) => state === feed.state);
    const nowMs = Date.now();
    if (!isOpen || feed.claimedUntilMs > nowMs || this.#parts.isAlone) return null;
    if (feed.state === 'waiting' && feed.uploadedAtMs > nowMs - TAKEN_UP_WITHIN_MS) return null;
    if (await this.files.has(feed.uuid)) return null;
    const isNext = (await this.feeds.next()).some(({ uuid }) => uuid === feed.uuid);
    return isNext ? STUCK : null;
  }

  /**
   * Puts back all batches of a feed, the last first: of a SKU that several of them changed, each puts back
   * what the one before had left. What was put back before is left as it is.
   */
  async revert(
    feed: FileRecord,
    asked: Omit<RevertRequest, 'supplierId' | 'uuid'>,
  ): Promise<readonly RevertedBatch[]> {
    const { supplierId } = feed;
    const reverted: RevertedBatch[] = [];
    const among = await this.batchesOf(feed);
    for (const revertsUuid of among.toReversed()) {
      const outcome = await this.#parts.store.batches.revert({
        ...asked,
        among,
        supplierId,
        uuid: revertsUuid,
      });
      if (outcome !== undefined) reverted.push({ revertsUuid, ...outcome });
    }
    return reverted;
  }

  /** What the supplier's columns are called in files to come. Throws `member_invalid`. */
  async setMapping(supplierId: number, mappings: FileOptions['mappings']): Promise<void> {
    for (const { header, target } of mappings) {
      if (COLUMN_TARGETS.some((known) => known === target)) continue;
      throw new OnhandError(
        'member_invalid',
        `${JSON.stringify(header)} cannot stand for ${JSON.stringify(target.slice(0, 64))}; there are ${COLUMN_TARGETS.join(', ')}.`,
      );
    }
    await this.feeds.setMapping(supplierId, mappings);
  }

  /** The uuids of the batches that a feed was applied by, in order. */
  async batchesOf(feed: FileRecord): Promise<readonly string[]> {
    const uuids: string[] = [];
    for (let from = 0; ;) {
      const page = await this.feeds.pieces(feed, from, PAGE);
      for (const { batchUuid } of page) if (batchUuid !== null) uuids.push(batchUuid);
      if (page.length < PAGE) return uuids;
      from += page.length;
    }
  }
}
