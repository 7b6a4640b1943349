import { queryOptions } from '@tanstack/react-query';
import type { Acting } from '../acting/acting.tsx';

const DELIVERIES_REFRESH_MS = 5000;
/** At most so much of receivers' responses is read while a list stays open: 10 KB each second. */
const CHARACTERS_PER_MS = 10;

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

/** The latest messages, read again while the reader looks at them: less often if the receiver's responses are long. */
export function deliveriesQuery({ onhand, scope }: Acting, uuid: string) {
  return queryOptions({
    queryKey: ['webhooks', scope, uuid, 'deliveries'],
    queryFn: async ({ signal }) => onhand.webhooks.deliveries(uuid, { signal }),
    refetchInterval: ({ state }) => {
      const characters = state.data?.reduce((sum, { response }) => sum + response.length, 0) ?? 0;
      return Math.max(DELIVERIES_REFRESH_MS, characters / CHARACTERS_PER_MS);
    },
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
