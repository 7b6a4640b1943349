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
 * Makes webhooks follow the suppliers that they are for. Each gets the future changes of a supplier that became
 * visible, and none of one that is no longer visible. One read answers for all of them, except for connections, which
 * are read per organization.
 */
export async function followVisible(
  all: readonly Webhook[],
  { webhooks, changes, accounts }: FollowParts,
): Promise<void> {
  const positions = await webhooks.positions(all.map(({ id }) => id));
  const byWebhook = Map.groupBy(positions, ({ webhookId }) => webhookId);
  const visibleTo = await visibleToAll(all, accounts);
  const chosen = await accounts.findOrganizationsByUuid([
    ...new Set(all.flatMap(({ supplierUuids }) => supplierUuids ?? [])),
  ]);
  const idOf = new Map(chosen.map(({ uuid, id }) => [uuid, id]));
  const followers = all.map(({ id, organizationId, supplierUuids }) => {
    const ids = supplierUuids && new Set(supplierUuids.map((uuid) => idOf.get(uuid)));
    const visible = (visibleTo.get(organizationId) ?? []).filter((own) => ids?.has(own) ?? true);
    const followed = new Set(byWebhook.get(id)?.map(({ supplierId }) => supplierId));
    return { id, visible, followed, entered: visible.filter((own) => !followed.has(own)) };
  });
  const entered = new Set(followers.flatMap((follower) => follower.entered));
  const heads = await changes.heads([...entered]);
  for (const { id, visible, followed, entered: own } of followers) {
    for (const supplierId of own) {
      const head = heads.get(supplierId);
      if (head !== undefined) await webhooks.follow(id, supplierId, head.lastSequence);
    }
    const stillVisible = new Set(visible);
    for (const supplierId of followed) {
      if (!stillVisible.has(supplierId)) await webhooks.unfollow(id, supplierId);
    }
  }
}

/** Organizations whose connections are read at the same time. */
const READ_AT_ONCE = 20;

async function visibleToAll(
  all: readonly Webhook[],
  accounts: FollowParts['accounts'],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const ids = [...new Set(all.map(({ organizationId }) => organizationId))];
  const organizations = await accounts.findOrganizationsById(ids);
  const visible = new Map<number, readonly number[]>();
  for (let from = 0; from < organizations.length; from += READ_AT_ONCE) {
    const page = organizations.slice(from, from + READ_AT_ONCE);
    await Promise.all(
      page.map(async ({ id, type }) => {
        visible.set(id, await accounts.visibleSupplierIds(id, type));
      }),
    );
  }
  return visible;
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
