import { visibleSuppliers } from '../changes/visible-suppliers.ts';
import type { Webhook } from '../domain/webhooks.ts';
import type { AccountStore, ChangeStore, WebhookStore } from '../store/store.ts';
import { readMessage, retryNow, writeMessage } from './schedule.ts';

export interface FollowParts {
  readonly webhooks: Pick<WebhookStore, 'positions' | 'follow' | 'unfollow'>;
  readonly changes: Pick<ChangeStore, 'heads'>;
  readonly accounts: Pick<
    AccountStore,
    'visibleSupplierIds' | 'findOrganizationsById' | 'findOrganizationsByUuid'
  >;
}

interface ResumeParts {
  readonly webhooks: Pick<WebhookStore, 'positions' | 'exchange'>;
  readonly changes: Pick<ChangeStore, 'heads'>;
}

/**
 * Makes a webhook follow the suppliers that it is for. It gets the future changes of a supplier that became
 * visible, and none of one that is no longer visible.
 */
export async function followVisible(
  webhook: Webhook,
  { webhooks, changes, accounts }: FollowParts,
): Promise<void> {
  const positions = await webhooks.positions([webhook.id]);
  const followed = new Set(positions.map(({ supplierId }) => supplierId));
  const visible = await suppliersOf(webhook, accounts);
  const heads = await changes.heads(visible.filter((id) => !followed.has(id)));
  for (const [id, { lastSequence }] of heads) await webhooks.follow(webhook.id, id, lastSequence);
  for (const id of followed) {
    if (!visible.includes(id)) await webhooks.unfollow(webhook.id, id);
  }
}

/**
 * Resumes delivery after the owner resumed the webhook or changed its URL: messages that wait for a retry are
 * due now. If undelivered changes have been dropped, it continues with future changes.
 */
export async function resumeWebhook(
  { id }: Webhook,
  { webhooks, changes }: ResumeParts,
  nowMs: number,
): Promise<void> {
  const positions = await webhooks.positions([id]);
  const heads = await changes.heads(positions.map(({ supplierId }) => supplierId));
  for (const position of positions) {
    const head = heads.get(position.supplierId);
    if (head === undefined) continue;
    if (position.deliveredSequence + 1 < head.oldestSequence) {
      const deliveredSequence = head.lastSequence;
      await webhooks.exchange({ ...position, deliveredSequence, message: null });
    } else if (position.message !== null) {
      const message = readMessage(position.message);
      const delivery = retryNow(message.delivery, nowMs);
      if (delivery === message.delivery) continue;
      await webhooks.exchange({ ...position, message: writeMessage({ ...message, delivery }) });
    }
  }
}

/** The suppliers of a webhook: those that its organization can see, or the chosen ones of them. */
export async function suppliersOf(
  { organizationId, supplierUuids }: Webhook,
  accounts: FollowParts['accounts'],
): Promise<readonly number[]> {
  const [organization] = await accounts.findOrganizationsById([organizationId]);
  if (organization === undefined) return [];
  const reader = { organizationId, organizationType: organization.type };
  return visibleSuppliers(accounts, reader, supplierUuids ?? undefined);
}
