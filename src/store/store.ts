/**
 * The store contract: what onhand requires of a database. Every implementation (`sqlite/`, `postgres/`) passes
 * the same contract tests and gives the same results.
 *
 * Every method rejects with `OnhandError` `store_unavailable` if the database cannot answer or write now
 * (disk full, busy longer than its timeout, closed); nothing is then half done. Any other rejection is
 * either documented at the method or a bug.
 */
import type { AuditNote } from '../domain/audit.ts';
import type {
  Batch,
  BatchOutcome,
  BatchRecord,
  FailedLine,
  RevertOutcome,
  RevertRequest,
} from '../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome, SharedGtin } from '../domain/catalogue.ts';
import type {
  Change,
  ChangeHead,
  ExpectedReport,
  Freshness,
  HistoryEntry,
} from '../domain/changes.ts';
import type { ReadingRules } from '../domain/reading-rules.ts';
import type { OnhandError } from '../domain/errors.ts';
import type { FileQuota, FileUsage } from '../domain/file-quota.ts';
import type {
  EarlierUpload,
  FileChunk,
  FileDraft,
  FileEnd,
  FileFindings,
  FileOptions,
  FileKey,
  FileLease,
  FilePlace,
  FileProgress,
  FileRecord,
  FileState,
  StoredFile,
} from '../domain/files.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { Author } from '../domain/audit.ts';
import type { AccountStore, OrganizationCount } from './account-store.ts';
import type { AuditStore } from './audit-store.ts';
import type { NotificationStore } from './notification-store.ts';
import type { StoreHealth, StoreMeasures } from './measures.ts';
import type { OffsetPage } from './offset-page.ts';
import type { SafetyLimit } from '../domain/safety-limit.ts';
import type { HourCounts } from '../domain/statistics.ts';
import type { Sku, SkuSortKey } from '../domain/sku.ts';
import type {
  DetailedAttempt,
  Webhook,
  WebhookAttempt,
  WebhookChanges,
  WebhookDraft,
  WebhookPosition,
} from '../domain/webhooks.ts';

export type {
  AccountStore,
  ExpiringTokens,
  OrganizationCount,
  OrganizationCounts,
  OrganizationPage,
  OrganizationQuery,
  TokenPage,
  UserPage,
} from './account-store.ts';
export type { AuditQuery, AuditStore } from './audit-store.ts';
export type { NotificationStore } from './notification-store.ts';
export type { StoreHealth, StoreMeasures, WorkerHealth } from './measures.ts';
export type { OffsetPage };

export interface Store {
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly skus: SkuStore;
  readonly batches: BatchStore;
  readonly changes: ChangeStore;
  readonly webhooks: WebhookStore;
  readonly notifications: NotificationStore;
  readonly files: FileStore;
  /** How to group waiting batches for `apply`. */
  readonly grouping: Grouping;
  /** Reads that another server may answer; undefined if there is none. */
  readonly reads?: ReadSource | undefined;

  /**
   * Applies batches in order, all in one durable transaction. Element *i* of the result belongs to batch
   * *i*: its outcome, or the error that refused it. If the database rejects the group, each batch is
   * tried once by itself, so that one batch cannot fail the others.
   *
   * A batch writes one change per SKU whose inventory differs after it, numbered by the supplier's
   * gapless sequence, and one batch row, even if it changes nothing.
   *
   * A batch is refused as a whole, and writes nothing, with `idempotency_key_reused` if its key came
   * with a different request, `snapshot_refused` if a line's identifiers cannot be read,
   * `breaker_tripped` or `confirmation_invalid`.
   */
  apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]>;

  /** Creates or updates SKUs as one batch, in one durable transaction. No `skuId` may occur twice. */
  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome>;

  /**
   * GTINs greater than `afterGtin` that more than one of the supplier's SKUs hold, in ascending order,
   * with the `sku_id`s that hold each; at most `limit` GTINs.
   */
  sharedGtins(supplierId: number, afterGtin: number, limit: number): Promise<readonly SharedGtin[]>;

  /** Resolves if the store can read and write, even if only for some suppliers; rejects with the reason otherwise. */
  probe(): Promise<StoreHealth>;

  /** How busy the store is. Reads no table and waits for no thread. */
  measure(): Promise<StoreMeasures>;

  /**
   * Tells the database that an import has created this many SKUs, so that it gathers the statistics of
   * tables that grew much. Harmless if it is not called: no statement of the store needs them.
   */
  imported(createdCount: number): Promise<void>;

  /** Finishes what was accepted, then closes. Idempotent. */
  close(): Promise<void>;
}

/** Reads of a database with a copy on another server. */
export interface ReadSource {
  /** A position after everything that has been committed: 16 hexadecimal digits, so that texts compare as positions do. */
  position(): Promise<string>;
  /**
   * Reads that show everything committed before a position; without one, everything that is committed now. A
   * server that shows it in time answers.
   */
  since(position?: string): Promise<Reads>;
}

export interface CurrentReads {
  readonly skus: SkuStore;
  readonly changes: Pick<ChangeStore, 'history' | 'inventoryAt' | 'freshness'>;
}

export interface Reads extends CurrentReads {
  /** What the reads show at least. */
  readonly position: string;
}

/** What commands need of a store that only manage organizations. It opens in a fraction of a `Store`'s time. */
export interface AdminStore {
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly batches: Pick<BatchStore, 'safetyLimitOf' | 'setSafetyLimit'>;
  readonly changes: Pick<ChangeStore, 'expectedIntervals' | 'setExpectedInterval'>;
  close(): Promise<void>;
}

export interface Grouping {
  /**
   * Whether a group may hold batches of several suppliers. If not, each group belongs to one supplier,
   * and a supplier's groups run one after another.
   */
  readonly isShared: boolean;
  /** How many groups to run concurrently. */
  readonly groupsMax: number;
}

/** Batches that were applied. A supplier's batches are visible only under its own `supplierId`. */
export interface BatchStore {
  list(supplierId: number, page: OffsetPage): Promise<BatchPage>;
  find(supplierId: number, uuid: string): Promise<BatchRecord | undefined>;
  /** The failed lines of a batch, in order; undefined if there is no such batch or they have been deleted. */
  failures(supplierId: number, uuid: string): Promise<readonly FailedLine[] | undefined>;
  /** Whether a chunk of one of the supplier's files is recorded with this batch. */
  isOfFile(supplierId: number, uuid: string): Promise<boolean>;
  /**
   * Reverts every SKU whose last change is the batch's, as one batch in one durable transaction. Retires the SKUs that
   * the batch created, and puts back the products that it changed, where no later batch has written them.
   * Undefined if there is no such batch.
   */
  revert(request: RevertRequest): Promise<RevertOutcome | undefined>;
  /**
   * Allows a batch that exceeded the safety limit, once and until `expiresAtMs`. Resolves with the code to
   * send with it.
   */
  confirm(supplierId: number, fingerprint: Uint8Array, expiresAtMs: number): Promise<string>;
  /** The supplier's own safety limit; null if it has none. */
  safetyLimitOf(supplierId: number): Promise<SafetyLimit | null>;
  /** Null removes the supplier's own limit. */
  setSafetyLimit(supplierId: number, limit: SafetyLimit | null, author?: Author): Promise<void>;
  /** What suppliers sent, by hour and source; without hours in which they sent nothing. */
  hourCounts(query: HourCountsQuery): Promise<readonly HourCounts[]>;
  /** When each supplier that is expected to report last did, without those that are disabled. Reads one row each. */
  expectedReports(): Promise<readonly ExpectedReport[]>;
  /** Deletes expired rows, at most `limit` per table. Resolves with whether more are left. */
  sweep(times: SweepTimes, limit: number): Promise<boolean>;
  /**
   * Deletes failed lines, and effects that are kept with idempotency keys, of suppliers that have more of both stored
   * than their quota: the oldest first, at most `limit` of them. Those of files are neither counted nor deleted.
   * Resolves with whether more may be left.
   */
  trimResults(quota: ResultsQuota, limit: number): Promise<boolean>;
}

export interface ResultsQuota {
  /** For each supplier, as stored. */
  readonly bytesMax: number;
  /** All suppliers, if not given. */
  readonly supplierId?: number;
}

export interface BatchPage {
  readonly totalCount: number;
  /** The latest first. */
  readonly batches: readonly BatchRecord[];
  readonly hasMore: boolean;
}

export interface HourCountsQuery {
  /** Their counts are added up. */
  readonly supplierIds: readonly number[];
  /** In hours since 1970-01-01T00:00Z; `untilHour` is exclusive. */
  readonly fromHour: number;
  readonly untilHour: number;
}

export interface SweepTimes {
  /** Idempotency keys and confirmations that expired by then are deleted. */
  readonly nowMs: number;
  /** Failed lines of batches applied before this time are deleted, and how to undo what they did to products. */
  readonly failuresBeforeMs: number;
  /** Statistics of hours before this time are deleted; undefined keeps all. */
  readonly countsBeforeMs?: number;
}

/** Changes, for their readers. The caller checks which suppliers a reader may see: no method does. */
export interface ChangeStore {
  /**
   * The range of each supplier's changes. Omits suppliers that do not exist, and, if it can read others, those whose rows
   * cannot be read now.
   */
  heads(supplierIds: readonly number[]): Promise<ReadonlyMap<number, ChangeHead>>;
  /** A supplier's changes after a sequence, in order, at most `limit`. */
  read(supplierId: number, afterSequence: number, limit: number): Promise<readonly Change[]>;
  /** The changes of one SKU, the latest first; undefined if none of `supplierIds` has that SKU. */
  history(query: HistoryQuery): Promise<readonly HistoryEntry[] | undefined>;
  /**
   * A SKU's inventory at a point in time; undefined if none of `supplierIds` has that SKU. Rejects with
   * `history_expired` if the changes of that time have been deleted.
   */
  inventoryAt(
    supplierIds: readonly number[],
    skuUuid: string,
    atMs: number,
  ): Promise<{ readonly inventory: Inventory; readonly changedAtMs: number | null } | undefined>;
  freshness(supplierId: number, nowMs: number): Promise<Freshness>;
  /** How often each supplier is expected to report, in minutes; null if it is not. */
  expectedIntervals(): Promise<ReadonlyMap<number, number | null>>;
  /** Sets how often the supplier is expected to report; null removes the expectation. */
  setExpectedInterval(supplierId: number, minutes: number | null, author?: Author): Promise<void>;
  /**
   * Deletes changes of batches applied before `beforeMs`, about `limit` at most, and keeps the inventory
   * that they left as each SKU's baseline. Resolves with whether more are left.
   */
  dropBefore(beforeMs: number, limit: number): Promise<boolean>;
  /** This database's secret, shared by every server of it: at least 32 random bytes. */
  secretKey(): Promise<Uint8Array>;
}

export interface HistoryQuery {
  readonly supplierIds: readonly number[];
  readonly skuUuid: string;
  /** Only changes made at or after this time; null is unbounded. */
  readonly fromMs: number | null;
  /** Only changes made before this time; null is unbounded. */
  readonly toMs: number | null;
  /** Only changes before this sequence; null starts at the latest. */
  readonly beforeSequence: number | null;
  readonly limit: number;
}

/**
 * Reads SKUs of `supplierIds`, the suppliers that the caller may see, and of no other supplier. Retired SKUs are not
 * found.
 */
export interface SkuStore {
  find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined>;
  /** A page, and how many SKUs match in all. Counting those of a filter reads every SKU of the suppliers. */
  list(query: SkuQuery): Promise<SkuPage>;
  /** As `list`, without counting. */
  page(query: SkuQuery): Promise<Omit<SkuPage, 'totalCount'>>;
}

export interface SkuFilter {
  readonly skuId?: string;
  /** What the title begins with; the case of A to Z is ignored, that of other letters is not. */
  readonly titlePrefix?: string;
  /** Matches a beginning of the `sku_id` or the title, whatever the case of A to Z, or one of these GTINs. */
  readonly search?: { readonly text: string; readonly gtins: readonly number[] };
  /** The SKU must hold every one of these GTINs. */
  readonly gtins?: readonly number[];
  /** A restriction's code; null selects unrestricted SKUs. */
  readonly restrictions?: number | null;
  /** Only SKUs with any change since, in milliseconds since 1970-01-01T00:00Z. */
  readonly updatedSinceMs?: number;
  /** Bounds of the quantity in stock, inclusive; an unknown quantity matches neither. */
  readonly quantityInStockMin?: number;
  readonly quantityInStockMax?: number;
}

export interface SkuQuery {
  readonly supplierIds: readonly number[];
  readonly filter: SkuFilter;
  /** Undefined: by supplier, then by creation. */
  readonly sort?: SkuSort | undefined;
  /** Where the page begins: at an offset, or after a SKU (null: at the first). */
  readonly from:
    | { readonly start: number }
    | {
        readonly afterUuid: string | null;
        /** In a sorted list, that SKU's sort value when it was read. It may have changed since. */
        readonly afterValue?: string | number | null;
      };
  readonly limit: number;
}

export interface SkuSort {
  readonly by: SkuSortKey;
  readonly isDescending: boolean;
  /**
   * No index holds inventory, because every update would have to write it too. So a page of another order than that of
   * `sku_id` reads each SKU of the suppliers. If they have more SKUs than this, it rejects with `parameter_invalid`.
   */
  readonly skusMax: number;
}

export interface SkuPage {
  readonly totalCount: number;
  readonly skus: readonly Sku[];
  readonly hasMore: boolean;
}

export interface FileStore {
  /**
   * Adds a file whose bytes are stored durably. Resolves with its uuid, or with the uuid of the earlier
   * upload if the idempotency key repeats it. Rejects with `idempotency_key_reused` if the key came with
   * a different upload, and as `fileQuotaProblem` if the supplier's stored files would exceed the quota;
   * concurrent calls cannot pass it.
   */
  add(draft: FileDraft, quota: FileQuota): Promise<string>;
  /** The upload that came with this idempotency key since a time. */
  withKey(
    supplierId: number,
    key: Pick<FileKey, 'key' | 'usedSinceMs'>,
  ): Promise<EarlierUpload | undefined>;
  usage(supplierId: number): Promise<FileUsage>;
  /** Files of all suppliers that wait or are being applied, and the bytes of all that are stored. */
  totals(): Promise<{ readonly openFiles: number; readonly storedBytes: number }>;
  /** How many files of each supplier are held, without those that have none. */
  heldCounts(): Promise<readonly OrganizationCount[]>;
  list(supplierId: number, query: FileListQuery): Promise<FilePage>;
  find(supplierId: number, uuid: string): Promise<FileRecord | undefined>;
  /** Chunks from number `from` on, in order, at most `limit`. */
  pieces(place: FilePlace, from: number, limit: number): Promise<readonly FileChunk[]>;

  /** The first open file of each supplier that has one and whose rows can be read now, the oldest upload first. */
  next(): Promise<readonly FileRecord[]>;
  /** Takes or renews the lease of an open file. Undefined if another node holds it, or it is not open. */
  claim(place: FilePlace, claim: FileLease): Promise<FileRecord | undefined>;
  /** Renews a lease. */
  keep(place: FilePlace, claim: FileLease): Promise<'held' | 'lost' | 'cancel_asked'>;
  /** Like `record` and `end`, has no effect if the node has lost its lease. */
  describe(place: FilePlace, nodeId: string, found: FileFindings): Promise<void>;
  record(
    place: FilePlace,
    nodeId: string,
    piece: FileChunk | null,
    progress: FileProgress & {
      readonly rowsExpected: number | null;
      /** The size of the reports that were stored beside the file. */
      readonly reportBytes?: number;
    },
  ): Promise<void>;
  end(place: FilePlace, nodeId: string, end: FileEnd): Promise<void>;

  /** Cancels a waiting or held file immediately; one that is being applied stops after its current chunk. */
  cancel(place: FilePlace, nowMs: number): Promise<void>;
  /**
   * Resumes a held file: with options that answer its questions, or with leave to exceed the safety limit
   * (`exceed`). Resolves with whether it was held.
   */
  confirm(place: FilePlace, answer: FileOptions | 'exceed'): Promise<boolean>;

  /** How the supplier's files are read, unless their senders say otherwise. */
  rulesOf(supplierId: number): Promise<ReadingRules>;
  /**
   * Changes the rules, without losing a change that is made at the same time. Resolves with the new ones.
   *
   * @param change returns the new rules; it may be called several times
   */
  changeRules(
    supplierId: number,
    change: (before: ReadingRules) => ReadingRules,
    author?: Author,
  ): Promise<ReadingRules>;

  /** Finished files, started or refused before a time, whose bytes are still stored; at most `limit`. */
  expired(times: FileSweepTimes, limit: number): Promise<readonly FileRecord[]>;
  /** Records that the bytes were deleted, and deletes the file's failed lines. */
  drop(place: FilePlace): Promise<void>;
  /** The suppliers' files with these uuids that must be kept. A uuid is unique per supplier only. */
  kept(uuids: readonly string[]): Promise<readonly StoredFile[]>;
}

export interface FileListQuery extends OffsetPage {
  /** Only files in this state. */
  readonly state?: FileState | undefined;
}

export interface FileSweepTimes {
  readonly startedBeforeMs: number;
  /** For refused files, by when they were refused. */
  readonly refusedBeforeMs: number;
}

export interface FilePage {
  readonly totalCount: number;
  /** The latest first. */
  readonly files: readonly FileRecord[];
  readonly hasMore: boolean;
}

export interface WebhookStore {
  /** Undefined if the organization has `limit` webhooks already, however many are created at the same time. */
  create(draft: WebhookDraft, limit: number): Promise<Webhook | undefined>;
  /** An organization's webhooks, the oldest first. */
  list(organizationId: number): Promise<readonly Webhook[]>;
  find(organizationId: number, uuid: string): Promise<Webhook | undefined>;
  update(id: number, changes: WebhookChanges, note?: AuditNote): Promise<void>;
  /** Records that the webhook's URL answered 2xx, unless the webhook has another URL by now. */
  verify(id: number, url: string, atMs: number): Promise<void>;
  /** Also removes its positions and attempts. */
  remove(id: number, note?: AuditNote): Promise<void>;

  /** Webhooks of all organizations that are not paused, and whose creators have not lost their access. */
  active(): Promise<readonly Webhook[]>;
  /** All other webhooks: those that are paused, or whose creators have lost their access. */
  paused(): Promise<readonly Webhook[]>;
  positions(webhookIds: readonly number[]): Promise<readonly WebhookPosition[]>;
  /** Starts following a supplier's changes after a sequence. No effect if it is followed already. */
  follow(webhookId: number, supplierId: number, sequence: number): Promise<void>;
  unfollow(webhookId: number, supplierId: number): Promise<void>;
  /** Replaces the position if its version is still current. Resolves with whether it was. */
  exchange(position: WebhookPosition): Promise<boolean>;

  /** Keeps only the latest `keptMax` of the webhook. */
  logAttempt(webhookId: number, attempt: DetailedAttempt, keptMax: number): Promise<void>;
  /** The latest first. */
  attempts(webhookId: number): Promise<readonly WebhookAttempt[]>;
  /** The attempts to deliver one message, the latest first. */
  attemptsOf(webhookId: number, messageId: string): Promise<readonly DetailedAttempt[]>;
}
