import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockWrites } from '../http/blocker.ts';
import { FileClient } from '../http/files/file-client.ts';
import { BULK, LOGIN, SINGLE, SKUS, TestServer } from '../http/harness.ts';
import { exchange } from '../http/request/raw.ts';
import { StreamClient } from '../http/streams/stream-client.ts';
import { entry } from '../store/fixtures.ts';
import { undeclaredIn } from './schema.ts';

const PASSWORD = 'a-password-that-nobody-may-read';
const URL_SECRET = 'a-secret-in-the-url';

let server: TestServer;
let inbox: string;
let token: string;

beforeAll(async () => {
  inbox = await mkdtemp(join(tmpdir(), 'onhand-inbox-'));
  await mkdir(join(inbox, 'Nobody', 'in'), { recursive: true });
  server = await TestServer.start({
    logLevel: 'info',
    inbox,
    inboxSettleSeconds: 0,
    busyTimeoutMs: 50,
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  ({ token } = await server.createSupplier('Acme', [entry('a'), entry('b')]));
});
afterAll(async () => {
  await server.stop();
  await rm(inbox, { recursive: true, force: true });
});

function events(): readonly string[] {
  return server.log.flatMap((logged) =>
    typeof logged === 'object' && logged !== null && 'msg' in logged ? [String(logged.msg)] : [],
  );
}

test('a server on its main paths logs declared events with declared fields, and no secret', async () => {
  const body = { sku_id: 'a', quantity_in_stock: 1 };
  await server.ask('POST', SINGLE, { token, body });
  await server.ask('POST', BULK, { token, body: [body, { sku_id: 'NONE' }] });
  await server.ask('POST', BULK, { token: `${token}x`, body: [] });
  await server.ask('GET', `${SKUS}?search=${URL_SECRET}`, { token });
  await server.ask('POST', LOGIN, { body: { username: 'nobody', password: PASSWORD } });
  const url = `http://127.0.0.1:9/${URL_SECRET}`;
  const made = await server.ask('POST', '/timp/notifications/webhooks/', { token, body: { url } });
  expect(made.status, made.text).toBe(201);
  const stream = await StreamClient.open(server.url, { token });
  await stream.send('{"sku_id":"a","quantity_in_stock":2}\nno JSON\n');
  stream.end();
  await stream.rest();
  await exchange(server.url, 'no HTTP\r\n\r\n');
  const files = new FileClient(server, token);
  await files.processed(await files.upload('sku,quantity\na,3\n'));
  await files.processed(await files.upload('these are no columns\n1\n'));
  await files.processed(await files.upload('source,sku,quantity\neast,a,60\nwest,a,2\n'));
  const blocker = await blockWrites(server.database);
  expect((await server.ask('POST', SINGLE, { token, body })).status).toBe(503);
  await blocker.release();
  await expect.poll(events).toContain('drop folder: files are ignored');
  await server.restart();

  expect(new Set(events())).toEqual(
    new Set([
      'starting',
      `Server listening at ${server.url}`,
      'answered',
      'refused a malformed request',
      'file done',
      'file refused',
      'file held',
      'store unavailable',
      'drop folder: files are ignored',
      'closing: accepted requests are finished first',
      'closed',
    ]),
  );
  expect(server.log.flatMap(undeclaredIn)).toEqual([]);
  const text = JSON.stringify(server.log);
  const secret = /"secret": ?"whsec_([^"]+)"/.exec(made.text)?.[1];
  for (const hidden of [token, PASSWORD, URL_SECRET, secret]) expect(text).not.toContain(hidden);
});
