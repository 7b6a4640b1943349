import { queryOptions } from '@tanstack/react-query';
import type { Connections, Organizations, Sessions, Tokens, Users } from './types.ts';
import { transport } from '../api/client.ts';

const PATH = '/timp/organizations/';
export const TOKENS_PATH = `${PATH}tokens/`;
export const USERS_PATH = `${PATH}users/`;
export const SESSIONS_PATH = `${PATH}sessions/`;
export const PASSWORD_PATH = `${PATH}user-password/`;
export const CONNECTIONS_PATH = `${PATH}connections/`;
export const ORGANIZATIONS_PATH = PATH;
const LIMIT = 500;

/** Whose tokens and users: the operator names another organization, everybody else has only their own. */
export type Whose = string | undefined;

export function tokensQuery(organization: Whose) {
  return queryOptions({
    queryKey: ['access', 'tokens', organization],
    queryFn: async ({ signal }): Promise<Tokens> =>
      transport.json<Tokens>(
        { method: 'GET', path: TOKENS_PATH, query: { organization, limit: LIMIT } },
        { signal },
      ),
  });
}

export function usersQuery(organization: Whose) {
  return queryOptions({
    queryKey: ['access', 'users', organization],
    queryFn: async ({ signal }): Promise<Users> =>
      transport.json<Users>(
        { method: 'GET', path: USERS_PATH, query: { organization, limit: LIMIT } },
        { signal },
      ),
  });
}

export const sessionsQuery = queryOptions({
  queryKey: ['access', 'sessions'],
  queryFn: async ({ signal }): Promise<Sessions> =>
    transport.json<Sessions>({ method: 'GET', path: SESSIONS_PATH }, { signal }),
});

export const organizationsQuery = queryOptions({
  queryKey: ['access', 'organizations'],
  queryFn: async ({ signal }): Promise<Organizations> =>
    transport.json<Organizations>(
      { method: 'GET', path: ORGANIZATIONS_PATH, query: { limit: LIMIT } },
      { signal },
    ),
});

export const connectionsQuery = queryOptions({
  queryKey: ['access', 'connections'],
  queryFn: async ({ signal }): Promise<Connections> =>
    transport.json<Connections>(
      { method: 'GET', path: CONNECTIONS_PATH, query: { limit: LIMIT } },
      { signal },
    ),
});
