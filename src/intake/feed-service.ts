import type { FeedDraft, FeedRecord, FeedStore } from '../store/feeds.ts';
import type { FeedFiles } from './feed-files.ts';
import { FeedResults } from './feed-results.ts';
import { FeedRunner, type RunnerParts } from './feed-runner.ts';

const PAGE = 1000;

/** Feeds as those who send them see them: files come in, are worked on, and give results. */
export class FeedService {
  readonly feeds: FeedStore;
  readonly files: FeedFiles;
  readonly results: FeedResults;
  readonly #runner: FeedRunner;

  constructor(parts: RunnerParts) {
    this.feeds = parts.store.feeds;
    this.files = parts.files;
    this.results = new FeedResults(parts);
    this.#runner = new FeedRunner(parts);
  }

  /** Goes on with what was left, and with what comes. */
  start(): void {
    this.#runner.start();
  }

  stop(): Promise<void> {
    return this.#runner.stop();
  }

  /**
   * Adds a feed whose file was written; it is worked on in its turn. Gives its uuid: that of an earlier one
   * where its key was used for the same upload. Rejects with `idempotency_key_reused`.
   */
  async add(draft: FeedDraft): Promise<string> {
    const uuid = await this.feeds.add(draft);
    if (uuid !== draft.uuid) await this.files.remove(draft.uuid);
    this.#runner.nudge();
    return uuid;
  }

  cancel(feed: FeedRecord): Promise<void> {
    return this.#runner.cancel(feed);
  }

  /** Lets a feed that is held go on; says whether it was. */
  async confirm(feed: FeedRecord): Promise<boolean> {
    const isConfirmed = await this.feeds.confirm(feed);
    if (isConfirmed) this.#runner.nudge();
    return isConfirmed;
  }

  changed(uuid: string, ms: number, signal: AbortSignal): Promise<void> {
    return this.#runner.changed(uuid, ms, signal);
  }

  /** The uuids of the batches that a feed was applied by, in order. */
  async batchesOf(feed: FeedRecord): Promise<readonly string[]> {
    const uuids: string[] = [];
    for (let from = 0; ;) {
      const page = await this.feeds.pieces(feed, from, PAGE);
      for (const { batchUuid } of page) if (batchUuid !== null) uuids.push(batchUuid);
      if (page.length < PAGE) return uuids;
      from += page.length;
    }
  }
}
