import {
  ConnectionsClient,
  OrganizationsClient,
  SessionsClient,
  TokensClient,
  UsersClient,
} from './accounts.ts';
import type {
  Freshness,
  Login,
  LoginReply,
  ServerStatus,
  Statistics,
  SupplierPage,
} from './api-types.ts';
import { BatchesClient } from './batches.ts';
import { ChangesClient } from './changes.ts';
import { FilesClient } from './files.ts';
import { InventoryClient } from './inventory.ts';
import { NotificationsClient } from './notifications.ts';
import { SkusClient } from './skus.ts';
import { type CallOptions, type OnhandOptions, Transport } from './transport.ts';
import { verifyWebhook } from './webhook-signature.ts';
import { WebhooksClient } from './webhooks.ts';

export type * from './accounts.ts';
export type * from './api-types.ts';
export type * from './batches.ts';
export type * from './changes.ts';
export type * from './files.ts';
export type * from './inventory.ts';
export * from './problems.ts';
export type * from './skus.ts';
export { reasonOf } from './transport.ts';
export type { CallOptions, LogEvent, OnhandOptions, Query } from './transport.ts';
export * from './webhook-signature.ts';
export type * from './webhooks.ts';

/** Which part of a list is read: how many come before it, and how many it has at most. */
export interface Page {
  readonly start?: number;
  readonly limit?: number;
}

/** Which intervals of the statistics to return. */
export interface StatisticsQuery {
  readonly from?: Date | string;
  readonly to?: Date | string;
  readonly interval?: 'hour' | 'day';
}

function textOf(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}

/**
 * A client of one server with one token.
 *
 * ```ts
 * const onhand = new Onhand({ url: 'https://stock.example.com', token });
 * for await (const { line, isApplied, message } of onhand.inventory.update(lines)) {
 *   if (!isApplied) console.error(line, message);
 * }
 * ```
 */
export class Onhand {
  /** Writes stock levels. */
  readonly inventory: InventoryClient;
  /** Reads the change feed. */
  readonly changes: ChangesClient;
  /** Reads and creates SKUs. */
  readonly skus: SkusClient;
  /** Sends stock files. */
  readonly files: FilesClient;
  /** Reads batches and undoes them. */
  readonly batches: BatchesClient;
  /** Manages webhooks. */
  readonly webhooks: WebhooksClient & { readonly verify: typeof verifyWebhook };
  /** Manages who gets notifications. */
  readonly notifications: NotificationsClient;
  /** Logs browsers in and out. */
  readonly sessions: SessionsClient;
  /** Manages the API tokens of an organization. */
  readonly tokens: TokensClient;
  /** Manages the users of an organization. */
  readonly users: UsersClient;
  /** Manages organizations, for operators. */
  readonly organizations: OrganizationsClient;
  /** Manages connections, for operators. */
  readonly connections: ConnectionsClient;
  readonly #transport: Transport;

  constructor(options: OnhandOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.inventory = new InventoryClient(transport);
    this.changes = new ChangesClient(transport);
    this.skus = new SkusClient(transport);
    this.files = new FilesClient(transport);
    this.batches = new BatchesClient(transport);
    this.webhooks = Object.assign(new WebhooksClient(transport), { verify: verifyWebhook });
    this.notifications = new NotificationsClient(transport);
    this.sessions = new SessionsClient(transport);
    this.tokens = new TokensClient(transport);
    this.users = new UsersClient(transport);
    this.organizations = new OrganizationsClient(transport);
    this.connections = new ConnectionsClient(transport);
  }

  /** The state of the server, for operators. */
  async status(options: CallOptions = {}): Promise<ServerStatus> {
    return this.#transport.json<ServerStatus>({ method: 'GET', path: '/timp/status/' }, options);
  }

  /** One page of the suppliers that you can see, with `pagination.total_count`. */
  async suppliers(query: Page = {}, options: CallOptions = {}): Promise<SupplierPage> {
    return this.#transport.json<SupplierPage>(
      { method: 'GET', path: '/timp/suppliers/', query: { ...query } },
      options,
    );
  }

  /** When each supplier last reported, and how old the stock of its SKUs is. One page: 25 suppliers at most. */
  async freshness(
    query: { readonly supplierUuids?: readonly string[] } & Page = {},
    options: CallOptions = {},
  ): Promise<Freshness> {
    return this.#transport.json<Freshness>(
      {
        method: 'GET',
        path: '/timp/suppliers/freshness/',
        query: { supplier_uuids: query.supplierUuids, start: query.start, limit: query.limit },
      },
      options,
    );
  }

  /** What was sent in each hour or day: batches, lines, changed SKUs and failed lines. */
  async statistics(query: StatisticsQuery = {}, options: CallOptions = {}): Promise<Statistics> {
    const { from, to, interval } = query;
    return this.#transport.json<Statistics>(
      {
        method: 'GET',
        path: '/timp/statistics/',
        query: { from: textOf(from), to: textOf(to), interval },
      },
      options,
    );
  }

  /** Logs a user in. The `auth_token` of the reply is the token of a new client; it expires after two hours. */
  async login(login: Login, options: CallOptions = {}): Promise<LoginReply> {
    return this.#transport.json<LoginReply>(
      {
        method: 'POST',
        path: '/timp/organizations/user-login/',
        headers: { 'content-type': 'application/json' },
        body: () => JSON.stringify(login),
      },
      options,
    );
  }
}
