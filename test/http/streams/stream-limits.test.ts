import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/config.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { blockWrites } from '../blocker.ts';
import { BULK, TestServer } from '../harness.ts';
import { StreamClient } from './stream-client.ts';
import { SUCCESS, SupplierClient } from '../inventory/written.ts';

/** The memory that a stream reserves when it starts. */
const STREAM_BYTES = 256 * 1024;
/** More than the buffers of the network and of the server hold of a stream. */
const HELD_BYTES_MAX = 40_000_000;
const FILL_ROWS = 1000;
const BRACE = 0x7b;

let server: TestServer;
let token: string;
let client: SupplierClient;

async function start(settings: Partial<Settings> = {}): Promise<void> {
  server = await TestServer.start(settings);
  ({ token } = await server.createSupplier('Acme', [entry('A'), entry('B')]));
  client = new SupplierClient(server, token);
}
afterEach(() => server.stop());

const open = (): Promise<StreamClient> => StreamClient.open(server.url, { token });
const line = (quantity: number): object => ({ sku_id: 'A', quantity_in_stock: quantity });
const refused = () =>
  server.ask('POST', BULK, {
    token,
    body: JSON.stringify(line(1)),
    headers: { 'content-type': 'application/x-ndjson' },
  });

/** Resolves when the server has read what was sent before. */
async function serverHasRead(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await server.ask('GET', '/healthz');
}

async function rawStream(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(
    `POST ${BULK} HTTP/1.0\r\nHost: x\r\nAuthorization: Token ${token}\r\n` +
      `Content-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n`,
  );
  return socket;
}

/** Sends invalid rows until the server reads no more. Returns their number. */
async function fill(socket: Socket): Promise<number> {
  const chunk = `${'x'.padEnd(200)}\n`.repeat(FILL_ROWS);
  let chunks = 0;
  for (let taken = -1; chunks > taken && socket.bytesWritten < HELD_BYTES_MAX;) {
    taken = chunks;
    for (; socket.writableLength === 0 && !socket.destroyed; chunks += 1) socket.write(chunk);
    await serverHasRead();
  }
  return chunks * FILL_ROWS;
}

describe('a client that does not read', () => {
  test('is throttled, and gets all results when it reads again', async () => {
    await start();
    const socket = await rawStream();
    socket.pause();
    const sentRows = await fill(socket);
    expect(socket.bytesWritten).toBeLessThan(HELD_BYTES_MAX);
    let rows = 0;
    let head = '';
    socket.on('data', (bytes: Buffer) => {
      if (head === '') head = bytes.toString('latin1', 0, 15);
      for (const byte of bytes) if (byte === BRACE) rows += 1;
    });
    socket.resume();
    await expect.poll(() => socket.writableLength, { timeout: 20_000 }).toBe(0);
    await expect.poll(() => rows, { timeout: 20_000 }).toBe(sentRows);
    expect(head).toBe('HTTP/1.1 200 OK');
    socket.destroy();
  });

  test('is disconnected after the idle timeout', async () => {
    await start({ streamIdleTimeoutMs: 1000, openRequestsMax: 1 });
    const socket = await rawStream();
    socket.pause();
    socket.on('error', () => undefined);
    await expect.poll(async () => (await refused()).status).toBe(503);
    await fill(socket);
    // The client does not read and so may not notice, but the server accepts another stream.
    await expect.poll(async () => (await refused()).status, { timeout: 20_000 }).toBe(200);
    socket.destroy();
  });
});

test('a client that does not read does not prevent the server from stopping', async () => {
  await start();
  const socket = await rawStream();
  socket.pause();
  socket.on('error', () => undefined);
  await fill(socket);
  // The client does not read and so may not notice.
  await server.stop();
  socket.destroy();
});

describe('an overloaded server', () => {
  test('rejects new streams and delays existing ones', async () => {
    await start({ waitingLinesMax: 2, busyTimeoutMs: 60_000 });
    const stream = await open();
    await stream.send([line(1)]);
    expect(await stream.row()).toEqual(SUCCESS);
    const blocker = await blockWrites(server.database);
    const others = Array.from({ length: 4 }, () => client.bulk([line(2), line(2), line(2)]));
    await serverHasRead();
    problemOf(await refused(), 503, 'overloaded');
    await stream.send([line(3)]);
    await serverHasRead();
    await blocker.release();
    expect(await stream.row()).toEqual(SUCCESS);
    stream.end();
    expect((await stream.rest()).isWhole).toBe(true);
    const statuses = (await Promise.all(others)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 503).length).toBeLessThan(4);
    expect(await client.stockOf('A')).toBe(3);
  });
});

describe('memory for streams', () => {
  const OPEN = 4;

  test('is limited, and released when they end', async () => {
    await start({ openBytesMax: OPEN * STREAM_BYTES, requestBytesMax: STREAM_BYTES });
    for (let round = 0; round < 3; round += 1) {
      const streams: StreamClient[] = [];
      while (streams.length < OPEN) streams.push(await open());
      problemOf(await refused(), 503, 'overloaded');
      const [gone, ...rest] = streams;
      await gone?.destroy();
      await expect.poll(async () => (await refused()).status).toBe(200);
      for (const stream of rest) {
        await stream.send([line(1)]);
        stream.end();
        expect(await stream.rest()).toEqual({ rows: [SUCCESS], isWhole: true });
      }
    }
  });

  test('suffices for all concurrent streams', async () => {
    await start({ openBytesMax: OPEN * STREAM_BYTES, requestBytesMax: STREAM_BYTES });
    const streams = await Promise.all(Array.from({ length: OPEN }, open));
    const lines = Array.from({ length: 5000 }, (_, i) => line(i));
    await Promise.all(
      streams.map(async (stream) => {
        const sent = stream.send(lines);
        const results = await stream.rows(lines.length);
        expect(new Set(results.map((row) => at(row, 'status_code')))).toEqual(new Set([200]));
        await sent;
        stream.end();
        expect((await stream.rest()).isWhole).toBe(true);
      }),
    );
  });
});
