/**
 * The store contract: what onhand asks of a database. Each body (`sqlite/`, later others) passes the
 * same contract suite, and gives the same answers.
 *
 * Failures: every method rejects with `OnhandError` `store_unavailable` when the database cannot
 * answer or write now (disk full, busy beyond its timeout, closed); nothing is then half done. Any
 * other rejection is a bug.
 */
import type { SafetyLimit } from '../domain/safety-limit.ts';
import type { Change } from '../domain/changes.ts';
import type { OnhandError } from '../domain/errors.ts';
import type { Inventory } from '../domain/inventory.ts';
import type { Lines } from '../domain/lines.ts';
import type { Organization, OrganizationType, Permission, Principal } from '../domain/parties.ts';
import type { CatalogueEntry } from '../domain/catalogue.ts';
import type { Sku } from '../domain/sku.ts';
import type { FailedLine, LineDetail } from './failed-line.ts';
import type { FileStore } from './files.ts';
import type { WebhookStore } from './webhooks.ts';

export type { FailedLine, LineDetail };

export interface Store {
  readonly accounts: AccountStore;
  readonly skus: SkuStore;
  readonly batches: BatchStore;
  readonly changes: ChangeStore;
  readonly webhooks: WebhookStore;
  readonly feeds: FileStore;
  /** How batches that wait are best put together for `apply`. */
  readonly grouping: Grouping;

  /**
   * Applies batches in the order given, all in one durable transaction. Element *i* of the answer
   * belongs to batch *i*: its outcome, or why the database refused it. Where a group is refused, each
   * of its batches is tried alone, once, so that one cannot fail another.
   *
   * A batch leaves one change for each SKU whose inventory differs after it, numbered by the
   * supplier's gapless sequence, and one batch row, which also says that an unchanged batch came.
   *
   * A batch may be refused whole, nothing of it then done: `idempotency_key_reused` for a key that came
   * with another request, `snapshot_refused` where a line does not tell which SKU it means,
   * `breaker_tripped`, `confirmation_invalid`.
   */
  apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]>;

  /**
   * Creates or refreshes SKUs: one batch, one durable transaction. No `skuId` may come twice in it.
   */
  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome>;

  /**
   * GTINs that more than one SKU of the supplier holds, with the `sku_id`s that hold each, in
   * ascending order of GTIN; `afterGtin` and `limit` page through them.
   */
  sharedGtins(supplierId: number, afterGtin: number, limit: number): Promise<readonly SharedGtin[]>;

  /** Resolves when the store answers and can write; rejects with the reason otherwise. */
  probe(): Promise<void>;

  /** Finishes what was accepted, then closes. Idempotent. */
  close(): Promise<void>;
}

export interface Grouping {
  /** Whether suppliers share groups; else each group is of one, and a supplier's groups come one by one. */
  readonly isShared: boolean;
  /** How many groups are worth having under way. */
  readonly groupsMax: number;
}

export const BATCH_SOURCES = [
  'bulk',
  'single',
  'create',
  'import',
  'file',
  'revert',
  'stream',
] as const;
/** Which way in a batch took. */
export type BatchSource = (typeof BATCH_SOURCES)[number];

export interface BatchOrigin {
  readonly supplierId: number;
  readonly source: BatchSource;
  /** Who sent it; null is the operator at the command line. */
  readonly userId: number | null;
  /** Why it was sent, and what the sender calls it, in the sender's words. */
  readonly reason?: string;
  readonly reference?: string;
}

/** Lines of one supplier that take effect together, in order. */
export interface Batch extends BatchOrigin {
  readonly lines: Lines;
  readonly terms?: BatchOptions;
}

/** What a batch asks for beyond each line's own success or failure. */
export interface BatchOptions {
  /** Decides and writes nothing. */
  readonly dryRun?: boolean;
  /** Applies no line if any fails. */
  readonly atomic?: boolean;
  /** Takes the supplier's SKUs that no line names to zero, unless one is known as of later than this. */
  readonly snapshot?: {
    /** Microseconds since 1970-01-01T00:00Z; null is the time of its arrival. */
    readonly asOfUs: number | null;
    /** For suppliers that have no breaker of their own. */
    readonly defaultSafetyLimit: SafetyLimit;
  };
  /** Tells what each line did. */
  readonly withEffects?: boolean;
  readonly idempotency?: IdempotencyKey;
  /** Lets a batch through that the breaker refused. */
  readonly confirmation?: Confirmation;
}

export interface IdempotencyKey {
  /** The client's, of the supplier's alone. */
  readonly key: string;
  /** A hash of all that makes two requests the same. */
  readonly fingerprint: Uint8Array;
  /** What the first reply called its request: a repeated failure of a single line calls it the same. */
  readonly requestId: string;
  readonly expiresAtMs: number;
}

export interface Confirmation {
  readonly code: string;
  /** A hash of the body that it lets through. */
  readonly fingerprint: Uint8Array;
}

export interface BatchOutcome {
  /** Null where nothing was written: a dry run. */
  readonly uuid: string | null;
  /** For each line: 200 applied, 400 refused before, 404 no such SKU, 412, 422 or 424 by its detail. */
  readonly statuses: Uint16Array;
  readonly details: ReadonlyMap<number, LineDetail>;
  /** What each line that applies did, where that was asked for. */
  readonly effects: ReadonlyMap<number, LineEffect>;
  /** How many SKUs a snapshot took to zero that it did not name. */
  readonly zeroedCount: number;
  /** The request id of the first reply, where the key was used before and this repeats its outcome. */
  readonly repeats: string | null;
}

export interface LineEffect {
  readonly skuUuid: string;
  readonly before: Inventory;
  readonly after: Inventory;
  /** Of the change that the batch made of the SKU; null where it left it as it was, or in a dry run. */
  readonly sequence: number | null;
}

/** A batch as it is told of later. */
export interface BatchRecord {
  readonly uuid: string;
  readonly number: number;
  readonly source: BatchSource;
  readonly username: string | null;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly appliedAtMs: number;
  /** How long deciding and writing took. */
  readonly durationMs: number;
  readonly lineCount: number;
  /** How many lines were answered with each status. */
  readonly statusCounts: Readonly<Record<string, number>>;
  /** SKUs changed: each has one change, numbered from `firstSequence` on. */
  readonly changedCount: number;
  readonly firstSequence: number | null;
  readonly zeroedCount: number;
  /** The batch that this one puts back. */
  readonly revertsUuid: string | null;
}

export interface BatchPage {
  readonly totalCount: number;
  /** The latest first. */
  readonly batches: readonly BatchRecord[];
  readonly hasMore: boolean;
}

/** Batches that were applied. `supplierId` is whose they are: of no other is anything told. */
export interface BatchStore {
  list(
    supplierId: number,
    query: { readonly start: number; readonly limit: number },
  ): Promise<BatchPage>;
  find(supplierId: number, uuid: string): Promise<BatchRecord | undefined>;
  /** The failing lines of a batch, in order; undefined where they are not kept any more. */
  failures(supplierId: number, uuid: string): Promise<readonly FailedLine[] | undefined>;
  /**
   * Puts back every SKU whose last change is the batch's: one batch, one durable transaction. Undefined
   * where there is no such batch.
   */
  revert(request: RevertRequest): Promise<RevertOutcome | undefined>;
  /** Lets a batch that the breaker refused through once, until then; gives the code to send with it. */
  confirm(supplierId: number, fingerprint: Uint8Array, expiresAtMs: number): Promise<string>;
  safetyLimitOf(supplierId: number): Promise<SafetyLimit | null>;
  /** Null leaves it to the defaults. */
  setBreaker(supplierId: number, breaker: SafetyLimit | null): Promise<void>;
  /** Drops what is kept for a time only, at most `limit` rows of a kind; says whether more is left. */
  sweep(times: SweepTimes, limit: number): Promise<boolean>;
}

/** Changes, for those who read them. Whom a reader may be told of is asked before: every id given is looked at. */
export interface ChangeStore {
  /** How far suppliers are; those that do not exist are left out. */
  heads(supplierIds: readonly number[]): Promise<ReadonlyMap<number, ChangeHead>>;
  /** A supplier's changes after that one, in order, at most `limit`. */
  read(supplierId: number, afterSequence: number, limit: number): Promise<readonly Change[]>;
  /** The changes of one SKU, the latest first; undefined where there is no such SKU among `supplierIds`. */
  history(query: HistoryQuery): Promise<readonly Change[] | undefined>;
  /**
   * What was known of a SKU at a time: undefined where there is no such SKU among `supplierIds`. Rejects
   * with `history_expired` where the changes of that time are no longer kept.
   */
  inventoryAt(
    supplierIds: readonly number[],
    skuUuid: string,
    atMs: number,
  ): Promise<{ readonly inventory: Inventory; readonly changedAtMs: number | null } | undefined>;
  freshness(supplierId: number, nowMs: number): Promise<Freshness>;
  /** How often a supplier is to be heard, in minutes; null where nothing is expected. */
  setExpectedInterval(supplierId: number, minutes: number | null): Promise<void>;
  /**
   * Drops changes of batches applied before, at most about `limit` at a time, and keeps of each SKU what
   * they left; says whether more are left.
   */
  dropBefore(beforeMs: number, limit: number): Promise<boolean>;
  /** Of this database alone, and the same for all who serve it: at least 32 random bytes. */
  secretKey(): Promise<Uint8Array>;
}

export interface ChangeHead {
  /** Of its last change; 0 where there is none yet. */
  readonly lastSequence: number;
  /** Of the first change that is still kept; `lastSequence` + 1 where none is. */
  readonly oldestSequence: number;
}

export interface HistoryQuery {
  readonly supplierIds: readonly number[];
  readonly skuUuid: string;
  /** Only changes made from then on, and before; null is no bound. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Only changes before this sequence; null begins at the latest. */
  readonly beforeSequence: number | null;
  readonly limit: number;
}

/** How recent what a supplier says is. */
export interface Freshness {
  /** When its last batch came; null where none did. */
  readonly lastHeardAtMs: number | null;
  readonly expectedIntervalMinutes: number | null;
  /** SKUs by how long ago a line said what they hold, changed or not: so many up to each age, the rest older. */
  readonly skusByAge: readonly { readonly ageMsMax: number | null; readonly count: number }[];
}

/** The ages by which SKUs are counted: an hour, a day, a week, four weeks. */
export const FRESHNESS_AGES_MS: readonly number[] = [1, 24, 7 * 24, 28 * 24].map(
  (hours) => hours * 3_600_000,
);

export interface SweepTimes {
  readonly nowMs: number;
  /** Failing lines of batches applied before are dropped. */
  readonly failuresBeforeMs: number;
}

export interface RevertRequest extends Omit<BatchOrigin, 'source'> {
  readonly uuid: string;
  /** Puts back what a later batch has confirmed, too. */
  readonly force: boolean;
  readonly dryRun: boolean;
  /**
   * The uuids of batches that are put back together with this one, the last first: what they have changed
   * or confirmed stands in the way of none of them.
   */
  readonly among?: readonly string[];
}

export interface RevertOutcome {
  /** Null for a dry run, and where there was nothing to put back. */
  readonly uuid: string | null;
  /** What became of each SKU that the batch had changed, in the order of its changes. */
  readonly skus: readonly {
    readonly skuId: string;
    readonly outcome: 'reverted' | 'moved_on' | 'confirmed';
  }[];
}

export interface CatalogueBatch extends BatchOrigin {
  readonly entries: readonly CatalogueEntry[];
  /** What to do with a `sku_id` that exists: `refuse` changes nothing of it. */
  readonly existing: 'update' | 'refuse';
}

export const ENTRY_OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const;
export type EntryOutcome = (typeof ENTRY_OUTCOMES)[number];

export interface CatalogueOutcome {
  /** The batch; null where every entry was refused, so that there was nothing to write. */
  readonly batchUuid: string | null;
  /** For each entry, what became of it, and the uuid of its SKU. */
  readonly entries: readonly { readonly outcome: EntryOutcome; readonly uuid: string }[];
}

export interface SharedGtin {
  readonly gtin: number;
  readonly skuIds: readonly string[];
}

/** What a check of a database found (`inspect.ts` of each body). */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** What was found; for a failed check, what is wrong and where. */
  readonly detail: string;
}

/** Reads of SKUs. `supplierIds` are the suppliers that the asker may see: nothing else is looked at. */
export interface SkuStore {
  /** The SKU of that uuid, or undefined where there is none among `supplierIds`. */
  find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined>;
  /** SKUs ordered by supplier, then creation. */
  list(query: SkuQuery): Promise<SkuPage>;
}

export interface SkuFilter {
  readonly skuId?: string;
  /** GTINs that the SKU must hold, all of them. */
  readonly gtins?: readonly number[];
  /** A restriction's code; null asks for unrestricted SKUs. */
  readonly restrictions?: number | null;
  /** Only SKUs of which anything changed since, in milliseconds since 1970-01-01T00:00Z. */
  readonly updatedSinceMs?: number;
  /** Bounds of what is in stock, inclusive; unknown stock is within none. */
  readonly quantityInStockMin?: number;
  readonly quantityInStockMax?: number;
}

export interface SkuQuery {
  readonly supplierIds: readonly number[];
  readonly filter: SkuFilter;
  /** Where the page begins: so many SKUs on, or behind a SKU (null: at the first). */
  readonly from: { readonly start: number } | { readonly afterUuid: string | null };
  readonly limit: number;
}

export interface SkuPage {
  readonly totalCount: number;
  readonly skus: readonly Sku[];
  /** Whether more follow. */
  readonly hasMore: boolean;
}

export interface AccountStore {
  /** Rejects with `already_exists` where the name is taken. Makes the organization's service user too. */
  createOrganization(draft: {
    readonly type: OrganizationType;
    readonly name: string;
  }): Promise<Organization>;
  listOrganizations(): Promise<readonly Organization[]>;
  findOrganization(name: string): Promise<Organization | undefined>;
  findOrganizationsByUuid(uuids: readonly string[]): Promise<readonly Organization[]>;
  findOrganizationsById(ids: readonly number[]): Promise<readonly Organization[]>;

  /** Lets a retailer see a supplier's SKUs; says whether that is new. */
  createConnection(supplierId: number, retailerId: number): Promise<boolean>;
  /** Says whether there was one. */
  removeConnection(supplierId: number, retailerId: number): Promise<boolean>;
  listConnections(): Promise<readonly Connection[]>;
  /** The suppliers whose SKUs this organization sees: a supplier itself, a retailer its connections. */
  visibleSupplierIds(organizationId: number, type: OrganizationType): Promise<readonly number[]>;

  /** Rejects with `already_exists` where the username is taken. */
  createUser(draft: UserDraft): Promise<{ readonly uuid: string }>;
  findUser(username: string): Promise<User | undefined>;
  /** The user that tokens made on the command line belong to. */
  findServiceUser(organizationId: number): Promise<{ readonly id: number }>;

  createToken(draft: TokenDraft): Promise<{ readonly id: number }>;
  listTokens(): Promise<readonly TokenListing[]>;
  /** Holds from the next request on; says whether there was such a token, not yet revoked. */
  revokeToken(tokenId: number): Promise<boolean>;
  /** Whose token this is, unless unknown, expired by `nowMs`, or revoked. */
  findPrincipal(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined>;
}

export interface Connection {
  readonly supplier: string;
  readonly retailer: string;
  readonly createdAtMs: number;
}

export interface UserDraft {
  readonly organizationId: number;
  readonly username: string;
  /** As made by `hashPassword`. */
  readonly passwordHash: string;
  readonly permissions: readonly Permission[];
}

export interface User {
  readonly id: number;
  readonly uuid: string;
  readonly passwordHash: string;
  readonly permissions: readonly Permission[];
  readonly organization: Organization;
}

export interface TokenDraft {
  readonly userId: number;
  /** As made by `hashToken`. */
  readonly tokenHash: Uint8Array;
  readonly permissions: readonly Permission[];
  /** Milliseconds since 1970-01-01T00:00Z; null lives until revoked. */
  readonly expiresAtMs: number | null;
}

export interface TokenListing {
  readonly id: number;
  readonly organization: string;
  readonly username: string;
  readonly permissions: readonly Permission[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}
