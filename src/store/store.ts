/**
 * The store contract: what onhand asks of a database. Each body (`sqlite/`, later others) passes the
 * same contract suite, and gives the same answers.
 *
 * Failures: every method rejects with `OnhandError` `store_unavailable` when the database cannot
 * answer or write now (disk full, busy beyond its timeout, closed); nothing is then half done. Any
 * other rejection is a bug.
 */
import type { OnhandError } from '../domain/errors.ts';
import type { Lines } from '../domain/lines.ts';
import type { Organization, OrganizationType, Permission, Principal } from '../domain/parties.ts';
import type { CatalogueEntry, Sku } from '../domain/sku.ts';

export interface Store {
  readonly accounts: AccountStore;
  readonly skus: SkuStore;

  /**
   * Applies batches in the order given, all in one durable transaction. Element *i* of the answer
   * belongs to batch *i*: its outcome, or why the database refused it. Where a group is refused, each
   * of its batches is tried alone, once, so that one cannot fail another.
   *
   * A batch leaves one change for each SKU whose inventory differs after it, numbered by the
   * supplier's gapless sequence, and one batch row, which also says that an unchanged batch came.
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

export const BATCH_SOURCES = ['bulk', 'single', 'create', 'import'] as const;
/** Which way in a batch took. */
export type BatchSource = (typeof BATCH_SOURCES)[number];

interface BatchOrigin {
  readonly supplierId: number;
  readonly source: BatchSource;
  /** Who sent it; null is the operator at the command line. */
  readonly userId: number | null;
}

/** Lines of one supplier that take effect together, in order. */
export interface Batch extends BatchOrigin {
  readonly lines: Lines;
}

export interface BatchOutcome {
  /** For each line: 200 applied, 404 no such SKU, 422 more than one SKU. */
  readonly statuses: Uint16Array;
  /** For each 422 line: the `sku_id`s it could mean, in the order of their creation, at most `CANDIDATES_NAMED_MAX`. */
  readonly candidates: ReadonlyMap<number, readonly string[]>;
}

export interface CatalogueBatch extends BatchOrigin {
  readonly entries: readonly CatalogueEntry[];
  /** What to do with a `sku_id` that exists: `refuse` changes nothing of it. */
  readonly existing: 'update' | 'refuse';
}

export const ENTRY_OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const;
export type EntryOutcome = (typeof ENTRY_OUTCOMES)[number];

export interface CatalogueOutcome {
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
