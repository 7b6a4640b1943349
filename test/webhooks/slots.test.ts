import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChangeFeed } from '../../src/changes/change-feed.ts';
import type { Store } from '../../src/store/store.ts';
import { WebhookSender } from '../../src/webhooks/sender.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';
import { Receiver } from './receiver.ts';
import { OPTIONS, SECRET, urlOf } from './sending.ts';

const SLOW_WEBHOOKS = 75;
const LIMITS = {
  webhookSendsMax: 64,
  webhookSendsPerOrganizationMax: 16,
  webhookAttemptsKept: 100,
};

let database: TestDatabase;
let store: Store;
let sender: WebhookSender;

beforeEach(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  sender = new WebhookSender({
    webhooks: store.webhooks,
    changes: store.changes,
    accounts: store.accounts,
    feed: new ChangeFeed(store.changes, store.accounts),
    // Only the end of the test ends an attempt.
    options: { ...OPTIONS, timeoutMs: 600_000 },
    limits: LIMITS,
    nodeId: randomUUID(),
    onFailure: () => undefined,
  });
});
afterEach(async () => {
  await sender.stop();
  await store.close();
  await database.remove();
});

/** Creates a supplier with webhooks to a URL and a change to deliver. */
async function supplierWithWebhooks(name: string, url: string, count: number): Promise<number> {
  const id = await createSupplier(store, name);
  await importSkus(store, id, [entry('A')]);
  for (let i = 0; i < count; i += 1) {
    const webhook = await store.webhooks.create(
      {
        organizationId: id,
        description: null,
        supplierUuids: null,
        url,
        secrets: { current: SECRET, previous: null },
        creator: null,
      },
      count,
    );
    await store.webhooks.follow(webhook?.id ?? 0, id, 0);
  }
  return id;
}

const change = (supplierId: number) =>
  applyOne(store, batchOf(supplierId, [{ skuId: 'A', fields: { quantityInStock: 1 } }]));

test('many receivers of one organization that never answer do not delay the messages of another', async () => {
  const slow = await Receiver.http(() => undefined);
  const quick = await Receiver.http((response) => response.end());
  try {
    await change(await supplierWithWebhooks('Slow', urlOf(slow), SLOW_WEBHOOKS));
    const victim = await supplierWithWebhooks('Quick', urlOf(quick), 1);
    sender.start();
    await expect.poll(() => slow.received.length).toBe(LIMITS.webhookSendsPerOrganizationMax);
    await change(victim);
    await expect.poll(() => quick.received.length, { timeout: 20_000 }).toBe(1);
    expect(slow.received).toHaveLength(LIMITS.webhookSendsPerOrganizationMax);
  } finally {
    await slow.close();
    await quick.close();
  }
});
