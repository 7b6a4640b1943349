import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../../src/settings/read.ts';
import { OpenRequests } from '../../../src/http/request/open-requests.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf } from '../answers.ts';
import { BULK, SINGLE, SKUS, TestServer } from '../harness.ts';
import { RawConnection } from './raw.ts';

/** Two bodies of this size fit into OPEN_BYTES, but not three. */
const LARGE_BYTES = 100_000;
const OPEN_BYTES = 250_000;
const LINE = '{"sku_id":"A","quantity_in_stock":5}';
const LARGE_BODY = `[${LINE}]`.padEnd(LARGE_BYTES);

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ requestBytesMax: LARGE_BYTES, openBytesMax: OPEN_BYTES });
  ({ token } = await server.createSupplier('Acme', [entry('A')]));
});
afterAll(() => server.stop());

const head = (framing: string, path: string = BULK): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n${framing}\r\n\r\n`;
const declared = (bytes: number = LARGE_BYTES): string => head(`Content-Length: ${bytes}`);
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const send = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  server.ask('POST', BULK, { token, body, headers });

/** Resolves when the server has read what was sent on other connections. */
async function serverHasRead(): Promise<void> {
  expect((await server.ask('GET', '/healthz')).status).toBe(200);
}

/** Opens a request whose memory is reserved and whose body has not been sent. */
async function reserve(): Promise<RawConnection> {
  const connection = await RawConnection.open(server.url);
  await connection.send(declared());
  await serverHasRead();
  return connection;
}

async function finish(reserved: RawConnection): Promise<void> {
  await reserved.send(LARGE_BODY);
  expect(await reserved.until(/\r\n\r\n.*\]\n$/s)).toMatch(/^HTTP\/1\.1 200 /);
  await reserved.destroy();
}

/** Checks that exactly two large bodies fit: no reserved memory leaked or was released twice. */
async function expectMemoryForTwo(): Promise<void> {
  await serverHasRead();
  const reserved = [await reserve(), await reserve()];
  expect((await send(LARGE_BODY)).status).toBe(503);
  for (const connection of reserved) await finish(connection);
}

describe('while large bodies use all the memory', () => {
  test('refuses another large body by its Content-Length, before it is sent', async () => {
    const reserved = [await reserve(), await reserve()];
    const refused = await RawConnection.open(server.url);
    await refused.send(declared());
    const received = await refused.until(/\r\n\r\n\{.*\}\n$/s);
    expect(received).toMatch(/^HTTP\/1\.1 503 /);
    expect(received).toMatch(/\r\nretry-after: [1-9]/i);
    expect(received).toContain('#overloaded"');
    await refused.destroy();
    for (const connection of reserved) await finish(connection);
  });

  test('refuses a chunked body as soon as it exceeds the remaining memory', async () => {
    const reserved = [await reserve(), await reserve()];
    const refused = await RawConnection.open(server.url);
    await refused.send(head('Transfer-Encoding: chunked') + chunk('['.padEnd(30_000)));
    await serverHasRead();
    await refused.send(chunk(' '.repeat(40_000)));
    expect(await refused.until(/\r\n\r\n\{.*\}\n$/s)).toMatch(/^HTTP\/1\.1 503 /);
    // The server discards the rest of the body, and the connection stays usable.
    await refused.send(
      `${chunk(']')}0\r\n\r\n${head(`Content-Length: ${LINE.length}`, SINGLE)}${LINE}`,
    );
    await refused.until(/HTTP\/1\.1 200 .*"success"/s);
    await refused.destroy();
    for (const connection of reserved) await finish(connection);
  });

  test('counts the decompressed size of a gzipped body', async () => {
    const reserved = [await reserve(), await reserve()];
    const refused = await send(gzipSync(LARGE_BODY), { 'content-encoding': 'gzip' });
    problemOf(refused, 503, 'overloaded');
    for (const connection of reserved) await finish(connection);
  });

  test('accepts small bodies', async () => {
    const reserved = [await reserve(), await reserve()];
    expect((await send(`[${LINE}]`)).status).toBe(200);
    expect((await server.ask('POST', SINGLE, { token, body: LINE })).status).toBe(200);
    for (const connection of reserved) await finish(connection);
  });
});

test('accepts one body of the largest size even if the memory limit is smaller', async () => {
  const smallServer = await TestServer.start({ requestBytesMax: LARGE_BYTES, openBytesMax: 1024 });
  const { token: smallToken } = await smallServer.createSupplier('Acme', [entry('A')]);
  expect(
    (await smallServer.ask('POST', BULK, { token: smallToken, body: LARGE_BODY })).status,
  ).toBe(200);
  const pending = await RawConnection.open(smallServer.url);
  await pending.send(declared().replace(token, smallToken));
  expect((await smallServer.ask('GET', '/healthz')).status).toBe(200);
  problemOf(
    await smallServer.ask('POST', BULK, { token: smallToken, body: LARGE_BODY }),
    503,
    'overloaded',
  );
  await pending.destroy();
  await smallServer.stop();
});

test.for([1, 8 / 7, 1.2])('a body of the largest size fits into %d times its size', (share) => {
  const requestBytesMax = 32 * 1024 * 1024;
  const limits = { ...readSettings({}, {}), requestBytesMax };
  const requests = new OpenRequests({
    ...limits,
    openBytesMax: Math.floor(requestBytesMax * share),
    organizationOpenBytesMax: requestBytesMax,
  });
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  requests.open(response, 1).reserve(requestBytesMax, 1_000_000);
  expect(requests.usage().open_bytes.used).toBe(requestBytesMax);
});

describe('memory is released exactly once', () => {
  const ROUNDS = 5;

  test.for([
    ['a reply', () => send(LARGE_BODY), 200],
    ['the reply to a single line', () => server.ask('POST', SINGLE, { token, body: LINE }), 200],
    ['a malformed body', () => send('['.padEnd(LARGE_BYTES)), 400],
    ['a body that is too large', () => send(' '.repeat(LARGE_BYTES + 1)), 413],
    [
      'a body that is too large after decompression',
      () => send(gzipSync(' '.repeat(LARGE_BYTES + 1)), { 'content-encoding': 'gzip' }),
      413,
    ],
    ['a body that is not gzip', () => send(LARGE_BODY, { 'content-encoding': 'gzip' }), 400],
    [
      'a body of an unsupported media type',
      () => send(LARGE_BODY, { 'content-type': 'text/plain' }),
      415,
    ],
    [
      'creating a SKU that exists',
      () => server.ask('POST', SKUS, { token, body: '{"sku_id":"A"}' }),
      422,
    ],
    ['a read', () => server.ask('GET', SKUS, { token }), 200],
  ] as const)('after %s', async ([, ask, status]) => {
    for (let round = 0; round < ROUNDS; round += 1) expect((await ask()).status).toBe(status);
    await expectMemoryForTwo();
  });

  test('after a refusal for lack of memory', async () => {
    const reserved = [await reserve(), await reserve()];
    for (let round = 0; round < ROUNDS; round += 1) {
      expect((await send(LARGE_BODY)).status).toBe(503);
    }
    for (const connection of reserved) await finish(connection);
    await expectMemoryForTwo();
  });

  test.for([
    ['before sending its body', declared()],
    ['in the middle of its body', declared() + '['.padEnd(LARGE_BYTES / 2)],
    ['in the middle of a chunk', `${head('Transfer-Encoding: chunked')}ffff\r\n[`],
    ['after sending all of it', declared() + LARGE_BODY],
  ] as const)('after a client disconnected %s', async ([, bytes]) => {
    for (const leave of ['while it is read', 'at once'] as const) {
      for (let round = 0; round < ROUNDS; round += 1) {
        const connection = await RawConnection.open(server.url);
        await connection.send(bytes);
        if (leave === 'while it is read') await serverHasRead();
        await connection.destroy();
        await serverHasRead();
      }
    }
    await expect.poll(async () => (await send(LARGE_BODY)).status).toBe(200);
    await expectMemoryForTwo();
  });
});

test('the body of a disconnected client uses memory until it is applied', async () => {
  const blocker = new Database(server.database.url.replace(/^sqlite:/, ''));
  blocker.exec('BEGIN IMMEDIATE');
  try {
    for (let gone = 0; gone < 2; gone += 1) {
      const connection = await RawConnection.open(server.url);
      await connection.send(declared() + LARGE_BODY);
      await serverHasRead();
      await connection.destroy();
    }
    await serverHasRead();
    problemOf(await send(LARGE_BODY), 503, 'overloaded');
  } finally {
    blocker.exec('ROLLBACK');
    blocker.close();
  }
  await expect.poll(async () => (await send(LARGE_BODY)).status, { timeout: 10_000 }).toBe(200);
  await expectMemoryForTwo();
});

/** Sends short lines with long results, more than the network buffers hold, and does not read the reply. */
async function sendAndNotRead(to: TestServer, senderToken: string): Promise<Socket> {
  const { hostname, port } = new URL(to.url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.pause();
  const body = `[${'1,'.repeat(LARGE_BYTES / 2 - 2)}1]`;
  socket.write(`${declared(body.length).replace(token, senderToken)}${body}`);
  return socket;
}

describe('a reply that its client does not read', () => {
  test('uses memory until the client disconnects', async () => {
    const socket = await sendAndNotRead(server, token);
    await expect.poll(async () => (await send(LARGE_BODY)).status, { timeout: 10_000 }).toBe(503);
    socket.destroy();
    await expect.poll(async () => (await send(LARGE_BODY)).status, { timeout: 10_000 }).toBe(200);
    await expectMemoryForTwo();
  });

  test('is abandoned after the request timeout', async () => {
    const settings = {
      requestBytesMax: LARGE_BYTES,
      openBytesMax: OPEN_BYTES,
      requestTimeoutMs: 1000,
    };
    const impatient = await TestServer.start(settings);
    const { token: impatientToken } = await impatient.createSupplier('Acme', [entry('A')]);
    const status = async () =>
      (await impatient.ask('POST', BULK, { token: impatientToken, body: LARGE_BODY })).status;
    const socket = await sendAndNotRead(impatient, impatientToken);
    await expect.poll(status, { timeout: 10_000 }).toBe(503);
    await expect.poll(status, { timeout: 10_000 }).toBe(200);
    socket.destroy();
    await impatient.stop();
  });
});
