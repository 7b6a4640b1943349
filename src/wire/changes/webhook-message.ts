import type { ChangeRecord } from '../../domain/changes.ts';
import { printChangeRecord, type ChangeChunk } from './changes.ts';
import { printTime } from '../times.ts';

/** What a webhook tells: changes, or that it was only tried out. */
export type WebhookMessage =
  ({ readonly type: 'inventory.changed' } & ChangeChunk) | { readonly type: 'webhook.test' };

/**
 * The body of a webhook's request: `type`, `timestamp` (when what it tells of came about, not when it is
 * sent) and `data`, as Standard Webhooks has them. The same message gives the same bytes each time, so
 * that every attempt has the body that belongs to its id.
 *
 * @param madeAtMs when the message was made: its timestamp where no record has a time
 */
export function printWebhookBody(message: WebhookMessage, madeAtMs: number): string {
  switch (message.type) {
    case 'inventory.changed':
      return JSON.stringify({
        type: message.type,
        timestamp: printTime(lastChangedAtMs(message.records) ?? madeAtMs),
        data: { records: message.records.map(printChangeRecord), cursor: message.cursor },
      });
    case 'webhook.test':
      return JSON.stringify({ type: message.type, timestamp: printTime(madeAtMs), data: {} });
  }
}

function lastChangedAtMs(records: readonly ChangeRecord[]): number | undefined {
  const times = records.flatMap((record) =>
    record.kind === 'change' ? [record.change.changedAtMs] : [],
  );
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
}
