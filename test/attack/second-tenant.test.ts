import { afterAll, beforeAll, expect, test } from 'vitest';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { expectIsolated, SecondTenant } from './second-tenant.ts';

let server: AttackedServer<Tenant>;

beforeAll(async () => {
  server = await AttackedServer.start({
    prepare: (store) => createTenant(store, 'First tenant', { skus: 10 }),
  });
});
afterAll(() => server.stop());

test('a second tenant is measured before and during what another one does', async () => {
  const before = await server.secondTenant.before();
  expect(before.refused).toEqual([]);
  const { result, latencies } = await server.secondTenant.during(
    new SecondTenant(server.url, server.prepared).before(50),
  );
  expectIsolated(result);
  expectIsolated(latencies);
  expect(latencies.requests).toBeGreaterThanOrEqual(before.requests);
  expect(latencies.p50Ms).toBeLessThanOrEqual(latencies.p99Ms);
});

test('requests that are refused are reported', async () => {
  const stranger = new SecondTenant(server.url, { ...server.prepared, token: '0'.repeat(40) });
  const { refused } = await stranger.before(1);
  expect(refused).toEqual([
    'POST /timp/products/skus/inventory/bulk/: 401',
    'GET /timp/products/skus/?limit=5: 401',
  ]);
});
