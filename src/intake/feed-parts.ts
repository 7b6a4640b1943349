import { checkWhole } from '../feeds/checking.ts';
import { COLUMN_TARGETS, type ColumnMapping } from '../feeds/columns.ts';
import { openFeed, type Feed, type FeedDescription, type FeedTerms } from '../feeds/feed.ts';
import type { JsonLineReader } from '../feeds/json.ts';
import { FEED_LIMITS } from '../feeds/limits.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { FeedAsked, FeedEnd, FeedRecord } from '../store/feeds.ts';
import type { CatalogueStaging } from '../store/staging.ts';
import type { BatchStore, FailedLine, Store } from '../store/store.ts';
import type { FeedFiles } from './feed-files.ts';
import type { Intake } from './intake.ts';

/** What feeds say in the words of the API. */
export interface FeedLanguage {
  /** A reader of the lines of one JSON feed. */
  newJsonLineReader(nowMs: number): JsonLineReader;
  /** The message of a line that failed. */
  printFailure(failure: FailedLine): string;
  /** What a line of a dry run would do. */
  printWouldChange(before: Inventory, after: Inventory): string;
}

export interface FeedSettings {
  /** Most rows of a file that is judged as a whole. */
  readonly linesMax: number;
  readonly snapshotBreakerPercent: number;
  readonly snapshotBreakerSkusMin: number;
}

export interface FeedParts {
  readonly store: Pick<Store, 'applyCatalogue' | 'sharedGtins' | 'feeds'> & {
    readonly batches: Pick<BatchStore, 'breakerOf' | 'confirm' | 'failures' | 'find' | 'revert'>;
  };
  readonly intake: Pick<Intake, 'submit'>;
  readonly files: FeedFiles;
  readonly language: FeedLanguage;
  readonly settings: FeedSettings;
  readonly openStaging: () => CatalogueStaging;
}

/** How the work on a feed ended: it is over, or stopped before it was. */
export type FeedOutcome = Pick<FeedEnd, 'state' | 'problem'> | 'stopped';

/** Why the work on a feed is to stop after the piece under way. */
export type StopReason = 'canceled' | 'lost' | 'closing';

/** One go at a feed. */
export interface FeedGo {
  readonly feed: FeedRecord;
  readonly nodeId: string;
  readonly nowMs: number;
  /** Its reason is a `StopReason`. */
  readonly signal: AbortSignal;
}

/** Opens the file of a feed as it was asked to be read; `bytes` are all of it, to be read once. */
export function openFileOf(
  parts: Pick<FeedParts, 'files' | 'language'>,
  feed: FeedRecord,
  bytes: AsyncIterable<Uint8Array> = parts.files.read(feed.uuid),
): Promise<Feed> {
  return openFeed({ bytes, path: parts.files.pathOf(feed.uuid) }, termsOf(parts, feed));
}

/** Rejects where a file is not whole, as far as that can be told before its rows are read. */
export function checkFileOf(
  parts: Pick<FeedParts, 'files' | 'language'>,
  { feed, signal }: FeedGo,
  found: FeedDescription,
): Promise<void> {
  const { files } = parts;
  const { uuid } = feed;
  const file = { path: files.pathOf(uuid), read: () => files.read(uuid) };
  return checkWhole(found, file, termsOf(parts, feed), signal);
}

function termsOf(
  { language }: Pick<FeedParts, 'language'>,
  { asked, uploadedAtMs }: FeedRecord,
): FeedTerms {
  return {
    mappings: mappingsOf(asked.mappings),
    limits: FEED_LIMITS,
    readJsonLine: language.newJsonLineReader(uploadedAtMs),
  };
}

/** Names that a supplier keeps hold for whichever file has them. */
export function mappingsOf(mappings: FeedAsked['mappings']): readonly ColumnMapping[] {
  return mappings.flatMap(({ header, target }) => {
    const known = COLUMN_TARGETS.find((name) => name === target);
    return known === undefined ? [] : [{ header, target: known, isOptional: true }];
  });
}
