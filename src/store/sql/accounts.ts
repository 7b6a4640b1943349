import { v4 as uuidv4 } from 'uuid';
import { OnhandError } from '../../domain/errors.ts';
import {
  PERMISSIONS_OF_TYPE,
  type Organization,
  type OrganizationType,
  type Permission,
  type Principal,
  type Connection,
  type SessionLifetimes,
  type SessionListing,
  type TokenDraft,
  type TokenListing,
  type User,
  type UserDraft,
  type UserListing,
} from '../../domain/parties.ts';
import type { AccountStore } from '../store.ts';
import { readPermissions, type PrincipalCache } from './principals.ts';
import { isUuid } from '../uuids.ts';
import type { SqlDatabase } from './database.ts';

/** Organizations, connections, users and tokens. */
export class SqlAccounts implements AccountStore {
  readonly #database: SqlDatabase;
  readonly #principals: PrincipalCache;

  constructor(database: SqlDatabase, principals: PrincipalCache) {
    this.#database = database;
    this.#principals = principals;
  }

  async createOrganization(draft: {
    readonly type: OrganizationType;
    readonly name: string;
  }): Promise<Organization> {
    const { db } = this.#database;
    const uuid = uuidv4();
    const createdAtMs = Date.now();
    const organizationId = db
      .selectFrom('organizations')
      .select('organizations.id')
      .where('uuid', '=', uuid);
    const statements = [
      db.insertInto('organizations').values({ uuid, ...draft, created_at_ms: createdAtMs }),
      db.insertInto('users').values({
        uuid: uuidv4(),
        organization_id: organizationId,
        username: null,
        password_hash: null,
        permissions: writePermissions(PERMISSIONS_OF_TYPE[draft.type]),
        created_at_ms: createdAtMs,
      }),
    ];
    const supplier = db.insertInto('suppliers').columns(['id']).expression(organizationId);
    await this.#refuseDuplicate(
      `The name "${draft.name}" is taken by another organization.`,
      this.#database.transact(draft.type === 'supplier' ? [...statements, supplier] : statements),
    );
    const organization = await this.findOrganization(draft.name);
    if (organization === undefined) throw new Error('the new organization is missing');
    return organization;
  }

  async listOrganizations(): Promise<readonly Organization[]> {
    const rows = await this.#organizations().orderBy('name').execute();
    return rows.map(organizationOf);
  }

  async findOrganization(name: string): Promise<Organization | undefined> {
    if (!isStorable(name)) return undefined;
    const row = await this.#organizations().where('name', '=', name).executeTakeFirst();
    return row && organizationOf(row);
  }

  async findOrganizationsByUuid(uuids: readonly string[]): Promise<readonly Organization[]> {
    const valid = uuids.filter(isUuid);
    if (valid.length === 0) return [];
    const rows = await this.#organizations().where('uuid', 'in', valid).execute();
    return rows.map(organizationOf);
  }

  async findOrganizationsById(ids: readonly number[]): Promise<readonly Organization[]> {
    if (ids.length === 0) return [];
    const rows = await this.#organizations().where('id', 'in', ids).execute();
    return rows.map(organizationOf);
  }

  #organizations() {
    return this.#database.db
      .selectFrom('organizations')
      .select(['id', 'uuid', 'name', 'type', 'created_at_ms', 'suspended_at_ms']);
  }

  async renameOrganization(organizationId: number, name: string): Promise<void> {
    await this.#refuseDuplicate(
      `The name "${name}" is taken by another organization.`,
      this.#database.db
        .updateTable('organizations')
        .set({ name })
        .where('id', '=', organizationId)
        .execute(),
    );
  }

  async setOrganizationDisabled(organizationId: number, isDisabled: boolean): Promise<boolean> {
    const result = await this.#database.db
      .updateTable('organizations')
      .set({ suspended_at_ms: isDisabled ? Date.now() : null })
      .where('id', '=', organizationId)
      .where('suspended_at_ms', isDisabled ? 'is' : 'is not', null)
      .executeTakeFirstOrThrow();
    this.#principals.clear();
    return result.numUpdatedRows === 1n;
  }

  async createConnection(supplierId: number, retailerId: number): Promise<boolean> {
    const result = await this.#database.db
      .insertInto('connections')
      .values({ supplier_id: supplierId, retailer_id: retailerId, created_at_ms: Date.now() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  async removeConnection(supplierId: number, retailerId: number): Promise<boolean> {
    const result = await this.#database.db
      .deleteFrom('connections')
      .where('supplier_id', '=', supplierId)
      .where('retailer_id', '=', retailerId)
      .executeTakeFirstOrThrow();
    return result.numDeletedRows === 1n;
  }

  async listConnections(): Promise<readonly Connection[]> {
    return this.#database.db
      .selectFrom('connections')
      .innerJoin('organizations as supplier', 'supplier.id', 'connections.supplier_id')
      .innerJoin('organizations as retailer', 'retailer.id', 'connections.retailer_id')
      .select([
        'supplier.name as supplier',
        'retailer.name as retailer',
        'connections.created_at_ms as createdAtMs',
      ])
      .orderBy('supplier.name')
      .orderBy('retailer.name')
      .execute();
  }

  async visibleSupplierIds(
    organizationId: number,
    type: OrganizationType,
  ): Promise<readonly number[]> {
    if (type === 'supplier') return [organizationId];
    if (type === 'operator') {
      const all = await this.#database.db
        .selectFrom('suppliers')
        .select('id')
        .orderBy('id')
        .execute();
      return all.map(({ id }) => id);
    }
    const rows = await this.#database.db
      .selectFrom('connections')
      .select('supplier_id')
      .where('retailer_id', '=', organizationId)
      .orderBy('supplier_id')
      .execute();
    return rows.map((row) => row.supplier_id);
  }

  async createUser(draft: UserDraft): Promise<{ readonly uuid: string }> {
    const uuid = uuidv4();
    await this.#refuseDuplicate(
      `The username "${draft.username}" is taken.`,
      this.#database.db
        .insertInto('users')
        .values({
          uuid,
          organization_id: draft.organizationId,
          username: draft.username,
          password_hash: draft.passwordHash,
          permissions: writePermissions(draft.permissions),
          created_at_ms: Date.now(),
        })
        .execute(),
    );
    return { uuid };
  }

  async findUser(username: string): Promise<User | undefined> {
    if (!isStorable(username)) return undefined;
    const row = await this.#database.db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select([
        'organizations.id as id',
        'organizations.uuid as uuid',
        'organizations.name as name',
        'organizations.type as type',
        'organizations.created_at_ms as created_at_ms',
        'organizations.suspended_at_ms as suspended_at_ms',
        'users.id as userId',
        'users.uuid as userUuid',
        'password_hash',
        'permissions',
      ])
      .where('username', '=', username)
      .where('disabled_at_ms', 'is', null)
      .where('suspended_at_ms', 'is', null)
      .executeTakeFirst();
    if (row === undefined || row.password_hash === null) return undefined;
    return {
      id: row.userId,
      uuid: row.userUuid,
      passwordHash: row.password_hash,
      permissions: readPermissions(row.permissions),
      organization: organizationOf(row),
    };
  }

  async listUsers(): Promise<readonly UserListing[]> {
    const rows = await this.#database.db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select([
        'users.username',
        'organizations.name as organization',
        'permissions',
        'users.created_at_ms as createdAtMs',
        'disabled_at_ms as disabledAtMs',
      ])
      .where('username', 'is not', null)
      .orderBy('username')
      .execute();
    return rows.map((row) => ({
      ...row,
      username: row.username ?? '',
      permissions: readPermissions(row.permissions),
    }));
  }

  async setPassword(username: string, passwordHash: string): Promise<boolean> {
    if (!isStorable(username)) return false;
    const { db } = this.#database;
    const nowMs = Date.now();
    const [changed] = await this.#database.transact([
      db.updateTable('users').set({ password_hash: passwordHash }).where('username', '=', username),
      // Expired, not revoked: webhooks that were made with these tokens continue.
      db
        .updateTable('tokens')
        .set({ expires_at_ms: nowMs })
        .where('expires_at_ms', '>', nowMs)
        .where((where) => where.or([where('kind', 'is', null), where('kind', '<>', 'api')]))
        .where(
          'user_id',
          'in',
          db.selectFrom('users').select('id').where('username', '=', username),
        ),
    ]);
    this.#principals.clear();
    return changed === 1;
  }

  async setUserDisabled(username: string, isDisabled: boolean): Promise<boolean> {
    if (!isStorable(username)) return false;
    const result = await this.#database.db
      .updateTable('users')
      .set({ disabled_at_ms: isDisabled ? Date.now() : null })
      .where('username', '=', username)
      .where('disabled_at_ms', isDisabled ? 'is' : 'is not', null)
      .executeTakeFirstOrThrow();
    this.#principals.clear();
    return result.numUpdatedRows === 1n;
  }

  async findServiceUser(organizationId: number): Promise<{ readonly id: number }> {
    return this.#database.db
      .selectFrom('users')
      .select('id')
      .where('organization_id', '=', organizationId)
      .where('username', 'is', null)
      .executeTakeFirstOrThrow();
  }

  async createToken(draft: TokenDraft): Promise<{ readonly id: number; readonly uuid: string }> {
    return this.#database.db
      .insertInto('tokens')
      .values({
        token_hash: draft.tokenHash,
        user_id: draft.userId,
        permissions: writePermissions(draft.permissions),
        created_at_ms: Date.now(),
        expires_at_ms: draft.expiresAtMs,
        revoked_at_ms: null,
        kind: draft.kind ?? null,
        uuid: uuidv4(),
        user_agent: draft.client?.userAgent ?? null,
        address: draft.client?.address ?? null,
      })
      .returning(['id', 'uuid'])
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
    const result = await this.#database.db
      .updateTable('tokens')
      .set({ revoked_at_ms: Date.now() })
      .where('id', '=', tokenId)
      .where('revoked_at_ms', 'is', null)
      .executeTakeFirstOrThrow();
    this.#principals.clear();
    return result.numUpdatedRows === 1n;
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
    const rows = await this.#sessions(userId, nowMs).orderBy('id', 'desc').execute();
    return rows.map((row) => ({
      id: row.id,
      uuid: row.uuid,
      createdAtMs: row.created_at_ms,
      lastUsedAtMs: row.last_used_at_ms,
      expiresAtMs: row.expires_at_ms ?? Infinity,
      userAgent: row.user_agent,
      address: row.address ?? '',
    }));
  }

  #sessions(userId: number, nowMs: number) {
    return this.#database.db
      .selectFrom('tokens')
      .select([
        'id',
        'uuid',
        'created_at_ms',
        'last_used_at_ms',
        'expires_at_ms',
        'user_agent',
        'address',
      ])
      .where('user_id', '=', userId)
      .where('kind', '=', 'session')
      .where('revoked_at_ms', 'is', null)
      .where('expires_at_ms', '>', nowMs);
  }

  async endSession(userId: number, uuid: string, nowMs: number): Promise<boolean> {
    if (!isUuid(uuid)) return false;
    const result = await this.#database.db
      .updateTable('tokens')
      // Expired, not revoked: webhooks that were made in the session continue.
      .set({ expires_at_ms: nowMs })
      .where('user_id', '=', userId)
      .where('uuid', '=', uuid)
      .where('kind', '=', 'session')
      .where('expires_at_ms', '>', nowMs)
      .executeTakeFirstOrThrow();
    this.#principals.clear();
    return result.numUpdatedRows === 1n;
  }

  async #refuseDuplicate<T>(message: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#database.isDuplicate(error)
        ? new OnhandError('already_exists', message, { cause: error })
        : error;
    }
  }
}

function organizationOf(row: {
  id: number;
  uuid: string;
  name: string;
  type: OrganizationType;
  created_at_ms: number;
  suspended_at_ms: number | null;
}): Organization {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    type: row.type,
    createdAtMs: row.created_at_ms,
    disabledAtMs: row.suspended_at_ms,
  };
}

function writePermissions(permissions: readonly Permission[]): string {
  return permissions.join(' ');
}

/** Whether a name can have been stored: PostgreSQL rejects other texts, even in a comparison. */
function isStorable(name: string): boolean {
  return name.isWellFormed() && !name.includes('\0');
}
