import { queryOptions } from '@tanstack/react-query';
import { onhand } from '../api/client.ts';

export const PASSWORD_PATH = '/timp/organizations/user-password/';
const LIMIT = 500;

/** Whose tokens and users: the operator names another organization, everybody else has only their own. */
export type Whose = string | undefined;

export function tokensQuery(organization: Whose) {
  return queryOptions({
    queryKey: ['access', 'tokens', organization],
    queryFn: async ({ signal }) => onhand.tokens.list({ organization, limit: LIMIT }, { signal }),
  });
}

export function usersQuery(organization: Whose) {
  return queryOptions({
    queryKey: ['access', 'users', organization],
    queryFn: async ({ signal }) => onhand.users.list({ organization, limit: LIMIT }, { signal }),
  });
}

export const sessionsQuery = queryOptions({
  queryKey: ['access', 'sessions'],
  queryFn: async ({ signal }) => onhand.sessions.list({ signal }),
});

export const organizationsQuery = queryOptions({
  queryKey: ['access', 'organizations'],
  queryFn: async ({ signal }) => onhand.organizations.list({ limit: LIMIT }, { signal }),
});

export const connectionsQuery = queryOptions({
  queryKey: ['access', 'connections'],
  queryFn: async ({ signal }) => onhand.connections.list({ limit: LIMIT }, { signal }),
});
