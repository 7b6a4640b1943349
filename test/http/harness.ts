import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import type { Settings } from '../../src/config.ts';
import {
  PERMISSIONS_OF_TYPE,
  type Organization,
  type OrganizationType,
  type Permission,
} from '../../src/domain/parties.ts';
import type { CatalogueEntry } from '../../src/domain/catalogue.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { undeclaredIn } from '../logging/schema.ts';
import { reusedPostgresDatabase } from '../store/postgres/database.ts';
import { importSkus, sqliteDatabase, type TestDatabase, testSettings } from '../store/fixtures.ts';

export const BULK = '/timp/products/skus/inventory/bulk/';
export const SINGLE = '/timp/products/skus/inventory/';
export const SKUS = '/timp/products/skus/';
export const LOGIN = '/timp/organizations/user-login/';
export const USER_PASSWORD = '/timp/organizations/user-password/';

/** A complete response. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown;
}

export interface Asking {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes are sent unchanged, everything else as JSON. */
  readonly body?: unknown;
}

/** Creates a database of the kind that `TEST_STORE` names (vitest.config.ts). */
function httpDatabase(): Promise<TestDatabase> {
  return process.env['TEST_STORE'] === 'postgres' ? reusedPostgresDatabase() : sqliteDatabase();
}

/** A server with its own database, on a free port of the loopback interface. */
export class TestServer {
  readonly database: TestDatabase;
  /** Where uploaded files are stored. */
  readonly filesDirectory: string;
  /** The log entries of the server, parsed. */
  readonly log: unknown[];
  readonly #overrides: Partial<Settings>;
  #running: RunningServer;
  #stopped: Promise<void> | undefined;

  private constructor(
    { database, filesDirectory, log }: Pick<TestServer, 'database' | 'filesDirectory' | 'log'>,
    running: RunningServer,
    overrides: Partial<Settings>,
  ) {
    this.#overrides = overrides;
    this.database = database;
    this.log = log;
    this.filesDirectory = filesDirectory;
    this.#running = running;
  }

  static async start(overrides: Partial<Settings> = {}): Promise<TestServer> {
    const database = await httpDatabase();
    const filesDirectory = await mkdtemp(join(tmpdir(), 'onhand-files-'));
    const settings = testSettings(database, { filesDirectory, ...overrides });
    const log: unknown[] = [];
    const running = await startServer(settings, collector(log));
    return new TestServer({ database, filesDirectory, log }, running, overrides);
  }

  get url(): string {
    return this.#running.url;
  }

  /** Where the metrics are, with `metricsPort: 0`. */
  get metricsUrl(): string {
    const { metricsUrl } = this.#running;
    if (metricsUrl === null) throw new Error('the server has no listener for metrics');
    return metricsUrl;
  }

  get store(): RunningServer['store'] {
    return this.#running.store;
  }

  /** Restarts the server at the same address with the same settings. @param meanwhile while there is no server */
  async restart(meanwhile?: () => Promise<unknown>): Promise<void> {
    const port = Number(new URL(this.url).port);
    await this.#running.close();
    await meanwhile?.();
    const { database, filesDirectory } = this;
    const settings = testSettings(database, { filesDirectory, ...this.#overrides, port });
    this.#running = await startServer(settings, collector(this.log));
  }

  /** Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.#running.close();
    await this.database.remove();
    await rm(this.filesDirectory, { recursive: true, force: true });
    expect(this.log.flatMap(undeclaredIn)).toEqual([]);
  }

  createOrganization(type: OrganizationType, name: string): Promise<Organization> {
    return this.store.accounts.createOrganization({ type, name });
  }

  /** Creates a supplier with SKUs and a token with all permissions. */
  async createSupplier(
    name: string,
    entries: readonly CatalogueEntry[] = [],
  ): Promise<{ readonly supplier: Organization; readonly token: string }> {
    const supplier = await this.createOrganization('supplier', name);
    await importSkus(this.store, supplier.id, entries);
    return {
      supplier,
      token: await this.createToken(supplier.id, PERMISSIONS_OF_TYPE.supplier),
    };
  }

  async createToken(
    organizationId: number,
    permissions: readonly Permission[],
    expiresAtMs: number | null = null,
  ): Promise<string> {
    const user = await this.store.accounts.findServiceUser(organizationId);
    const token = newToken();
    const tokenHash = hashToken(token);
    await this.store.accounts.createToken({ userId: user.id, tokenHash, permissions, expiresAtMs });
    return token;
  }

  async ask(method: string, path: string, { token, headers, body }: Asking = {}): Promise<Answer> {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Token ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }
}

function collector(log: unknown[]): { write(entry: string): void } {
  return { write: (entry) => void log.push(JSON.parse(entry)) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
