/** How readers get changes: page by page, or as a stream. */
export type FeedConsumer = 'page' | 'stream';

/** How long a reader that stopped before it had read everything is remembered. */
const REMEMBERED_MS = 15 * 60_000;

interface Behind {
  /** When the oldest change was made that the reader may not have read. */
  readonly sinceMs: number;
  readonly readAtMs: number;
}

/** How far the readers of the change feed are behind, as their latest reads show it. */
export class FeedLag {
  /** By organization: those whose latest read left something. */
  readonly #behind: Readonly<Record<FeedConsumer, Map<number, Behind>>> = {
    page: new Map(),
    stream: new Map(),
  };

  /**
   * A reader of an organization has read.
   *
   * @param behindSinceMs when the last change was made that it has read; null if it has read all
   */
  note(
    consumer: FeedConsumer,
    organizationId: number,
    behindSinceMs: number | null,
    nowMs: number,
  ): void {
    const behind = this.#behind[consumer];
    if (behindSinceMs === null) behind.delete(organizationId);
    else behind.set(organizationId, { sinceMs: behindSinceMs, readAtMs: nowMs });
  }

  /** How long the reader that is furthest behind has had changes to read; 0 if all have read everything. */
  lagMs(consumer: FeedConsumer, nowMs: number): number {
    let most = 0;
    for (const [organizationId, { sinceMs, readAtMs }] of this.#behind[consumer]) {
      if (nowMs - readAtMs > REMEMBERED_MS) this.#behind[consumer].delete(organizationId);
      else most = Math.max(most, nowMs - sinceMs);
    }
    return most;
  }
}
