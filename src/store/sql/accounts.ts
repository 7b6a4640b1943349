import { sql, type Selectable } from 'kysely';
import { v4 as uuidv4 } from 'uuid';
import { OnhandError } from '../../domain/errors.ts';
import {
  PERMISSIONS_OF_TYPE,
  type Organization,
  type OrganizationType,
  type Connection,
  type OrganizationUser,
  type UserChange,
  type User,
  type UserDraft,
  type UserListing,
} from '../../domain/parties.ts';
import type { SqlTables } from './tables.ts';
import type {
  AccountStore,
  OffsetPage,
  OrganizationCounts,
  OrganizationPage,
  OrganizationQuery,
  UserPage,
} from '../store.ts';
import { readPermissions, writePermissions, type PrincipalCache } from './principals.ts';
import { isUuid } from '../uuids.ts';
import { SqlTokens } from './tokens.ts';
import type { SqlDatabase } from './database.ts';

/** Organizations, connections and users, beside the tokens that it extends. */
export class SqlAccounts extends SqlTokens implements AccountStore {
  readonly #database: SqlDatabase;
  readonly #principals: PrincipalCache;

  constructor(database: SqlDatabase, principals: PrincipalCache) {
    super(database, principals);
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

  async pageOfOrganizations({
    type,
    nameContains,
    start,
    limit,
  }: OrganizationQuery): Promise<OrganizationPage> {
    let matching = this.#database.db.selectFrom('organizations');
    if (type !== undefined) matching = matching.where('type', '=', type);
    if (nameContains !== undefined) {
      const pattern = `%${nameContains.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll(/[\\%_]/g, '\\$&')}%`;
      matching = matching.where(sql<boolean>`lower(name) LIKE ${pattern} ESCAPE '\\'`);
    }
    const [{ count }, rows] = await Promise.all([
      matching
        .select((select) => select.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
      matching.select(ORGANIZATION_COLUMNS).orderBy('name').offset(start).limit(limit).execute(),
    ]);
    return { totalCount: count, organizations: rows.map(organizationOf) };
  }

  async countOrganizations(): Promise<OrganizationCounts> {
    const rows = await this.#database.db
      .selectFrom('organizations')
      .select((select) => [
        'type',
        select.fn.countAll<number>().as('count'),
        select.fn.count<number>('suspended_at_ms').as('disabled'),
      ])
      .groupBy('type')
      .execute();
    const countOf = (type: OrganizationType): number =>
      rows.find((row) => row.type === type)?.count ?? 0;
    return {
      suppliers: countOf('supplier'),
      retailers: countOf('retailer'),
      operators: countOf('operator'),
      disabled: rows.reduce((sum, { disabled }) => sum + disabled, 0),
    };
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
    return this.#database.db.selectFrom('organizations').select(ORGANIZATION_COLUMNS);
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
        'supplier.uuid as supplierUuid',
        'retailer.name as retailer',
        'retailer.uuid as retailerUuid',
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

  async pageOfUsers(organizationId: number, { start, limit }: OffsetPage): Promise<UserPage> {
    const ofOrganization = this.#database.db
      .selectFrom('users')
      .where('organization_id', '=', organizationId)
      .where('username', 'is not', null);
    const [{ count }, rows] = await Promise.all([
      ofOrganization
        .select((select) => select.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
      ofOrganization.select(USER_COLUMNS).orderBy('username').offset(start).limit(limit).execute(),
    ]);
    return { totalCount: count, users: rows.map(userOf) };
  }

  async findUserOf(organizationId: number, uuid: string): Promise<OrganizationUser | undefined> {
    if (!isUuid(uuid)) return undefined;
    const row = await this.#database.db
      .selectFrom('users')
      .select(USER_COLUMNS)
      .where('organization_id', '=', organizationId)
      .where('uuid', '=', uuid)
      .where('username', 'is not', null)
      .executeTakeFirst();
    return row && userOf(row);
  }

  async changeUser(
    organizationId: number,
    uuid: string,
    { permissions, isDisabled }: UserChange,
  ): Promise<void> {
    if (permissions === undefined && isDisabled === undefined) return;
    await this.#database.db
      .updateTable('users')
      .set((user) => ({
        ...(permissions !== undefined && { permissions: writePermissions(permissions) }),
        ...(isDisabled !== undefined && {
          disabled_at_ms: isDisabled
            ? user.fn.coalesce('disabled_at_ms', user.val(Date.now()))
            : null,
        }),
      }))
      .where('organization_id', '=', organizationId)
      .where('uuid', '=', uuid)
      .execute();
    this.#principals.clear();
  }

  async hasUsers(): Promise<boolean> {
    const row = await this.#database.db
      .selectFrom('users')
      .select('id')
      .where('username', 'is not', null)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async setPassword(username: string, passwordHash: string): Promise<boolean> {
    if (!isStorable(username)) return false;
    const { db } = this.#database;
    const nowMs = Date.now();
    const [changed] = await this.#database.transact([
      db.updateTable('users').set({ password_hash: passwordHash }).where('username', '=', username),
      // Expired, not revoked: webhooks that were made with these tokens continue. As early as can be (see `endSession`).
      db
        .updateTable('tokens')
        .set((token) => ({ expires_at_ms: token.ref('created_at_ms') }))
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

const ORGANIZATION_COLUMNS = [
  'id',
  'uuid',
  'name',
  'type',
  'created_at_ms',
  'suspended_at_ms',
] as const;

const USER_COLUMNS = [
  'id',
  'uuid',
  'username',
  'permissions',
  'created_at_ms',
  'disabled_at_ms',
] as const;

function userOf(
  row: Selectable<Pick<SqlTables['users'], (typeof USER_COLUMNS)[number]>>,
): OrganizationUser {
  return {
    id: row.id,
    uuid: row.uuid,
    username: row.username ?? '',
    permissions: readPermissions(row.permissions),
    createdAtMs: row.created_at_ms,
    disabledAtMs: row.disabled_at_ms,
  };
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

/** Whether a name can have been stored: PostgreSQL rejects other texts, even in a comparison. */
function isStorable(name: string): boolean {
  return name.isWellFormed() && !name.includes('\0');
}
