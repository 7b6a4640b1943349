/** What the owner of a webhook has sent again: one message, or all changes since a time. */
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { ChangeHead } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';
import type { MessageRange, Webhook, WebhookPosition } from '../domain/webhooks.ts';
import type { ChangeStore, WebhookStore } from '../store/store.ts';
import { deliver, type AttemptOutcome, type DeliverOptions } from './attempt.ts';
import { logAttempt, nextMessage, readMessageChanges, type AttemptLimits } from './messages.ts';
import { readMessage, writeMessage } from './schedule.ts';
import { suppliersOf, type FollowParts } from './suppliers.ts';

interface RedeliveryParts {
  readonly webhooks: Pick<WebhookStore, 'positions' | 'exchange' | 'verify' | 'logAttempt'>;
  readonly changes: Pick<ChangeStore, 'heads' | 'read'>;
  readonly accounts: FollowParts['accounts'];
  readonly feed: ChangeFeed;
  readonly options: DeliverOptions;
  readonly limits: AttemptLimits;
}

/**
 * Sends a message once more, at once, with its ID and a new signature. If the message was waiting for a retry and is
 * delivered by this, the supplier's next message follows.
 *
 * @throws OnhandError `webhook_refused` if the webhook no longer gets the supplier's changes, `history_expired` if the
 *   changes have been deleted
 */
export async function sendAgain(
  webhook: Webhook,
  message: { readonly messageId: string; readonly range: MessageRange },
  parts: RedeliveryParts,
): Promise<AttemptOutcome> {
  const { webhooks, accounts, options } = parts;
  const { messageId, range } = message;
  if (!(await suppliersOf(webhook, accounts)).includes(range.supplierId)) {
    throw new OnhandError(
      'webhook_refused',
      'This webhook no longer gets the changes of the supplier that this message is about.',
    );
  }
  const chunk = await readMessageChanges(webhook, range, parts);
  if (chunk === undefined) {
    throw new OnhandError(
      'history_expired',
      'The changes in this message are older than the retention period and have been deleted. Read the list of SKUs.',
    );
  }
  const { url, secrets } = webhook;
  const outcome = await deliver(
    {
      url,
      secrets,
      messageId,
      message: { type: 'inventory.changed', records: chunk.records, cursor: chunk.cursor },
      causes: chunk.causes,
      madeAtMs: options.now(),
    },
    options,
  );
  await logAttempt(parts, webhook, message, outcome);
  if (outcome.result.kind !== 'delivered') return outcome;
  await webhooks.verify(webhook.id, url, options.now());
  await settleWaiting(webhook, message, webhooks);
  return outcome;
}

/** Moves the position behind a message that was waiting for its next attempt. */
async function settleWaiting(
  { id }: Webhook,
  { messageId, range }: { readonly messageId: string; readonly range: MessageRange },
  webhooks: RedeliveryParts['webhooks'],
): Promise<void> {
  const positions = await webhooks.positions([id]);
  const position = positions.find(({ supplierId }) => supplierId === range.supplierId);
  if (position === undefined || position.message === null) return;
  const { delivery } = readMessage(position.message);
  if (delivery.messageId !== messageId || delivery.state === 'sending') return;
  await webhooks.exchange({ ...position, deliveredSequence: range.toSequence, message: null });
}

/** From where a supplier's changes are delivered again. */
interface Recovery {
  readonly position: WebhookPosition;
  readonly head: ChangeHead;
  readonly afterSequence: number;
}

/**
 * Finds what `recover` would deliver again: of each supplier that the webhook follows, the changes made at or after a
 * time that were delivered before. Changes that wait for delivery are not counted.
 */
export async function planRecovery(
  webhook: Webhook,
  sinceMs: number,
  { webhooks, changes, accounts }: Pick<RedeliveryParts, 'webhooks' | 'changes' | 'accounts'>,
): Promise<readonly Recovery[]> {
  const suppliers = new Set(await suppliersOf(webhook, accounts));
  const positions = await webhooks.positions([webhook.id]);
  const followed = positions.filter(({ supplierId }) => suppliers.has(supplierId));
  const heads = await changes.heads(followed.map(({ supplierId }) => supplierId));
  const recoveries: Recovery[] = [];
  for (const position of followed) {
    const head = heads.get(position.supplierId);
    if (head === undefined) continue;
    const first = await firstSince(position.supplierId, head, sinceMs, changes);
    const afterSequence = first - 1;
    if (afterSequence < position.deliveredSequence) {
      recoveries.push({ position, head, afterSequence });
    }
  }
  return recoveries;
}

/** The sequence of a supplier's first change at or after a time, or of the next one. Searches by halves. */
async function firstSince(
  supplierId: number,
  { oldestSequence, lastSequence }: ChangeHead,
  sinceMs: number,
  changes: Pick<ChangeStore, 'read'>,
): Promise<number> {
  let first = oldestSequence;
  let end = lastSequence + 1;
  while (first < end) {
    const middle = Math.floor((first + end) / 2);
    const [change] = await changes.read(supplierId, middle - 1, 1);
    // A change that has just been deleted was the oldest.
    if (change === undefined || change.sequence !== middle || change.changedAtMs < sinceMs) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

/** Delivers the changes of a plan again, in order, before any newer changes of the same supplier. */
export async function recover(
  { id, uuid }: Webhook,
  plan: readonly Recovery[],
  { webhooks, options }: Pick<RedeliveryParts, 'webhooks' | 'options'>,
): Promise<void> {
  for (const { position, head, afterSequence } of plan) {
    let current: WebhookPosition | undefined = position;
    while (current !== undefined && current.deliveredSequence > afterSequence) {
      const message = waitingMessage(current, { uuid, head, afterSequence, nowMs: options.now() });
      const isStored = await webhooks.exchange({
        ...current,
        deliveredSequence: afterSequence,
        message,
      });
      if (isStored) break;
      // A node has just sent a message.
      current = (await webhooks.positions([id])).find(
        ({ supplierId }) => supplierId === position.supplierId,
      );
    }
  }
}

/** A message that waits until the one that a node is sending has ended; null if none is being sent. */
function waitingMessage(
  { message, supplierId }: WebhookPosition,
  {
    uuid,
    head,
    afterSequence,
    nowMs,
  }: {
    readonly uuid: string;
    readonly head: ChangeHead;
    readonly afterSequence: number;
    readonly nowMs: number;
  },
): string | null {
  if (message === null) return null;
  const { delivery } = readMessage(message);
  if (delivery.state !== 'sending') return null;
  const next = nextMessage({
    webhookUuid: uuid,
    supplierId,
    deliveredSequence: afterSequence,
    head,
    nowMs,
    dueAtMs: delivery.lease.untilMs,
  });
  return writeMessage(next);
}
