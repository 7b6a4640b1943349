import { queryOptions } from '@tanstack/react-query';
import type { Acting } from '../acting/acting.tsx';

const ATTEMPTS_REFRESH_MS = 5000;

export function webhooksQuery({ onhand, scope }: Acting) {
  return queryOptions({
    queryKey: ['webhooks', scope],
    queryFn: async ({ signal }) => onhand.webhooks.list({ signal }),
  });
}

export function webhookQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['webhooks', scope, uuid],
    queryFn: async ({ signal }) => onhand.webhooks.get(uuid, { signal }),
  });
}

/** The latest hundred attempts, read again while the reader looks at them. */
export function attemptsQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['webhooks', scope, uuid, 'attempts'],
    queryFn: async ({ signal }) => (await onhand.webhooks.attempts(uuid, { signal })).attempts,
    refetchInterval: ATTEMPTS_REFRESH_MS,
  });
}
