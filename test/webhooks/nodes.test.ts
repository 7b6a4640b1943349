import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ChangeFeed } from '../../src/changes/change-feed.ts';
import { WebhookSender } from '../../src/webhooks/sender.ts';
import type { Store, WebhookStore } from '../../src/store/store.ts';
import { at } from '../http/answers.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  type TestDatabase,
} from '../store/fixtures.ts';
import { postgresDatabase } from '../store/postgres/database.ts';
import { Receiver } from './receiver.ts';
import { open, OPTIONS, SECRET, urlOf } from './sending.ts';

const SUPPLIERS = ['Acme', 'Bolt', 'Crest'];
const BATCHES = 30;
const LEASE_MS = 60_000;

let database: TestDatabase;
let nodes: readonly [Store, Store];
let supplierIds: number[];
let retailerId: number;
let senders: WebhookSender[];
let nowMs: number;

beforeEach(async () => {
  database = await postgresDatabase();
  nodes = [await openTestStore(database), await openTestStore(database)];
  const [{ accounts }] = nodes;
  senders = [];
  supplierIds = [];
  nowMs = Date.now();
  retailerId = (await accounts.createOrganization({ type: 'retailer', name: 'Shop' })).id;
  for (const name of SUPPLIERS) {
    const id = await createSupplier(nodes[0], name);
    await importSkus(nodes[0], id, [entry('A')]);
    await accounts.createConnection(id, retailerId);
    supplierIds.push(id);
  }
});
afterEach(async () => {
  await Promise.all(senders.map((sender) => sender.stop()));
  await Promise.all(nodes.map((node) => node.close()));
  await database.remove();
});

async function register(url: string): Promise<void> {
  const { webhooks } = nodes[0];
  const secrets = { current: SECRET, previous: null };
  const registered = { organizationId: retailerId, description: null, supplierUuids: null };
  const webhook = await webhooks.create({ ...registered, url, secrets, creator: null }, 1);
  if (webhook === undefined) throw new Error('the webhook was refused');
  const { id } = webhook;
  for (const supplierId of supplierIds) await webhooks.follow(id, supplierId, 0);
}

/** A sending node whose store calls go to `webhooks`. */
function senderOn(store: Store, webhooks: WebhookStore = store.webhooks): WebhookSender {
  const sender = new WebhookSender({
    webhooks,
    changes: store.changes,
    accounts: store.accounts,
    feed: new ChangeFeed(store.changes, store.accounts),
    options: { ...OPTIONS, now: () => nowMs },
    limits: { webhookSendsMax: 64, webhookSendsPerOrganizationMax: 16, webhookAttemptsKept: 100 },
    nodeId: randomUUID(),
    onFailure: () => undefined,
  });
  senders.push(sender);
  sender.start();
  return sender;
}

/** The supplier and sequence of each change in a message. */
function changesIn(body: string): readonly (readonly [supplier: unknown, sequence: unknown])[] {
  const records = at(JSON.parse(body), 'data', 'records');
  if (!Array.isArray(records)) throw new Error('a message has no records');
  return records.map((record: unknown) => [at(record, 'supplier', 'name'), at(record, 'sequence')]);
}

async function changeAll(quantity: number): Promise<void> {
  await Promise.all(
    supplierIds.map((id, i) =>
      applyOne(
        nodes[i % 2 === 0 ? 0 : 1],
        batchOf(id, [{ skuId: 'A', fields: { quantityInStock: quantity } }]),
      ),
    ),
  );
}

describe('several nodes that send to one webhook', () => {
  test('send each change once, in order, and never two messages of a supplier concurrently', async () => {
    const underWay = new Set<unknown>();
    let overlaps = 0;
    const receiver = await open(
      Receiver.http((response, { body }) => {
        const [first] = changesIn(body);
        const supplier = first?.[0];
        if (underWay.has(supplier)) overlaps += 1;
        underWay.add(supplier);
        setImmediate(() => {
          underWay.delete(supplier);
          response.end();
        });
      }),
    );
    await register(urlOf(receiver));
    for (const node of nodes) senderOn(node);
    for (let n = 1; n <= BATCHES; n += 1) await changeAll(n);
    const received = () => receiver.received.flatMap(({ body }) => changesIn(body));
    await expect
      .poll(() => received().length, { timeout: 20_000 })
      .toBe(BATCHES * supplierIds.length);
    expect(overlaps).toBe(0);
    for (const name of SUPPLIERS) {
      const sequences = received().flatMap(([supplier, sequence]) =>
        supplier === name ? [sequence] : [],
      );
      expect(sequences).toEqual(Array.from({ length: BATCHES }, (_, i) => i + 1));
    }
  });

  test('a node that finds the webhook paused at the last moment releases its lease', async () => {
    const receiver = await open(Receiver.http((response) => response.end()));
    await register(urlOf(receiver));
    await changeAll(1);
    senderOn(nodes[0], pausedOnce(nodes[0].webhooks));
    // The sender's clock does not advance, so no lease expires.
    await expect.poll(() => receiver.received.length).toBe(supplierIds.length);
  });

  test('another node sends the same messages again if the first dies while sending', async () => {
    const receiver = await open(Receiver.http((response) => response.end()));
    await register(urlOf(receiver));
    const [first, second] = nodes;
    const dead = senderOn(first, dying(first.webhooks));
    await changeAll(1);
    await expect.poll(() => receiver.received.length).toBe(supplierIds.length);
    await dead.stop();
    const sent = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));

    senderOn(second);
    await changeAll(2);
    // The lease of the dead node is respected until it expires.
    nowMs += LEASE_MS;
    const received = () =>
      receiver.received.slice(sent.size).flatMap(({ body }) => changesIn(body));
    await expect.poll(() => received().length, { timeout: 10_000 }).toBe(2 * supplierIds.length);
    const again = receiver.received.slice(sent.size).map(({ headers }) => headers['webhook-id']);
    expect(new Set(again.filter((id) => sent.has(id)))).toEqual(sent);
    for (const name of SUPPLIERS) {
      const sequences = received().flatMap(([supplier, sequence]) =>
        supplier === name ? [sequence] : [],
      );
      expect(sequences).toEqual([1, 2]);
    }
  });
});

/** Simulates a node that is killed while it sends: it never records the result. */
function dying(webhooks: WebhookStore): WebhookStore {
  return altered(webhooks, {
    exchange: (position) =>
      position.message === null ? Promise.reject(new Error('killed')) : webhooks.exchange(position),
  });
}

/** Simulates an owner who pauses the webhook just before a message is sent, and resumes it later. */
function pausedOnce(webhooks: WebhookStore): WebhookStore {
  let isPaused = false;
  return altered(webhooks, {
    find: async (organizationId, uuid) => {
      const webhook = await webhooks.find(organizationId, uuid);
      if (webhook === undefined || isPaused) return webhook;
      isPaused = true;
      return { ...webhook, pausedReason: 'Paused by its owner.' };
    },
  });
}

function altered(webhooks: WebhookStore, changes: Partial<WebhookStore>): WebhookStore {
  return {
    create: (draft, limit) => webhooks.create(draft, limit),
    list: (organizationId) => webhooks.list(organizationId),
    find: (organizationId, uuid) => webhooks.find(organizationId, uuid),
    update: (id, change) => webhooks.update(id, change),
    verify: (id, url, atMs) => webhooks.verify(id, url, atMs),
    remove: (id) => webhooks.remove(id),
    active: () => webhooks.active(),
    paused: () => webhooks.paused(),
    positions: (ids) => webhooks.positions(ids),
    follow: (id, supplierId, sequence) => webhooks.follow(id, supplierId, sequence),
    unfollow: (id, supplierId) => webhooks.unfollow(id, supplierId),
    exchange: (position) => webhooks.exchange(position),
    logAttempt: (id, attempt, keptMax) => webhooks.logAttempt(id, attempt, keptMax),
    attempts: (id) => webhooks.attempts(id),
    attemptsOf: (id, messageId) => webhooks.attemptsOf(id, messageId),
    ...changes,
  };
}
