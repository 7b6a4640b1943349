import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { createSupplier, openTestStore, type TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';

let database: TestDatabase;
let nodes: [Store, Store];

beforeEach(async () => {
  database = await postgresDatabase();
  nodes = [await openTestStore(database), await openTestStore(database)];
});

afterEach(async () => {
  for (const node of nodes) await node.close();
  await database.remove();
});

test('a token revoked on one node is rejected there at once, and on every other node soon after', async () => {
  const [here, there] = nodes;
  const supplierId = await createSupplier(here, 'Acme');
  const { id: userId } = await here.accounts.findServiceUser(supplierId);
  const tokenHash = randomBytes(32);
  const draft = { userId, tokenHash, permissions: [], expiresAtMs: null };
  const { id } = await here.accounts.createToken(draft);
  const isKnownBy = async (node: Store) =>
    (await node.accounts.findPrincipal(tokenHash, 0)) !== undefined;
  expect(await Promise.all(nodes.map(isKnownBy))).toEqual([true, true]);
  expect(await here.accounts.revokeToken(id)).toBe(true);
  expect(await isKnownBy(here)).toBe(false);
  await expect.poll(() => isKnownBy(there), { timeout: 10_000, interval: 20 }).toBe(false);
});

test('an unknown token is not cached as unknown', async () => {
  const [here, there] = nodes;
  const supplierId = await createSupplier(here, 'Acme');
  const { id: userId } = await here.accounts.findServiceUser(supplierId);
  const tokenHash = randomBytes(32);
  expect(await there.accounts.findPrincipal(tokenHash, 0)).toBeUndefined();
  await here.accounts.createToken({ userId, tokenHash, permissions: [], expiresAtMs: 10 });
  expect(await there.accounts.findPrincipal(tokenHash, 9)).toMatchObject({ userId });
  expect(await there.accounts.findPrincipal(tokenHash, 10)).toBeUndefined();
});

test('only one of two nodes can create an organization with the same name', async () => {
  const made = await Promise.allSettled(nodes.map((node) => createSupplier(node, 'Acme')));
  const refused = made.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject([{ reason: { code: 'already_exists' } }]);
});

test('a value that PostgreSQL cannot store is not found, instead of causing an error', async () => {
  const [{ accounts, skus, batches }] = nodes;
  const supplierId = await createSupplier(nodes[0], 'Acme');
  for (const text of ['a\0b', 'a\uD800']) {
    expect(await accounts.findOrganization(text)).toBeUndefined();
    expect(await accounts.findUser(text)).toBeUndefined();
    const query = { supplierIds: [supplierId], from: { start: 0 }, limit: 5 } as const;
    expect(await skus.list({ ...query, filter: { skuId: text } })).toEqual({
      totalCount: 0,
      skus: [],
      hasMore: false,
    });
  }
  for (const uuid of ['', 'x', '7c9e6679-7425-40de-944b-e07fc1f90ae7 ']) {
    expect(await accounts.findOrganizationsByUuid([uuid])).toEqual([]);
    expect(await skus.find([supplierId], uuid)).toBeUndefined();
    expect(await batches.find(supplierId, uuid)).toBeUndefined();
    expect(await batches.failures(supplierId, uuid)).toBeUndefined();
  }
});

test('a store can be closed repeatedly, and rejects later calls', async () => {
  const [node] = nodes;
  await Promise.all([node.close(), node.close()]);
  await expect(node.accounts.listOrganizations()).rejects.toThrow('The database is closed.');
});
