import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { problemOf } from '../answers.ts';
import { BULK, SINGLE, SKUS, TestServer } from '../harness.ts';
import { RawConnection } from './raw.ts';

/** Of these two fit at once, and nothing of that size beside them. */
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

/** Resolves when the server has read what came on other connections before. */
async function serverHasRead(): Promise<void> {
  expect((await server.ask('GET', '/healthz')).status).toBe(200);
}

/** A request that has its room, and of whose body nothing has come. */
async function claim(): Promise<RawConnection> {
  const connection = await RawConnection.open(server.url);
  await connection.send(declared());
  await serverHasRead();
  return connection;
}

async function finish(claimed: RawConnection): Promise<void> {
  await claimed.send(LARGE_BODY);
  expect(await claimed.until(/\r\n\r\n.*\]$/s)).toMatch(/^HTTP\/1\.1 200 /);
  await claimed.destroy();
}

/** Neither has any room been lost, nor any been given back twice. */
async function expectRoomForTwo(): Promise<void> {
  await serverHasRead();
  const claimed = [await claim(), await claim()];
  expect((await send(LARGE_BODY)).status).toBe(503);
  for (const connection of claimed) await finish(connection);
}

describe('while large bodies take all the room', () => {
  test('another is refused by its Content-Length, with nothing of it sent', async () => {
    const claimed = [await claim(), await claim()];
    const refused = await RawConnection.open(server.url);
    await refused.send(declared());
    const received = await refused.until(/\r\n\r\n\{.*\}$/s);
    expect(received).toMatch(/^HTTP\/1\.1 503 /);
    expect(received).toMatch(/\r\nretry-after: [1-9]/i);
    expect(received).toContain('#overloaded"');
    await refused.destroy();
    for (const connection of claimed) await finish(connection);
  });

  test('another in chunks is refused as soon as it passes what is left', async () => {
    const claimed = [await claim(), await claim()];
    const refused = await RawConnection.open(server.url);
    await refused.send(head('Transfer-Encoding: chunked') + chunk('['.padEnd(30_000)));
    await serverHasRead();
    await refused.send(chunk(' '.repeat(40_000)));
    expect(await refused.until(/\r\n\r\n\{.*\}$/s)).toMatch(/^HTTP\/1\.1 503 /);
    // The rest is read and dropped: the connection serves on.
    await refused.send(
      `${chunk(']')}0\r\n\r\n${head(`Content-Length: ${LINE.length}`, SINGLE)}${LINE}`,
    );
    await refused.until(/HTTP\/1\.1 200 .*"success"/s);
    await refused.destroy();
    for (const connection of claimed) await finish(connection);
  });

  test('a gzipped body counts as what it inflates to', async () => {
    const claimed = [await claim(), await claim()];
    const refused = await send(gzipSync(LARGE_BODY), { 'content-encoding': 'gzip' });
    problemOf(refused, 503, 'overloaded');
    for (const connection of claimed) await finish(connection);
  });

  test('small ones are still taken', async () => {
    const claimed = [await claim(), await claim()];
    expect((await send(`[${LINE}]`)).status).toBe(200);
    expect((await server.ask('POST', SINGLE, { token, body: LINE })).status).toBe(200);
    for (const connection of claimed) await finish(connection);
  });
});

test('a body of the largest size is taken though the room is set smaller, and then no other', async () => {
  const narrow = await TestServer.start({ requestBytesMax: LARGE_BYTES, openBytesMax: 1024 });
  const { token: its } = await narrow.createSupplier('Acme', [entry('A')]);
  expect((await narrow.ask('POST', BULK, { token: its, body: LARGE_BODY })).status).toBe(200);
  const held = await RawConnection.open(narrow.url);
  await held.send(declared().replace(token, its));
  expect((await narrow.ask('GET', '/healthz')).status).toBe(200);
  problemOf(await narrow.ask('POST', BULK, { token: its, body: LARGE_BODY }), 503, 'overloaded');
  await held.destroy();
  await narrow.stop();
});

describe('room is given back once', () => {
  const ROUNDS = 5;

  test.for([
    ['an answer', () => send(LARGE_BODY), 200],
    ['the answer to one line', () => server.ask('POST', SINGLE, { token, body: LINE }), 200],
    ['a body that is malformed', () => send('['.padEnd(LARGE_BYTES)), 400],
    ['a body that is too large', () => send(' '.repeat(LARGE_BYTES + 1)), 413],
    [
      'a body that inflates to too much',
      () => send(gzipSync(' '.repeat(LARGE_BYTES + 1)), { 'content-encoding': 'gzip' }),
      413,
    ],
    ['a body that is not gzip', () => send(LARGE_BODY, { 'content-encoding': 'gzip' }), 400],
    ['a body of another type', () => send(LARGE_BODY, { 'content-type': 'text/plain' }), 415],
    ['a SKU that exists', () => server.ask('POST', SKUS, { token, body: '{"sku_id":"A"}' }), 422],
    ['a read', () => server.ask('GET', SKUS, { token }), 200],
  ] as const)('after %s', async ([, ask, status]) => {
    for (let round = 0; round < ROUNDS; round += 1) expect((await ask()).status).toBe(status);
    await expectRoomForTwo();
  });

  test('after a refusal for want of room', async () => {
    const claimed = [await claim(), await claim()];
    for (let round = 0; round < ROUNDS; round += 1) {
      expect((await send(LARGE_BODY)).status).toBe(503);
    }
    for (const connection of claimed) await finish(connection);
    await expectRoomForTwo();
  });

  test.for([
    ['before its body', declared()],
    ['in the middle of its body', declared() + '['.padEnd(LARGE_BYTES / 2)],
    ['in the middle of a chunk', `${head('Transfer-Encoding: chunked')}ffff\r\n[`],
    ['as soon as it has sent all', declared() + LARGE_BODY],
  ] as const)('after a client that went away %s', async ([, bytes]) => {
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
    await expectRoomForTwo();
  });
});

test('a client that has gone leaves its body to be applied, which takes room until then', async () => {
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
  await expectRoomForTwo();
});

/** Sends short lines with long verdicts, more of them than the network holds by itself. */
async function sendAndNotRead(to: TestServer, its: string): Promise<Socket> {
  const { hostname, port } = new URL(to.url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.pause();
  const body = `[${'1,'.repeat(LARGE_BYTES / 2 - 2)}1]`;
  socket.write(`${declared(body.length).replace(token, its)}${body}`);
  return socket;
}

describe('a reply that nobody reads', () => {
  test('takes room until its client is gone', async () => {
    const socket = await sendAndNotRead(server, token);
    await expect.poll(async () => (await send(LARGE_BODY)).status, { timeout: 10_000 }).toBe(503);
    socket.destroy();
    await expect.poll(async () => (await send(LARGE_BODY)).status, { timeout: 10_000 }).toBe(200);
    await expectRoomForTwo();
  });

  test('is given up after a time', async () => {
    const given = {
      requestBytesMax: LARGE_BYTES,
      openBytesMax: OPEN_BYTES,
      requestTimeoutMs: 1000,
    };
    const hasty = await TestServer.start(given);
    const { token: its } = await hasty.createSupplier('Acme', [entry('A')]);
    const status = async () =>
      (await hasty.ask('POST', BULK, { token: its, body: LARGE_BODY })).status;
    const socket = await sendAndNotRead(hasty, its);
    await expect.poll(status, { timeout: 10_000 }).toBe(503);
    await expect.poll(status, { timeout: 10_000 }).toBe(200);
    socket.destroy();
    await hasty.stop();
  });
});
