import { hash } from 'node:crypto';
import type { Cursor } from './cursor.ts';

/** How readers get changes: page by page, or as a stream. */
export type FeedConsumer = 'page' | 'stream';

/** How long a reader that stopped before it had read everything is remembered. */
const REMEMBERED_MS = 15 * 60_000;
/** The most readers of each kind that are remembered. Beyond it, those that read the longest ago are forgotten. */
const READERS_MAX = 10_000;

interface Behind {
  readonly organizationId: number;
  /** When the oldest change was made that the reader may not have read. */
  readonly sinceMs: number;
  readonly readAtMs: number;
}

/** What a reader has read. */
export interface FeedRead {
  readonly organizationId: number;
  /** The cursor that it read from, and the one that it got. */
  readonly from: Cursor;
  readonly to: Cursor;
  /** When the last change was made that it has read; null if it has read all. */
  readonly behindSinceMs: number | null;
  readonly nowMs: number;
}

/** How far the readers of the change feed are behind, as their latest reads show it. */
export class FeedLag {
  /**
   * Those whose latest read left something, by organization and cursor: a reader resumes at the cursor that it got, and an
   * organization may have several, of which one has read everything and another has not.
   */
  readonly #behind: Readonly<Record<FeedConsumer, Map<string, Behind>>> = {
    page: new Map(),
    stream: new Map(),
  };

  note(consumer: FeedConsumer, { organizationId, from, to, behindSinceMs, nowMs }: FeedRead): void {
    const behind = this.#behind[consumer];
    behind.delete(keyOf(organizationId, from));
    if (behindSinceMs === null) return;
    behind.set(keyOf(organizationId, to), {
      organizationId,
      sinceMs: behindSinceMs,
      readAtMs: nowMs,
    });
    const [oldest] = behind.keys();
    if (behind.size > READERS_MAX && oldest !== undefined) behind.delete(oldest);
  }

  /** By organization: how long its reader that is furthest behind has had changes to read, in ms. */
  lagsMs(consumer: FeedConsumer, nowMs: number): ReadonlyMap<number, number> {
    const lags = new Map<number, number>();
    for (const [key, { organizationId, sinceMs, readAtMs }] of this.#behind[consumer]) {
      if (nowMs - readAtMs > REMEMBERED_MS) this.#behind[consumer].delete(key);
      else lags.set(organizationId, Math.max(lags.get(organizationId) ?? 0, nowMs - sinceMs));
    }
    return lags;
  }
}

/** A hash, since a cursor may have kilobytes. */
function keyOf(organizationId: number, { sequences }: Cursor): string {
  return hash('sha256', `${organizationId} ${[...sequences].flat().join(' ')}`, 'base64');
}
