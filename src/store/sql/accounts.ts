import type { Compilable } from 'kysely';
import { sql } from './kysely.ts';
import { v4 as uuidv4 } from 'uuid';
import { SERVER_AUTHOR, type AuditAction, type Author, type Deed } from '../../domain/audit.ts';
import {
  PERMISSIONS_OF_TYPE,
  type Organization,
  type OrganizationType,
  type Connection,
} from '../../domain/parties.ts';
import type {
  AccountStore,
  OrganizationCounts,
  OrganizationPage,
  OrganizationQuery,
} from '../store.ts';
import { writePermissions, type PrincipalCache } from './principals.ts';
import { isUuid } from '../uuids.ts';
import { record } from './audit.ts';
import { isStorable, organizationOf, refuseDuplicate, SqlUsers } from './users.ts';
import type { SqlDatabase } from './database.ts';

/** Organizations and connections, beside the users and tokens that it extends. */
export class SqlAccounts extends SqlUsers implements AccountStore {
  readonly #database: SqlDatabase;
  readonly #principals: PrincipalCache;

  readonly #author: Author;

  constructor(database: SqlDatabase, principals: PrincipalCache, author = SERVER_AUTHOR) {
    super(database, principals, author);
    this.#database = database;
    this.#principals = principals;
    this.#author = author;
  }

  by(author: Author): AccountStore {
    return new SqlAccounts(this.#database, this.#principals, author);
  }

  #record(statements: readonly Compilable[], deed: Deed): Promise<boolean> {
    return record(this.#database, this.#author, statements, deed);
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
      // Not a subquery among the values, which Citus refuses.
      db
        .insertInto('users')
        .columns(['uuid', 'organization_id', 'permissions', 'created_at_ms'])
        .expression(
          organizationId
            .clearSelect()
            .select([
              sql.val(uuidv4()).$castTo<string>().as('uuid'),
              'organizations.id',
              sql.val(writePermissions(PERMISSIONS_OF_TYPE[draft.type])).as('permissions'),
              sql.val(createdAtMs).as('created_at_ms'),
            ]),
        ),
    ];
    const supplier = db.insertInto('suppliers').columns(['id']).expression(organizationId);
    await refuseDuplicate(
      this.#database,
      `The name "${draft.name}" is taken by another organization.`,
      this.#record(draft.type === 'supplier' ? [...statements, supplier] : statements, {
        action: 'organization.created',
        organizationUuid: uuid,
        subject: uuid,
        details: { name: draft.name, type: draft.type },
      }),
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
    const [organization] = await this.findOrganizationsById([organizationId]);
    if (organization === undefined) return;
    const { uuid, name: before } = organization;
    await refuseDuplicate(
      this.#database,
      `The name "${name}" is taken by another organization.`,
      this.#record(
        [
          this.#database.db
            .updateTable('organizations')
            .set({ name })
            .where('id', '=', organizationId)
            .where('name', '<>', name),
        ],
        {
          action: 'organization.renamed',
          organizationUuid: uuid,
          subject: uuid,
          details: { name, before },
        },
      ),
    );
  }

  async setOrganizationDisabled(organizationId: number, isDisabled: boolean): Promise<boolean> {
    const [organization] = await this.findOrganizationsById([organizationId]);
    if (organization === undefined) return false;
    const { uuid } = organization;
    const change = this.#database.db
      .updateTable('organizations')
      .set({ suspended_at_ms: isDisabled ? Date.now() : null })
      .where('id', '=', organizationId)
      .where('suspended_at_ms', isDisabled ? 'is' : 'is not', null);
    const isNew = await this.#record([change], {
      action: isDisabled ? 'organization.disabled' : 'organization.enabled',
      organizationUuid: uuid,
      subject: uuid,
    });
    this.#principals.clear();
    return isNew;
  }

  async createConnection(supplierId: number, retailerId: number): Promise<boolean> {
    const insert = this.#database.db
      .insertInto('connections')
      .values({ supplier_id: supplierId, retailer_id: retailerId, created_at_ms: Date.now() })
      .onConflict((conflict) => conflict.doNothing());
    return this.#recordConnection(insert, 'connection.created', supplierId, retailerId);
  }

  async removeConnection(supplierId: number, retailerId: number): Promise<boolean> {
    const remove = this.#database.db
      .deleteFrom('connections')
      .where('supplier_id', '=', supplierId)
      .where('retailer_id', '=', retailerId);
    return this.#recordConnection(remove, 'connection.removed', supplierId, retailerId);
  }

  /** A connection is an entry of its supplier, who shows its SKUs. */
  async #recordConnection(
    statement: Compilable,
    action: AuditAction,
    supplierId: number,
    retailerId: number,
  ): Promise<boolean> {
    const organizations = await this.findOrganizationsById([supplierId, retailerId]);
    const uuidOf = (wanted: number): string =>
      organizations.find(({ id }) => id === wanted)?.uuid ?? '';
    const [supplier, retailer] = [uuidOf(supplierId), uuidOf(retailerId)];
    return this.#record([statement], { action, organizationUuid: supplier, subject: retailer });
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
}

const ORGANIZATION_COLUMNS = [
  'id',
  'uuid',
  'name',
  'type',
  'created_at_ms',
  'suspended_at_ms',
] as const;
