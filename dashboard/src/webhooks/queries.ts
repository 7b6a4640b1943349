import { queryOptions } from '@tanstack/react-query';
import type { Acting } from '../acting/acting.tsx';

const DELIVERIES_REFRESH_MS = 5000;

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

/** The latest messages, read again while the reader looks at them. */
export function deliveriesQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['webhooks', scope, uuid, 'deliveries'],
    queryFn: async ({ signal }) => onhand.webhooks.deliveries(uuid, { signal }),
    refetchInterval: DELIVERIES_REFRESH_MS,
  });
}

/** One message with its attempts. */
export function deliveryQuery({ onhand, scope }: Acting, uuid: string, messageId: string) {
  return queryOptions({
    queryKey: ['webhooks', scope, uuid, 'deliveries', messageId],
    queryFn: async ({ signal }) => onhand.webhooks.delivery(uuid, messageId, { signal }),
    refetchInterval: DELIVERIES_REFRESH_MS,
  });
}
