/** What `onhand apply` changes: compares what a file asks for with what a database has. */
import { commandLineAuthor } from './accounts.ts';
import { hashToken, newToken } from '../../accounts/credentials.ts';
import type { Organization, Permission } from '../../domain/parties.ts';
import type { AdminStore } from '../../store/store.ts';
import type { WantedOrganization, WantedToken } from './apply-file.ts';

/** What a database has of organizations, read once. */
export interface CurrentState {
  readonly organizations: ReadonlyMap<string, Organization>;
  /** `supplier\nretailer`: no name contains a line break. */
  readonly connections: ReadonlySet<string>;
  readonly expectedMinutes: ReadonlyMap<number, number | null>;
  /** How many valid tokens of the service user each organization has, by `tokenKey`. */
  readonly tokens: ReadonlyMap<string, number>;
}

export const EMPTY_STATE: CurrentState = {
  organizations: new Map(),
  connections: new Set(),
  expectedMinutes: new Map(),
  tokens: new Map(),
};

export async function readState(
  { accounts, changes }: Pick<AdminStore, 'accounts' | 'changes'>,
  nowMs: number,
): Promise<CurrentState> {
  const tokens = new Map<string, number>();
  for (const token of await accounts.listTokens()) {
    const isValid =
      token.revokedAtMs === null && (token.expiresAtMs === null || token.expiresAtMs > nowMs);
    // Tokens of logins do not count.
    if (!isValid || token.username !== '') continue;
    const key = tokenKey(token.organization, token.permissions);
    tokens.set(key, (tokens.get(key) ?? 0) + 1);
  }
  const organizations = await accounts.listOrganizations();
  const connections = await accounts.listConnections();
  return {
    organizations: new Map(organizations.map((organization) => [organization.name, organization])),
    connections: new Set(connections.map((pair) => pairKey(pair.supplier, pair.retailer))),
    expectedMinutes: await changes.expectedIntervals(),
    tokens,
  };
}

/** Where the secrets of new tokens go, before the tokens become valid. */
export type KeepToken = (token: {
  readonly organization: string;
  readonly permissions: readonly Permission[];
  readonly expiresAtMs: number | null;
  readonly token: string;
}) => Promise<void>;

export interface ApplyChange {
  readonly kind: 'organization' | 'connection' | 'interval' | 'token';
  /** One line, such as `+ supplier "Acme"`. */
  readonly text: string;
  readonly run: (
    store: Pick<AdminStore, 'accounts' | 'changes'>,
    keepToken: KeepToken,
  ) => Promise<void>;
}

/** The changes that a database needs, in an order in which they can be made. Empty if there is nothing to do. */
export function changesFor(
  wanted: readonly WantedOrganization[],
  state: CurrentState,
): readonly ApplyChange[] {
  return [
    ...wanted.flatMap((organization) => createdOrganizations(organization, state)),
    ...createdConnections(wanted, state),
    ...wanted.flatMap((organization) => changedIntervals(organization, state)),
    ...wanted.flatMap((organization) => createdTokens(organization, state)),
  ];
}

function createdOrganizations(
  { name, type }: WantedOrganization,
  { organizations }: CurrentState,
): readonly ApplyChange[] {
  if (organizations.has(name)) return [];
  const run: ApplyChange['run'] = async ({ accounts }) => {
    await accounts.createOrganization({ name, type });
  };
  return [{ kind: 'organization', text: `+ ${type} "${name}"`, run }];
}

function createdConnections(
  wanted: readonly WantedOrganization[],
  state: CurrentState,
): readonly ApplyChange[] {
  const pairs = new Map<string, { readonly supplier: string; readonly retailer: string }>();
  for (const { name, type, connections } of wanted) {
    for (const other of connections) {
      const [supplier, retailer] = type === 'supplier' ? [name, other] : [other, name];
      const key = pairKey(supplier, retailer);
      if (!state.connections.has(key)) pairs.set(key, { supplier, retailer });
    }
  }
  return [...pairs.values()].map(({ supplier, retailer }) => ({
    kind: 'connection',
    text: `+ connection: "${retailer}" reads "${supplier}"`,
    run: async ({ accounts }) => {
      const supplierId = await idOf(accounts, supplier);
      await accounts.createConnection(supplierId, await idOf(accounts, retailer));
    },
  }));
}

function shownInterval(minutes: number | null): string {
  return minutes === null ? 'never' : `${minutes} minutes`;
}

function changedIntervals(
  { name, expectedMinutes: minutes }: WantedOrganization,
  state: CurrentState,
): readonly ApplyChange[] {
  const id = state.organizations.get(name)?.id;
  const current = id === undefined ? null : (state.expectedMinutes.get(id) ?? null);
  if (minutes === undefined || minutes === current) return [];
  return [
    {
      kind: 'interval',
      text: `~ "${name}" is expected to report every: ${shownInterval(current)} → ${shownInterval(minutes)}`,
      run: async ({ accounts, changes }) =>
        changes.setExpectedInterval(await idOf(accounts, name), minutes, commandLineAuthor()),
    },
  ];
}

/** Tokens of the same permissions are counted: one that is there already is not created again. */
function createdTokens(
  { name, tokens }: WantedOrganization,
  state: CurrentState,
): readonly ApplyChange[] {
  const byPermissions = Map.groupBy(tokens, ({ permissions }) => tokenKey(name, permissions));
  return [...byPermissions].flatMap(([key, same]) =>
    same.slice(state.tokens.get(key) ?? 0).map((token) => createdToken(name, token)),
  );
}

function createdToken(name: string, { permissions, lifetimeMs }: WantedToken): ApplyChange {
  return {
    kind: 'token',
    text: `+ token of "${name}" (${permissions.join(' ')})`,
    run: async ({ accounts }, keepToken) => {
      const token = newToken();
      const expiresAtMs = lifetimeMs === null ? null : Date.now() + lifetimeMs;
      const user = await accounts.findServiceUser(await idOf(accounts, name));
      await keepToken({ organization: name, permissions, expiresAtMs, token });
      const tokenHash = hashToken(token);
      await accounts.createToken({ userId: user.id, tokenHash, permissions, expiresAtMs });
    },
  };
}

async function idOf(accounts: AdminStore['accounts'], name: string): Promise<number> {
  const organization = await accounts.findOrganization(name);
  if (organization === undefined) throw new Error(`there is no organization ${name}`);
  return organization.id;
}

function tokenKey(organization: string, permissions: readonly Permission[]): string {
  return `${organization}\n${permissions.join(' ')}`;
}

function pairKey(supplier: string, retailer: string): string {
  return `${supplier}\n${retailer}`;
}
