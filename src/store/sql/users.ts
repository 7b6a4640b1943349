import type { Compilable, Selectable } from 'kysely';
import { v4 as uuidv4 } from 'uuid';
import type { Author, Deed } from '../../domain/audit.ts';
import { OnhandError } from '../../domain/errors.ts';
import type {
  Organization,
  OrganizationType,
  OrganizationUser,
  User,
  UserChange,
  UserDraft,
  UserListing,
} from '../../domain/parties.ts';
import type { OffsetPage, UserPage } from '../store.ts';
import { isUuid } from '../uuids.ts';
import { record } from './audit.ts';
import type { SqlDatabase } from './database.ts';
import { readPermissions, writePermissions, type PrincipalCache } from './principals.ts';
import type { SqlTables } from './tables.ts';
import { SqlTokens } from './tokens.ts';

/** The users of organizations, beside the tokens that it extends. */
export class SqlUsers extends SqlTokens {
  readonly #database: SqlDatabase;
  readonly #principals: PrincipalCache;
  readonly #author: Author;

  constructor(database: SqlDatabase, principals: PrincipalCache, author: Author) {
    super(database, principals, author);
    this.#database = database;
    this.#principals = principals;
    this.#author = author;
  }

  #record(statements: readonly Compilable[], deed: Deed): Promise<boolean> {
    return record(this.#database, this.#author, statements, deed);
  }

  async #organizationUuid(id: number): Promise<string> {
    const { uuid } = await this.#database.db
      .selectFrom('organizations')
      .select('uuid')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return uuid;
  }

  async createUser(draft: UserDraft): Promise<{ readonly uuid: string }> {
    const uuid = uuidv4();
    const organizationUuid = await this.#organizationUuid(draft.organizationId);
    const insert = this.#database.db.insertInto('users').values({
      uuid,
      organization_id: draft.organizationId,
      username: draft.username,
      password_hash: draft.passwordHash,
      permissions: writePermissions(draft.permissions),
      created_at_ms: Date.now(),
    });
    await refuseDuplicate(
      this.#database,
      `The username "${draft.username}" is taken.`,
      this.#record([insert], {
        action: 'user.created',
        organizationUuid,
        subject: uuid,
        details: { username: draft.username, permissions: draft.permissions },
      }),
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
    const organizationUuid = await this.#organizationUuid(organizationId);
    const change = this.#database.db
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
      .where((user) =>
        user.or([
          ...(permissions === undefined
            ? []
            : [user('permissions', '<>', writePermissions(permissions))]),
          ...(isDisabled === undefined
            ? []
            : [user('disabled_at_ms', isDisabled ? 'is' : 'is not', null)]),
        ]),
      );
    await this.#record([change], {
      action: 'user.changed',
      organizationUuid,
      subject: uuid,
      details: {
        ...(permissions !== undefined && { permissions }),
        ...(isDisabled !== undefined && { disabled: isDisabled }),
      },
    });
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
    const owner = await this.#userNamed(username);
    if (owner === undefined) return false;
    const statements = [
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
    ];
    const exists = await this.#record(statements, { action: 'password.changed', ...owner });
    this.#principals.clear();
    return exists;
  }

  /** What the audit log says of a user. */
  async #userNamed(
    username: string,
  ): Promise<Pick<Deed, 'organizationUuid' | 'subject'> | undefined> {
    return this.#database.db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.id', 'users.organization_id')
      .select(['organizations.uuid as organizationUuid', 'users.uuid as subject'])
      .where('username', '=', username)
      .executeTakeFirst();
  }

  async setUserDisabled(username: string, isDisabled: boolean): Promise<boolean> {
    if (!isStorable(username)) return false;
    const owner = await this.#userNamed(username);
    if (owner === undefined) return false;
    const change = this.#database.db
      .updateTable('users')
      .set({ disabled_at_ms: isDisabled ? Date.now() : null })
      .where('username', '=', username)
      .where('disabled_at_ms', isDisabled ? 'is' : 'is not', null);
    const action = isDisabled ? 'user.disabled' : 'user.enabled';
    const isNew = await this.#record([change], { action, ...owner });
    this.#principals.clear();
    return isNew;
  }

  async findServiceUser(organizationId: number): Promise<{ readonly id: number }> {
    return this.#database.db
      .selectFrom('users')
      .select('id')
      .where('organization_id', '=', organizationId)
      .where('username', 'is', null)
      .executeTakeFirstOrThrow();
  }
}

/** Rejects with `already_exists` if work fails because a name is taken. */
export async function refuseDuplicate<T>(
  database: SqlDatabase,
  message: string,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw database.isDuplicate(error)
      ? new OnhandError('already_exists', message, { cause: error })
      : error;
  }
}

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

export function organizationOf(row: {
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
export function isStorable(name: string): boolean {
  return name.isWellFormed() && !name.includes('\0');
}
