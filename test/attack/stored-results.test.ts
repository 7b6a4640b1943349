import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { textAt } from '../http/answers.ts';
import { BULK, TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';

const SKUS = Array.from({ length: 50 }, (_, i) => `sku-${i}`);

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ organizationFailedResultsBytesMax: 4000 });
  ({ token } = await server.createSupplier(
    'Attacker',
    SKUS.map((skuId) => entry(skuId)),
  ));
});
afterAll(() => server.stop());

const send = (key: string, quantity: number) =>
  server.ask('POST', BULK, {
    token,
    headers: { 'idempotency-key': key, prefer: 'return=representation' },
    body: SKUS.map((skuId) => ({ sku_id: skuId, quantity_in_stock: quantity })),
  });

/** Sends a batch of which no line can be applied; returns its uuid. */
async function fail(): Promise<string> {
  const body = SKUS.map(() => ({
    sku_id: randomBytes(20).toString('hex'),
    quantity_in_stock: 1,
  }));
  const { headers } = await server.ask('POST', BULK, { token, body });
  return headers.get('batch-id') ?? '';
}

test('the results of batches with new keys are deleted early, minutes before the next sweep', async () => {
  for (let i = 0; i < 20; i += 1) expect((await send(`key-${i}`, i)).status).toBe(200);
  await expect.poll(async () => (await send('key-0', 0)).status).toBe(410);
  expect(textAt((await send('key-0', 0)).json, 'detail')).toContain('was applied before');
  const latest = await send('key-19', 19);
  expect(latest.status).toBe(200);
  expect(latest.headers.get('idempotent-replayed')).toBe('true');
});

test('so are the failed lines of batches without keys', async () => {
  const first = await fail();
  for (let i = 0; i < 5; i += 1) await fail();
  const path = `/timp/products/skus/inventory/batches/${first}/results/`;
  await expect.poll(async () => (await server.ask('GET', path, { token })).status).toBe(410);
});
