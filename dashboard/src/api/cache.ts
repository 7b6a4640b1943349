import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { isUnauthenticated, leave, sessionQuery } from './session.ts';

/** What was read from the server. A reply of 401 to anything shows the log-in screen. */
export function createCache(): QueryClient {
  const hasSession = (): boolean => (cache.getQueryData(sessionQuery.queryKey) ?? null) !== null;
  const onError = (error: unknown): void => {
    if (isUnauthenticated(error) && hasSession()) leave(cache);
  };
  const cache: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The client has retried already.
      queries: { retry: false, staleTime: 10_000 },
      mutations: { retry: false },
    },
  });
  return cache;
}
