import { checkWhole } from '../formats/check-whole.ts';
import { COLUMN_TARGETS, type ColumnMapping } from '../formats/table/columns.ts';
import {
  openStockFile,
  type Feed,
  type FileDescription,
  type FileReadOptions,
} from '../formats/stock-file.ts';
import type { JsonLineReader } from '../formats/json/json.ts';
import { FORMAT_LIMITS } from '../formats/limits.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { FileOptions, FileEnd, FileRecord } from '../domain/files.ts';
import type { FailedLine } from '../domain/batches.ts';
import type { CatalogueStaging } from '../store/staging.ts';
import type { BatchStore, Store } from '../store/store.ts';
import type { FileStorage } from './storage.ts';
import type { Intake } from '../intake/intake.ts';

/** What feeds say in the words of the API. */
export interface ResultFormatter {
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
  readonly store: Pick<Store, 'applyCatalogue' | 'sharedGtins' | 'files'> & {
    readonly batches: Pick<
      BatchStore,
      'safetyLimitOf' | 'confirm' | 'failures' | 'find' | 'revert'
    >;
  };
  readonly intake: Pick<Intake, 'submit'>;
  readonly files: FileStorage;
  readonly language: ResultFormatter;
  readonly settings: FeedSettings;
  readonly openStaging: () => CatalogueStaging;
}

/** How the work on a feed ended: it is over, or stopped before it was. */
export type FileJobOutcome = Pick<FileEnd, 'state' | 'problem'> | 'stopped';

/** Why the work on a feed is to stop after the piece under way. */
export type StopReason = 'canceled' | 'lost' | 'closing';

/** One go at a feed. */
export interface FeedGo {
  readonly feed: FileRecord;
  readonly nodeId: string;
  readonly nowMs: number;
  /** Its reason is a `StopReason`. */
  readonly signal: AbortSignal;
}

/** Opens the file of a feed as it was asked to be read; `bytes` are all of it, to be read once. */
export function openFileOf(
  parts: Pick<FeedParts, 'files' | 'language'>,
  feed: FileRecord,
  bytes: AsyncIterable<Uint8Array> = parts.files.read(feed.uuid),
): Promise<Feed> {
  return openStockFile({ bytes, path: parts.files.pathOf(feed.uuid) }, termsOf(parts, feed));
}

/** Rejects where a file is not whole, as far as that can be told before its rows are read. */
export function checkFileOf(
  parts: Pick<FeedParts, 'files' | 'language'>,
  { feed, signal }: FeedGo,
  found: FileDescription,
): Promise<void> {
  const { files } = parts;
  const { uuid } = feed;
  const file = { path: files.pathOf(uuid), read: () => files.read(uuid) };
  return checkWhole(found, file, termsOf(parts, feed), signal);
}

function termsOf(
  { language }: Pick<FeedParts, 'language'>,
  { asked, uploadedAtMs }: FileRecord,
): FileReadOptions {
  return {
    mappings: mappingsOf(asked.mappings),
    limits: FORMAT_LIMITS,
    readJsonLine: language.newJsonLineReader(uploadedAtMs),
  };
}

/** Names that a supplier keeps hold for whichever file has them. */
export function mappingsOf(mappings: FileOptions['mappings']): readonly ColumnMapping[] {
  return mappings.flatMap(({ header, target }) => {
    const known = COLUMN_TARGETS.find((name) => name === target);
    return known === undefined ? [] : [{ header, target: known, isOptional: true }];
  });
}
