import { writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../src/accounts/credentials.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf, textAt } from '../answers.ts';
import { FileClient, FILES, UPLOAD } from '../files/file-client.ts';
import { BULK, TestServer } from '../harness.ts';
import { RawConnection } from '../request/raw.ts';
import { StreamClient } from '../streams/stream-client.ts';

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

test('uploads, downloads, slow bodies and streams end when their token is revoked', async () => {
  const passing = await server.createToken(supplierId, ['view_items', 'edit_items']);
  const client = new FileClient(server, token);
  const uuid = await client.upload('sku_id,qty\nsku-0,1\n');
  await client.processed(uuid);
  // Results that no network buffer holds.
  const report = join(server.filesDirectory, String(supplierId), `${uuid}.report.csv`);
  await writeFile(report, Buffer.alloc(32 * 1024 * 1024, 'x'));
  const download = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Token ${passing}` };
    get(`${server.url}${FILES}${uuid}/results.csv`, { headers }, resolve).on('error', reject);
  });
  const cutOff = new Promise<void>((resolve) => {
    download.once('error', () => resolve());
    download.once('close', resolve);
  });
  const arriving = await Promise.all(
    [UPLOAD, BULK].map(async (path) => {
      const connection = await RawConnection.open(server.url);
      await connection.send(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${passing}\r\nContent-Length: 100000\r\n\r\n[`,
      );
      return connection;
    }),
  );
  const stream = await StreamClient.open(server.url, { token: passing });
  await revoke(passing);
  const startedAtMs = performance.now();
  for (const connection of arriving) {
    const received = await connection.rest();
    expect(received).toMatch(/^HTTP\/1\.1 401 .*#unauthenticated"/s);
  }
  expect(await stream.row()).toMatchObject({ status_code: 401 });
  download.resume();
  await cutOff;
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  expect(download.complete).toBe(false);
});
