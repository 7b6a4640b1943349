import type { AccountStore, ChangeStore, WebhookStore } from '../store/store.ts';
import type { Webhook } from '../domain/webhooks.ts';
import { readMessage, writeMessage } from './message-record.ts';
import { retryNow } from './schedule.ts';

export interface FollowingParts {
  readonly webhooks: Pick<WebhookStore, 'positions' | 'follow' | 'unfollow'>;
  readonly changes: Pick<ChangeStore, 'heads'>;
  readonly accounts: Pick<
    AccountStore,
    'visibleSupplierIds' | 'findOrganizationsById' | 'findOrganizationsByUuid'
  >;
}

interface GoingOnParts {
  readonly webhooks: Pick<WebhookStore, 'positions' | 'exchange'>;
  readonly changes: Pick<ChangeStore, 'heads'>;
}

/**
 * Has a webhook follow the suppliers that it is for: those that came into sight from what is to come on,
 * those that left it no more.
 */
export async function followVisible(
  webhook: Webhook,
  { webhooks, changes, accounts }: FollowingParts,
): Promise<void> {
  const positions = await webhooks.positions([webhook.id]);
  const known = new Set(positions.map(({ supplierId }) => supplierId));
  const visible = await suppliersOf(webhook, accounts);
  const heads = await changes.heads(visible.filter((id) => !known.has(id)));
  for (const [id, { lastSequence }] of heads) await webhooks.follow(webhook.id, id, lastSequence);
  for (const id of known) {
    if (!visible.includes(id)) await webhooks.unfollow(webhook.id, id);
  }
}

/**
 * Goes on with a webhook that its owner resumed or gave another URL: what waits for its next attempt is
 * tried at once. Where changes that were not delivered are no longer kept, it goes on at what is to come.
 */
export async function resumeWebhook(
  { id }: Webhook,
  { webhooks, changes }: GoingOnParts,
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

/** The suppliers whose changes a webhook is told: those that its organization sees, or chose of them. */
export async function suppliersOf(
  { organizationId, supplierUuids }: Webhook,
  accounts: FollowingParts['accounts'],
): Promise<readonly number[]> {
  const [organization] = await accounts.findOrganizationsById([organizationId]);
  if (organization === undefined) return [];
  const visible = await accounts.visibleSupplierIds(organizationId, organization.type);
  if (supplierUuids === null) return visible;
  const chosen = await accounts.findOrganizationsByUuid(supplierUuids);
  return visible.filter((id) => chosen.some((supplier) => supplier.id === id));
}
