import type { DeliveryRecord, WebhookAttempt, WebhookPosition } from '../domain/webhooks.ts';
import { leasableAtMs, readMessage } from './schedule.ts';

/**
 * Groups attempts by their message, the message with the latest attempt first.
 *
 * @param attempts the latest first
 * @param positions of the same webhook
 */
export function deliveriesOf(
  attempts: readonly WebhookAttempt[],
  positions: readonly WebhookPosition[],
): readonly DeliveryRecord[] {
  const dueAtMs = new Map(
    positions.flatMap(({ message }) => {
      if (message === null) return [];
      const { delivery } = readMessage(message);
      return [[delivery.messageId, leasableAtMs(delivery)] as const];
    }),
  );
  const groups = Map.groupBy(attempts, ({ messageId }) => messageId);
  return [...groups].flatMap(([messageId, own]) => {
    const [last] = own;
    const first = own.at(-1);
    if (last === undefined || first === undefined) return [];
    const nextAttemptAtMs = dueAtMs.get(messageId) ?? Infinity;
    return {
      messageId,
      range: own.find(({ range }) => range !== null)?.range ?? null,
      attemptCount: own.length,
      firstStartedAtMs: first.startedAtMs,
      last,
      isDelivered: own.some(({ isDelivered }) => isDelivered),
      nextAttemptAtMs: Number.isFinite(nextAttemptAtMs) ? nextAttemptAtMs : null,
    };
  });
}
