/** Who has access to a server: sessions, tokens, users, organizations and connections. */
import type {
  ConnectionDraft,
  ConnectionPage,
  Login,
  NewToken,
  Organization,
  OrganizationChange,
  OrganizationDraft,
  OrganizationPage,
  Session,
  Sessions,
  TokenDraft,
  TokenPage,
  User,
  UserChange,
  UserDraft,
  UserPage,
} from './api-types.ts';
import { jsonRequest } from './json-request.ts';
import type { CallOptions, Transport } from './transport.ts';

const PATH = '/timp/organizations/';

/** Which organization an operator manages; its own by default. */
export interface OfOrganization {
  /** The uuid of the organization. Only operators may give it. */
  readonly organization?: string | undefined;
}

interface ListPage {
  readonly start?: number;
  readonly limit?: number;
}

/** The sessions of browsers, which authenticate by a cookie. The browser keeps it: there is nothing to store. */
export class SessionsClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Logs the browser in. */
  async create(login: Login, options: CallOptions = {}): Promise<Session> {
    return this.#transport.json<Session>(jsonRequest('POST', `${PATH}sessions/`, login), options);
  }

  /** The session of this browser. */
  async current(options: CallOptions = {}): Promise<Session> {
    return this.#transport.json<Session>(
      { method: 'GET', path: `${PATH}sessions/current/` },
      options,
    );
  }

  /** Logs the browser out. */
  async endCurrent(options: CallOptions = {}): Promise<void> {
    await this.#transport.none({ method: 'DELETE', path: `${PATH}sessions/current/` }, options);
  }

  /** The user's open sessions. */
  async list(options: CallOptions = {}): Promise<Sessions['sessions']> {
    const request = { method: 'GET', path: `${PATH}sessions/` } as const;
    return (await this.#transport.json<Sessions>(request, options)).sessions;
  }

  /** Ends a session of the user. */
  async end(uuid: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.none({ method: 'DELETE', path: pathOf('sessions', uuid) }, options);
  }
}

/** The API tokens of an organization. It needs the token of a login, or a session. */
export class TokensClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, the latest tokens first. */
  async list(query: ListPage & OfOrganization = {}, options: CallOptions = {}): Promise<TokenPage> {
    return this.#transport.json<TokenPage>(
      { method: 'GET', path: `${PATH}tokens/`, query: { ...query } },
      options,
    );
  }

  /** Creates a token. The `token` itself is returned only here. */
  async create(
    draft: TokenDraft,
    of: OfOrganization = {},
    options: CallOptions = {},
  ): Promise<NewToken> {
    const request = jsonRequest('POST', `${PATH}tokens/`, draft, { query: { ...of } });
    return this.#transport.json<NewToken>(request, options);
  }

  async revoke(uuid: string, of: OfOrganization = {}, options: CallOptions = {}): Promise<void> {
    await this.#transport.none(
      { method: 'DELETE', path: pathOf('tokens', uuid), query: { ...of } },
      options,
    );
  }
}

/** The users of an organization. It needs the token of a login, or a session. */
export class UsersClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, by name. */
  async list(query: ListPage & OfOrganization = {}, options: CallOptions = {}): Promise<UserPage> {
    return this.#transport.json<UserPage>(
      { method: 'GET', path: `${PATH}users/`, query: { ...query } },
      options,
    );
  }

  async create(
    draft: UserDraft,
    of: OfOrganization = {},
    options: CallOptions = {},
  ): Promise<User> {
    const request = jsonRequest('POST', `${PATH}users/`, draft, { query: { ...of } });
    return this.#transport.json<User>(request, options);
  }

  /** Disables or enables a user, or replaces its permissions. */
  async change(
    uuid: string,
    change: UserChange,
    of: OfOrganization = {},
    options: CallOptions = {},
  ): Promise<User> {
    const repeatable = { isRepeatable: true, query: { ...of } };
    return this.#transport.json<User>(
      jsonRequest('PATCH', pathOf('users', uuid), change, repeatable),
      options,
    );
  }
}

/** The organizations of the server, for operators. */
export class OrganizationsClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, by name. `q` is part of the name. */
  async list(
    query: ListPage & { readonly type?: Organization['type']; readonly q?: string } = {},
    options: CallOptions = {},
  ): Promise<OrganizationPage> {
    return this.#transport.json<OrganizationPage>(
      { method: 'GET', path: PATH, query: { ...query } },
      options,
    );
  }

  async create(draft: OrganizationDraft, options: CallOptions = {}): Promise<Organization> {
    return this.#transport.json<Organization>(jsonRequest('POST', PATH, draft), options);
  }

  async change(
    uuid: string,
    change: OrganizationChange,
    options: CallOptions = {},
  ): Promise<Organization> {
    const path = `${PATH}${encodeURIComponent(uuid)}/`;
    return this.#transport.json<Organization>(
      jsonRequest('PATCH', path, change, { isRepeatable: true }),
      options,
    );
  }
}

/** Which retailers read which suppliers, for operators. */
export class ConnectionsClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, by the names of supplier and retailer. */
  async list(query: ListPage = {}, options: CallOptions = {}): Promise<ConnectionPage> {
    return this.#transport.json<ConnectionPage>(
      { method: 'GET', path: `${PATH}connections/`, query: { ...query } },
      options,
    );
  }

  /** Lets a retailer read a supplier. Repeating it changes nothing. */
  async create(pair: ConnectionDraft, options: CallOptions = {}): Promise<void> {
    const request = jsonRequest('POST', `${PATH}connections/`, pair, { isRepeatable: true });
    await this.#transport.none(request, options);
  }

  async remove({ supplier, retailer }: ConnectionDraft, options: CallOptions = {}): Promise<void> {
    const path = `${pathOf('connections', supplier)}${encodeURIComponent(retailer)}/`;
    await this.#transport.none({ method: 'DELETE', path }, options);
  }
}

function pathOf(list: string, uuid: string): string {
  return `${PATH}${list}/${encodeURIComponent(uuid)}/`;
}
