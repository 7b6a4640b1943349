import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { isUnauthenticated, leave, sessionQuery } from './session.ts';

function onError(error: unknown): void {
  const hasSession = (cache.getQueryData(sessionQuery.queryKey) ?? null) !== null;
  if (isUnauthenticated(error) && hasSession) leave(cache);
}

/** What was read from the server. A reply of 401 to anything shows the log-in screen. */
export const cache: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    // The client has retried already.
    queries: { retry: false, staleTime: 10_000 },
    mutations: { retry: false },
  },
});
