import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../src/accounts/credentials.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf, textAt } from '../answers.ts';
import { BULK, TestServer } from '../harness.ts';

const CHANGES = '/timp/products/skus/inventory/changes/';
const SKUS = 200;
const ROUNDS = 30;

let server: TestServer;
let token: string;
let supplierId: number;

beforeAll(async () => {
  server = await TestServer.start();
  const skuIds = Array.from({ length: SKUS }, (_, i) => `sku-${i}`);
  const made = await server.createSupplier(
    'Acme',
    skuIds.map((skuId) => entry(skuId)),
  );
  ({ token } = made);
  supplierId = made.supplier.id;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const body = skuIds.map((skuId) => ({ sku_id: skuId, quantity_in_stock: round }));
    expect((await server.ask('POST', BULK, { token, body })).status).toBe(200);
  }
});
afterAll(() => server.stop());

const revoke = async (secret: string): Promise<void> => {
  const { accounts } = server.store;
  const principal = await accounts.findPrincipal(hashToken(secret), Date.now());
  await accounts.revokeToken(principal?.tokenId ?? 0);
};

test('a stream that sends old changes to a slow reader ends when its token is revoked', async () => {
  const passing = await server.createToken(supplierId, ['view_items']);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Token ${passing}`, accept: 'text/event-stream' };
    get(`${server.url}${CHANGES}?from=start&limit=50`, { headers }, resolve).on('error', reject);
  });
  const ended = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  response.once('error', () => undefined);
  // Reads one chunk, then nothing: the server has thousands of changes left to send.
  await new Promise<void>((resolve) => {
    response.once('readable', resolve);
  });
  await revoke(passing);
  const startedAtMs = performance.now();
  response.resume();
  await ended;
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
});

test('a long poll is answered 401, not with data, when its token is revoked', async () => {
  const passing = await server.createToken(supplierId, ['view_items']);
  const now = await server.ask('GET', `${CHANGES}?from=now`, { token });
  const cursor = textAt(now.json, 'cursor');
  const poll = server.ask('GET', `${CHANGES}?after=${cursor}&wait=60`, { token: passing });
  await revoke(passing);
  problemOf(await poll, 401, 'unauthenticated');
});
