import type { ChangeFeed } from '../changes/change-feed.ts';
import type { ChangeHead, ChangeRecord } from '../domain/changes.ts';
import type { MessageRange, Webhook } from '../domain/webhooks.ts';
import type { ChangeStore, WebhookStore } from '../store/store.ts';
import type { AttemptOutcome } from './attempt.ts';
import { writeExchange } from './exchange.ts';
import { newDelivery, type OutgoingMessage } from './schedule.ts';

/** The most changes in one message. */
const RECORDS_MAX = 500;

interface NewMessage {
  readonly webhookUuid: string;
  readonly supplierId: number;
  readonly deliveredSequence: number;
  readonly head: ChangeHead;
  readonly nowMs: number;
  /** When it is sent; `nowMs` if not given. */
  readonly dueAtMs?: number;
}

/** The next message of a supplier. Changes that are delivered again get another ID than the first time. */
export function nextMessage(next: NewMessage): OutgoingMessage {
  const { webhookUuid, supplierId, deliveredSequence, head, nowMs, dueAtMs = nowMs } = next;
  const toSequence = Math.min(head.lastSequence, deliveredSequence + RECORDS_MAX);
  const messageId = `msg_${webhookUuid}_${supplierId}_${toSequence}_${nowMs.toString(36)}`;
  return { toSequence, madeAtMs: nowMs, delivery: newDelivery(messageId, dueAtMs) };
}

interface MessageChanges {
  readonly records: readonly Extract<ChangeRecord, { readonly kind: 'change' }>[];
  readonly cursor: string;
  /** The traces in which the changes were made, in order. */
  readonly causes: readonly string[];
}

interface ReadParts {
  readonly changes: Pick<ChangeStore, 'read'>;
  readonly feed: ChangeFeed;
}

/** The changes of a message and the cursor after them; undefined if they have been dropped. */
export async function readMessageChanges(
  { organizationId }: Pick<Webhook, 'organizationId'>,
  { supplierId, afterSequence, toSequence }: MessageRange,
  { changes, feed }: ReadParts,
): Promise<MessageChanges | undefined> {
  const count = toSequence - afterSequence;
  const read = await changes.read(supplierId, afterSequence, count);
  if (read[0]?.sequence !== afterSequence + 1 || read.length !== count) return undefined;
  const reader = { organizationId, supplierIds: () => Promise.resolve([supplierId]) };
  const cursor = { sequences: new Map([[supplierId, toSequence]]), turn: 0 };
  const records = read.map((change) => ({ kind: 'change' as const, change }));
  const causes = read.flatMap(({ traceparent }) => traceparent ?? []);
  return { records, cursor: await feed.print(reader, cursor), causes };
}

/** Which attempts are stored. Each is a setting of `config.ts`. */
export interface AttemptLimits {
  readonly webhookAttemptsKept: number;
}

/** Stores an attempt, for the webhook's owner to read. */
export async function logAttempt(
  {
    webhooks,
    limits,
  }: { readonly webhooks: Pick<WebhookStore, 'logAttempt'>; readonly limits: AttemptLimits },
  webhook: Pick<Webhook, 'id'>,
  message: { readonly messageId: string; readonly range: MessageRange | null },
  { result, status, text, startedAtMs, durationMs, exchange }: AttemptOutcome,
): Promise<void> {
  const isDelivered = result.kind === 'delivered';
  const timing = { startedAtMs, durationMs };
  await webhooks.logAttempt(
    webhook.id,
    { ...message, ...timing, status, text, isDelivered, exchange: writeExchange(exchange) },
    limits.webhookAttemptsKept,
  );
}
