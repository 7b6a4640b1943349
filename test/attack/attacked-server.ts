import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import {
  PERMISSIONS_OF_TYPE,
  type OrganizationType,
  type Permission,
} from '../../src/domain/parties.ts';
import type { Store } from '../../src/store/store.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { reusedPostgresDatabase } from '../store/postgres/database.ts';
import {
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';
import { SecondTenant } from './second-tenant.ts';

export interface Tenant {
  readonly id: number;
  readonly name: string;
  readonly token: string;
  readonly skuIds: readonly string[];
}

interface TenantDraft {
  readonly type?: OrganizationType;
  /** All that its type can have, if not given. */
  readonly permissions?: readonly Permission[];
  /** How many SKUs the supplier has: `sku-0`, `sku-1` … */
  readonly skus?: number;
}

/** Creates an organization, its SKUs and a token. */
export async function createTenant(
  store: Store,
  name: string,
  { type = 'supplier', permissions = PERMISSIONS_OF_TYPE[type], skus = 0 }: TenantDraft = {},
): Promise<Tenant> {
  const { id } = await store.accounts.createOrganization({ type, name });
  const skuIds = Array.from({ length: skus }, (_, i) => `sku-${i}`);
  if (skus > 0) {
    await importSkus(
      store,
      id,
      skuIds.map((skuId) => entry(skuId)),
    );
  }
  const token = newToken();
  const user = await store.accounts.findServiceUser(id);
  const tokenHash = hashToken(token);
  await store.accounts.createToken({ userId: user.id, tokenHash, permissions, expiresAtMs: null });
  return { id, name, token, skuIds };
}

interface Attacked<T> {
  /** Settings of the server, by their variables. */
  readonly environment?: Record<string, string>;
  /** 2 for two processes on one PostgreSQL. */
  readonly nodes?: number;
  readonly kind?: 'sqlite' | 'postgres';
  /** Creates what the attack needs, before the server starts. */
  readonly prepare: (store: Store) => Promise<T>;
}

const SECOND_TENANT_SKUS = 100;

/**
 * A server to attack, in a process of its own, so that its memory can be measured and the attacker does not share
 * its event loop; and a second tenant who works there meanwhile.
 */
export class AttackedServer<T> {
  /** What `prepare` returned. */
  readonly prepared: T;
  nodes: readonly ServerProcess[];
  /** A tenant that does nothing wrong, on the first node. */
  secondTenant: SecondTenant;
  readonly database: TestDatabase;
  readonly #filesDirectory: string;
  readonly #settings: Record<string, string>;
  readonly #tenant: Tenant;

  private constructor(given: {
    readonly prepared: T;
    readonly nodes: readonly ServerProcess[];
    readonly tenant: Tenant;
    readonly settings: Record<string, string>;
    readonly database: TestDatabase;
    readonly filesDirectory: string;
  }) {
    this.prepared = given.prepared;
    this.nodes = given.nodes;
    this.secondTenant = new SecondTenant(this.url, given.tenant);
    this.#tenant = given.tenant;
    this.#settings = given.settings;
    this.database = given.database;
    this.#filesDirectory = given.filesDirectory;
  }

  static async start<T>({
    environment = {},
    nodes: nodeCount = 1,
    kind = process.env['TEST_STORE'] === 'postgres' ? 'postgres' : 'sqlite',
    prepare,
  }: Attacked<T>): Promise<AttackedServer<T>> {
    const database = await (kind === 'postgres' ? reusedPostgresDatabase() : sqliteDatabase());
    const filesDirectory = await mkdtemp(join(tmpdir(), 'onhand-attacked-'));
    const store = await openTestStore(database);
    const tenant = await createTenant(store, 'Second tenant', { skus: SECOND_TENANT_SKUS });
    const prepared = await prepare(store);
    await store.close();
    const nodes: ServerProcess[] = [];
    // No attack may cause an unexpected error. If one does, the test's output has it.
    const settings = {
      ONHAND_FILES_DIRECTORY: filesDirectory,
      ONHAND_LOG_LEVEL: 'error',
      ...environment,
    };
    for (let i = 0; i < nodeCount; i += 1) {
      nodes.push(await ServerProcess.start(database, settings));
    }
    return new AttackedServer({ prepared, nodes, tenant, settings, database, filesDirectory });
  }

  /** The address of the first node. */
  get url(): string {
    return this.nodes[0]?.url ?? '';
  }

  /** The peak resident memory of the first node so far, in MiB. */
  residentMib(): number {
    return this.nodes[0]?.residentMib() ?? 0;
  }

  /** Kills the only node, and starts another one with the same database and files. */
  async restart(): Promise<void> {
    await this.nodes[0]?.kill();
    const node = await ServerProcess.start(this.database, this.#settings);
    this.nodes = [node];
    this.secondTenant = new SecondTenant(node.url, this.#tenant);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.database.remove();
    await rm(this.#filesDirectory, { recursive: true, force: true });
  }
}
