import type { Selectable } from 'kysely';
import { v4 as uuidv4 } from 'uuid';
import type {
  OrganizationToken,
  Principal,
  SessionLifetimes,
  SessionListing,
  TokenDraft,
  TokenListing,
} from '../../domain/parties.ts';
import type { ExpiringTokens, OffsetPage, TokenPage } from '../store.ts';
import type { Author } from '../../domain/audit.ts';
import { isUuid } from '../uuids.ts';
import { record } from './audit.ts';
import type { SqlDatabase } from './database.ts';
import { readPermissions, writePermissions, type PrincipalCache } from './principals.ts';
import type { SqlTables } from './tables.ts';

/** Tokens, those of sessions among them. */
export class SqlTokens {
  readonly #database: SqlDatabase;
  readonly #principals: PrincipalCache;

  readonly #author: Author;

  constructor(database: SqlDatabase, principals: PrincipalCache, author: Author) {
    this.#database = database;
    this.#principals = principals;
    this.#author = author;
  }

  async createToken(draft: TokenDraft): Promise<{ readonly id: number; readonly uuid: string }> {
    const { db } = this.#database;
    const uuid = uuidv4();
    const owner = await this.#ownerOf(draft.userId);
    // Without a kind, a user with a name has logged in.
    const isLogin = (draft.kind ?? (owner.username === null ? 'api' : 'login')) !== 'api';
    const insert = db.insertInto('tokens').values({
      token_hash: draft.tokenHash,
      user_id: draft.userId,
      permissions: writePermissions(draft.permissions),
      created_at_ms: Date.now(),
      expires_at_ms: draft.expiresAtMs,
      revoked_at_ms: null,
      kind: draft.kind ?? null,
      uuid,
      name: draft.name ?? null,
      user_agent: draft.client?.userAgent ?? null,
      address: draft.client?.address ?? null,
    });
    await record(this.#database, this.#author, [insert], {
      action: isLogin ? 'session.started' : 'token.created',
      organizationUuid: owner.organizationUuid,
      subject: uuid,
      details: {
        username: owner.username,
        name: draft.name ?? null,
        permissions: draft.permissions,
        expires: draft.expiresAtMs === null ? null : new Date(draft.expiresAtMs).toISOString(),
      },
    });
    return db
      .selectFrom('tokens')
      .select(['id', 'uuid'])
      .where('uuid', '=', uuid)
      .executeTakeFirstOrThrow();
  }

  #ownerOf(userId: number) {
    return this.#database.db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select(['username', 'organizations.uuid as organizationUuid'])
      .where('users.id', '=', userId)
      .executeTakeFirstOrThrow();
  }

  async listTokens(): Promise<readonly TokenListing[]> {
    const rows = await this.#database.db
      .selectFrom('tokens')
      .innerJoin('users', 'users.id', 'tokens.user_id')
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select([
        'tokens.id',
        'organizations.name as organization',
        'users.username',
        'tokens.permissions',
        'tokens.created_at_ms as createdAtMs',
        'tokens.expires_at_ms as expiresAtMs',
        'tokens.revoked_at_ms as revokedAtMs',
      ])
      .orderBy('tokens.id')
      .execute();
    return rows.map((row) => ({
      ...row,
      username: row.username ?? '',
      permissions: readPermissions(row.permissions),
    }));
  }

  async revokeToken(tokenId: number): Promise<boolean> {
    const { db } = this.#database;
    const token = await db
      .selectFrom('tokens')
      .select(['uuid', 'user_id', 'name'])
      .where('id', '=', tokenId)
      .executeTakeFirst();
    if (token === undefined) return false;
    const { username, organizationUuid } = await this.#ownerOf(token.user_id);
    const revoke = db
      .updateTable('tokens')
      .set({ revoked_at_ms: Date.now() })
      .where('id', '=', tokenId)
      .where('revoked_at_ms', 'is', null);
    const isNew = await record(this.#database, this.#author, [revoke], {
      action: 'token.revoked',
      organizationUuid,
      subject: token.uuid,
      details: { username, name: token.name },
    });
    this.#principals.clear();
    return isNew;
  }

  findPrincipal(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined> {
    return this.#principals.find(tokenHash, nowMs);
  }

  async recordTokenUse(
    tokenIds: readonly number[],
    usedAtMs: number,
    { idleMs, absoluteMs }: SessionLifetimes,
  ): Promise<void> {
    if (tokenIds.length === 0) return;
    const { db } = this.#database;
    const idleExpiryMs = usedAtMs + idleMs;
    await this.#database.transact([
      db.updateTable('tokens').set({ last_used_at_ms: usedAtMs }).where('id', 'in', tokenIds),
      db
        .updateTable('tokens')
        .set((token) => ({
          expires_at_ms: token
            .case()
            .when(token('created_at_ms', '<', idleExpiryMs - absoluteMs))
            .then(token('created_at_ms', '+', absoluteMs))
            .else(idleExpiryMs)
            .end(),
        }))
        .where('id', 'in', tokenIds)
        .where('kind', '=', 'session')
        .where('expires_at_ms', '>', usedAtMs),
    ]);
  }

  async listSessions(userId: number, nowMs: number): Promise<readonly SessionListing[]> {
    const rows = await this.#sessions(nowMs)
      .where('user_id', '=', userId)
      .orderBy('id', 'desc')
      .execute();
    return rows.map(sessionOf);
  }

  async findSession(tokenId: number, nowMs: number): Promise<SessionListing | undefined> {
    const row = await this.#sessions(nowMs).where('id', '=', tokenId).executeTakeFirst();
    return row && sessionOf(row);
  }

  #sessions(nowMs: number) {
    return this.#database.db
      .selectFrom('tokens')
      .select(SESSION_COLUMNS)
      .where('kind', '=', 'session')
      .where('revoked_at_ms', 'is', null)
      .where('expires_at_ms', '>', nowMs);
  }

  async endSession(userId: number, uuid: string, nowMs: number): Promise<boolean> {
    if (!isUuid(uuid)) return false;
    const { username, organizationUuid } = await this.#ownerOf(userId);
    const end = this.#database.db
      .updateTable('tokens')
      // Expired, not revoked: webhooks that were made in the session continue. As early as can be: another node, whose
      // clock may be behind, must not take it for a session whose expiry its latest use puts off.
      .set((token) => ({ expires_at_ms: token.ref('created_at_ms') }))
      .where('user_id', '=', userId)
      .where('uuid', '=', uuid)
      .where('kind', '=', 'session')
      .where('expires_at_ms', '>', nowMs);
    const wasOpen = await record(this.#database, this.#author, [end], {
      action: 'session.ended',
      organizationUuid,
      subject: uuid,
      details: { username },
    });
    this.#principals.clear();
    return wasOpen;
  }

  async deleteSessions(expiredBeforeMs: number, limit: number): Promise<boolean> {
    const { db } = this.#database;
    const old = db
      .selectFrom('tokens')
      .select('id')
      .where('kind', '=', 'session')
      .where('expires_at_ms', '<', expiredBeforeMs)
      // SQLite would give the id of the last row to the next token, and webhooks may still have it.
      .where('id', '<', (select) =>
        select.selectFrom('tokens').select((token) => token.fn.max<number>('id').as('id')),
      )
      .limit(limit);
    const { numDeletedRows } = await db
      .deleteFrom('tokens')
      .where('id', 'in', old)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows) >= limit;
  }

  /** API tokens: not those of logins and sessions. */
  #apiTokens() {
    return this.#database.db
      .selectFrom('tokens')
      .innerJoin('users', 'users.id', 'tokens.user_id')
      .where((token) =>
        token.or([
          token('kind', '=', 'api'),
          token.and([token('kind', 'is', null), token('username', 'is', null)]),
        ]),
      );
  }

  #tokensOf(organizationId: number) {
    return this.#apiTokens().where('users.organization_id', '=', organizationId);
  }

  async expiringTokenCounts(fromMs: number, untilMs: number): Promise<readonly ExpiringTokens[]> {
    return this.#apiTokens()
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select((select) => [
        'organization_id as organizationId',
        select.fn.countAll<number>().as('count'),
        select.fn.max<number>('tokens.expires_at_ms').as('latestAtMs'),
      ])
      .where('tokens.expires_at_ms', '>=', fromMs)
      .where('tokens.expires_at_ms', '<', untilMs)
      .where('tokens.revoked_at_ms', 'is', null)
      .where('users.disabled_at_ms', 'is', null)
      .where('organizations.suspended_at_ms', 'is', null)
      .groupBy('organization_id')
      .execute();
  }

  async pageOfTokens(organizationId: number, { start, limit }: OffsetPage): Promise<TokenPage> {
    const [{ count }, rows] = await Promise.all([
      this.#tokensOf(organizationId)
        .select((select) => select.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
      this.#tokensOf(organizationId)
        .select(TOKEN_COLUMNS)
        .orderBy('tokens.id', 'desc')
        .offset(start)
        .limit(limit)
        .execute(),
    ]);
    return { totalCount: count, tokens: rows.map(tokenOf) };
  }

  async findTokenOf(organizationId: number, uuid: string): Promise<OrganizationToken | undefined> {
    if (!isUuid(uuid)) return undefined;
    const row = await this.#tokensOf(organizationId)
      .select(TOKEN_COLUMNS)
      .where('tokens.uuid', '=', uuid)
      .executeTakeFirst();
    return row && tokenOf(row);
  }
}

const SESSION_COLUMNS = [
  'id',
  'uuid',
  'created_at_ms',
  'last_used_at_ms',
  'expires_at_ms',
  'user_agent',
  'address',
] as const;

function sessionOf(
  row: Selectable<Pick<SqlTables['tokens'], (typeof SESSION_COLUMNS)[number]>>,
): SessionListing {
  return {
    id: row.id,
    uuid: row.uuid,
    createdAtMs: row.created_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
    expiresAtMs: row.expires_at_ms ?? Infinity,
    userAgent: row.user_agent,
    address: row.address ?? '',
  };
}

const TOKEN_COLUMNS = [
  'tokens.id as id',
  'tokens.uuid as uuid',
  'tokens.name as name',
  'users.username as username',
  'tokens.permissions as permissions',
  'tokens.created_at_ms as createdAtMs',
  'tokens.expires_at_ms as expiresAtMs',
  'tokens.last_used_at_ms as lastUsedAtMs',
  'tokens.revoked_at_ms as revokedAtMs',
] as const;

function tokenOf(
  row: Omit<OrganizationToken, 'permissions'> & { readonly permissions: string },
): OrganizationToken {
  return { ...row, permissions: readPermissions(row.permissions) };
}
