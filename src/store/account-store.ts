/** The part of the store contract about organizations, users and tokens (see `store.ts`). */
import type {
  Connection,
  Organization,
  OrganizationToken,
  OrganizationType,
  OrganizationUser,
  Principal,
  SessionLifetimes,
  SessionListing,
  TokenDraft,
  TokenListing,
  User,
  UserChange,
  UserDraft,
  UserListing,
} from '../domain/parties.ts';
import type { Author } from '../domain/audit.ts';
import type { OffsetPage } from './offset-page.ts';

export interface OrganizationQuery extends OffsetPage {
  readonly type?: OrganizationType | undefined;
  /** Part of the name; the case of A to Z is ignored. */
  readonly nameContains?: string | undefined;
}

export interface OrganizationPage {
  readonly totalCount: number;
  readonly organizations: readonly Organization[];
}

export interface OrganizationCounts {
  readonly suppliers: number;
  readonly retailers: number;
  readonly operators: number;
  /** Those of them that are disabled. */
  readonly disabled: number;
}

/** How many things of an organization there are. */
export interface OrganizationCount {
  readonly organizationId: number;
  readonly count: number;
}

/** API tokens of an organization that expire soon. */
export interface ExpiringTokens extends OrganizationCount {
  /** When the last of them expires. */
  readonly latestAtMs: number;
}

export interface TokenPage {
  readonly totalCount: number;
  readonly tokens: readonly OrganizationToken[];
}

export interface UserPage {
  readonly totalCount: number;
  readonly users: readonly OrganizationUser[];
}

export interface AccountStore {
  /** The same accounts; the audit log names this author for what is done with them. */
  by(author: Author): AccountStore;
  /** Also creates the organization's service user. Rejects with `already_exists` if the name is taken. */
  createOrganization(draft: {
    readonly type: OrganizationType;
    readonly name: string;
  }): Promise<Organization>;
  listOrganizations(): Promise<readonly Organization[]>;
  /** Organizations by name. */
  pageOfOrganizations(query: OrganizationQuery): Promise<OrganizationPage>;
  countOrganizations(): Promise<OrganizationCounts>;
  findOrganization(name: string): Promise<Organization | undefined>;
  /** Rejects with `already_exists` if the name is taken. */
  renameOrganization(organizationId: number, name: string): Promise<void>;
  /**
   * Disables an organization, which refuses the logins of its users and all its tokens and stops its webhooks; or
   * enables it again. Resolves with whether it was not in that state yet.
   */
  setOrganizationDisabled(organizationId: number, isDisabled: boolean): Promise<boolean>;
  findOrganizationsByUuid(uuids: readonly string[]): Promise<readonly Organization[]>;
  findOrganizationsById(ids: readonly number[]): Promise<readonly Organization[]>;

  /** Lets a retailer see a supplier's SKUs. Resolves with whether the connection is new. */
  createConnection(supplierId: number, retailerId: number): Promise<boolean>;
  /** Resolves with whether the connection existed. */
  removeConnection(supplierId: number, retailerId: number): Promise<boolean>;
  listConnections(): Promise<readonly Connection[]>;
  /** The suppliers whose SKUs an organization may see: a supplier itself, a retailer its connections, an operator all. */
  visibleSupplierIds(organizationId: number, type: OrganizationType): Promise<readonly number[]>;

  /** Rejects with `already_exists` if the username is taken. */
  createUser(draft: UserDraft): Promise<{ readonly uuid: string }>;
  /** All users, by name; without the users that own tokens created on the command line. */
  listUsers(): Promise<readonly UserListing[]>;
  /** The users of an organization, by name. */
  pageOfUsers(organizationId: number, page: OffsetPage): Promise<UserPage>;
  findUserOf(organizationId: number, uuid: string): Promise<OrganizationUser | undefined>;
  /** Takes effect from the next request, also on tokens of the user that exist already. */
  changeUser(organizationId: number, uuid: string, change: UserChange): Promise<void>;
  /** Whether there is any user who can log in, or could before being disabled. */
  hasUsers(): Promise<boolean>;
  /**
   * Replaces a user's password and ends the tokens of its earlier logins. Webhooks made with them continue. Resolves
   * with whether the user exists.
   *
   * @param passwordHash from `hashPassword`
   */
  setPassword(username: string, passwordHash: string): Promise<boolean>;
  /** Undefined if there is no such user, or the user or its organization is disabled. */
  findUser(username: string): Promise<User | undefined>;
  /**
   * Disables a user, which refuses its logins, its tokens and the webhooks that it made; or enables it again.
   * Resolves with whether the user exists and was not in that state yet.
   */
  setUserDisabled(username: string, isDisabled: boolean): Promise<boolean>;
  /** The user that owns tokens created on the command line. */
  findServiceUser(organizationId: number): Promise<{ readonly id: number }>;

  createToken(draft: TokenDraft): Promise<{ readonly id: number; readonly uuid: string }>;
  listTokens(): Promise<readonly TokenListing[]>;
  /** The API tokens of an organization, the latest first; not those of logins and sessions. */
  pageOfTokens(organizationId: number, page: OffsetPage): Promise<TokenPage>;
  /**
   * How many API tokens of each organization expire in a time, without those that are revoked or disabled with their
   * user or organization, and without organizations that have none. `untilMs` is exclusive.
   */
  expiringTokenCounts(fromMs: number, untilMs: number): Promise<readonly ExpiringTokens[]>;
  findTokenOf(organizationId: number, uuid: string): Promise<OrganizationToken | undefined>;
  /** Takes effect from the next request. Resolves with whether the token existed and was not revoked yet. */
  revokeToken(tokenId: number): Promise<boolean>;
  /** The bearer of a token; undefined if it is unknown, revoked or expired by `nowMs`. */
  findPrincipal(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined>;
  /**
   * Records that tokens were used, all at one time, and puts off the expiry of the sessions among them. Tokens that have
   * expired stay so.
   */
  recordTokenUse(
    tokenIds: readonly number[],
    usedAtMs: number,
    lifetimes: SessionLifetimes,
  ): Promise<void>;
  /** The session that a token belongs to; undefined if it is no session, or has expired by `nowMs`. */
  findSession(tokenId: number, nowMs: number): Promise<SessionListing | undefined>;
  /** The sessions of a user that have not expired by `nowMs`, the latest first. */
  listSessions(userId: number, nowMs: number): Promise<readonly SessionListing[]>;
  /**
   * Ends a session of a user; webhooks made with it continue. Resolves with whether there was such a session that had
   * not expired by `nowMs`.
   */
  endSession(userId: number, uuid: string, nowMs: number): Promise<boolean>;
  /**
   * Deletes at most `limit` sessions that expired before a time; webhooks made with them continue. Resolves with
   * whether more may be left.
   */
  deleteSessions(expiredBeforeMs: number, limit: number): Promise<boolean>;
}
