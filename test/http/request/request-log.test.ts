import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../src/accounts/credentials.ts';
import { entry } from '../../store/fixtures.ts';
import { BULK, SINGLE, TestServer, type Answer } from '../harness.ts';
import { StreamClient } from '../streams/stream-client.ts';

let server: TestServer;
let token: string;
let tokenId: number | undefined;

beforeAll(async () => {
  server = await TestServer.start({ logLevel: 'info' });
  ({ token } = await server.createSupplier('Acme', [entry('A-1')]));
  const principal = await server.store.accounts.findPrincipal(hashToken(token), Date.now());
  tokenId = principal?.tokenId;
});
afterAll(() => server.stop());

/** The log entry of an answered request. */
async function entryOf(requestId: string | null): Promise<unknown> {
  expect(requestId).not.toBeNull();
  const matches = () => server.log.filter((logged) => isOf(logged, requestId));
  await expect.poll(matches).toHaveLength(1);
  return matches()[0];
}

function isOf(logged: unknown, requestId: string | null): boolean {
  return (
    typeof logged === 'object' &&
    logged !== null &&
    'request_id' in logged &&
    logged.request_id === requestId
  );
}

const entryFor = ({ headers }: Answer): Promise<unknown> => entryOf(headers.get('request-id'));

test('a bulk request is logged with its supplier, token, lines and failures', async () => {
  const body = [{ sku_id: 'A-1', quantity_in_stock: 1 }, { sku_id: 'NONE' }, { sku_id: 'NO' }];
  const answer = await server.ask('POST', BULK, { token, body });
  expect(await entryFor(answer)).toMatchObject({
    msg: 'answered',
    method: 'POST',
    path: BULK,
    status: 200,
    organization: 'Acme',
    token_id: tokenId,
    lines: 3,
    failed: 2,
  });
});

test('a stream is logged with the lines of all its chunks', async () => {
  const stream = await StreamClient.open(server.url, { token });
  await stream.send('{"sku_id":"A-1","quantity_in_stock":2}\n{"sku_id":"NONE"}\n');
  stream.end();
  await stream.rest();
  const id = stream.response.headers['request-id'];
  expect(await entryOf(String(id))).toMatchObject({ organization: 'Acme', lines: 2, failed: 1 });
});

test('a refused request is logged with the code of its error', async () => {
  const refused = await server.ask('POST', SINGLE, { token, body: { sku_id: 'NONE' } });
  expect(await entryFor(refused)).toMatchObject({ error: 'line_failed', lines: 1, failed: 1 });
  const strange = await server.ask('POST', BULK, { token: '0'.repeat(40), body: [] });
  const logged = await entryFor(strange);
  expect(logged).toMatchObject({ status: 401, error: 'unauthenticated' });
  expect(logged).not.toHaveProperty('organization');
});

test('a sender without the permission is logged', async () => {
  const principal = await server.store.accounts.findPrincipal(hashToken(token), Date.now());
  const viewing = await server.createToken(principal?.organizationId ?? 0, ['view_items']);
  const answer = await server.ask('POST', BULK, { token: viewing, body: [] });
  expect(await entryFor(answer)).toMatchObject({
    error: 'permission_missing',
    organization: 'Acme',
  });
});

test('the log contains no token', () => {
  expect(JSON.stringify(server.log)).not.toContain(token);
});
