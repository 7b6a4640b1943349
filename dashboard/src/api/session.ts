import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { OnhandError, type Session } from '../../../client/src/index.ts';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { onhand, transport } from './client.ts';

export type OrganizationType = Session['organization']['type'];

/** A user of the demo, whose password is public. */
export interface DemoLogin {
  readonly username: string;
  readonly password: string;
  readonly organization: string;
  readonly type: OrganizationType;
}

/** The session of this browser; null without one. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await onhand.sessions.current({ signal });
    } catch (error) {
      if (isUnauthenticated(error)) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** The users of the demo; none on any other server. */
export const demoLoginsQuery = queryOptions({
  queryKey: ['demo-logins'],
  queryFn: async ({ signal }): Promise<readonly DemoLogin[]> => {
    try {
      const { logins } = await transport.json<{ readonly logins: readonly DemoLogin[] }>(
        { method: 'GET', path: '/timp/organizations/demo-logins/' },
        { signal },
      );
      return logins;
    } catch {
      return [];
    }
  },
  staleTime: Infinity,
});

/** Logs in; afterwards nothing that another user has read is left in the cache. */
export async function logIn(
  cache: QueryClient,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  become(cache, await onhand.sessions.create({ username, password }));
}

/** Creates the operator and its user with the secret of the one-time set-up link. */
export async function setUp(
  cache: QueryClient,
  draft: {
    readonly secret: string;
    readonly organization: string;
    readonly username: string;
    readonly password: string;
  },
): Promise<void> {
  const request = jsonRequest('POST', '/timp/organizations/setup/', draft);
  become(cache, await transport.json<Session>(request));
}

/** Ends the session and forgets everything that it has read. */
export async function logOut(cache: QueryClient): Promise<void> {
  await onhand.sessions.endCurrent();
  leave(cache);
}

/** Shows the log-in screen: the server said that the session is over. */
export function leave(cache: QueryClient): void {
  become(cache, null);
}

export function isUnauthenticated(error: unknown): boolean {
  return error instanceof OnhandError && error.status === 401;
}

/** The page shows the screens of another user, or the log-in, and nothing that the one before has read. */
function become(cache: QueryClient, session: Session | null): void {
  cache.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
  cache.setQueryData(sessionQuery.queryKey, session);
}

/** The session of the screens, which only those who are logged in see. */
export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('This component is only for who is logged in.');
  return session;
}
