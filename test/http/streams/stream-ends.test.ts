import { afterEach, describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/config.ts';
import { entry } from '../../store/fixtures.ts';
import { at, textAt } from '../answers.ts';
import { blockWrites } from '../blocker.ts';
import { BULK, TestServer } from '../harness.ts';
import { RawConnection } from '../request/raw.ts';
import { StreamClient } from './stream-client.ts';
import { BATCHES, SUCCESS, SupplierClient } from '../inventory/written.ts';

let server: TestServer;
let token: string;
let client: SupplierClient;

async function start(settings: Partial<Settings> = {}): Promise<void> {
  server = await TestServer.start(settings);
  ({ token } = await server.createSupplier('Acme', [entry('A'), entry('B')]));
  client = new SupplierClient(server, token);
}
afterEach(() => server.stop());

const open = (headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> =>
  StreamClient.open(server.url, { token, headers });
const post = (type: string, body: string): string =>
  `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\nContent-Type: ${type}\r\n` +
  `Content-Length: ${body.length}\r\n\r\n${body}`;
const line = (quantity: number): object => ({ sku_id: 'A', quantity_in_stock: quantity });

/** Resolves when the server has read what was sent before. */
async function serverHasRead(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await server.ask('GET', '/healthz');
}

/**
 * Checks that a reply is incomplete, and that its last row, after the results, says from which row on nothing was
 * applied.
 */
async function expectAborted(
  stream: StreamClient,
  code: string,
  status: number,
  place: { readonly row: number; readonly index: number },
  results = 0,
): Promise<string> {
  const { rows, isWhole } = await stream.rest();
  expect(rows.slice(0, -1), JSON.stringify(rows)).toEqual(
    Array.from({ length: results }, () => SUCCESS),
  );
  expect(isWhole).toBe(false);
  const last = rows.at(-1);
  const message = textAt(last, 'message');
  expect(last).toMatchObject({
    status_code: status,
    status,
    type: `/docs/errors#${code}`,
    detail: message,
    request_id: stream.response.headers['request-id'],
    index: place.index,
  });
  expect(message).toMatch(/.\.$/);
  expect(message).toContain(
    `Nothing was applied from row ${place.row} on; the results of the rows before it are above.`,
  );
  return message;
}

describe('when the store becomes unavailable', () => {
  test.for([{}, { 'accept-encoding': 'gzip' }])(
    'the last row names the first row that was not applied (%o)',
    async (headers) => {
      await start({ busyTimeoutMs: 100 });
      const stream = await open(headers);
      await stream.send('\n');
      await stream.send([line(1), line(2)]);
      expect(await stream.rows(2)).toEqual([SUCCESS, SUCCESS]);
      const blocker = await blockWrites(server.database);
      try {
        await stream.send([line(3), line(4)]);
        const message = await expectAborted(stream, 'store_unavailable', 503, {
          row: 4,
          index: 2,
        });
        expect(message).toContain('Send the rows from there on again');
      } finally {
        await blocker.release();
      }
      await serverHasRead();
      expect(await client.stockOf('A')).toBe(2);
    },
  );
});

test('an incomplete group is not applied', async () => {
  await start({ streamIdleTimeoutMs: 1000 });
  const stream = await open();
  await stream.send([line(1), { ...line(2), group: 'g' }, { ...line(3), group: 'g' }]);
  expect(await stream.row()).toEqual(SUCCESS);
  await expectAborted(stream, 'request_timeout', 408, { row: 2, index: 1 });
  expect(await client.stockOf('A')).toBe(1);
});

describe('a client that disconnects', () => {
  test('leaves at least the acknowledged lines applied', async () => {
    await start();
    for (let round = 1; round <= 4; round += 1) {
      const stream = await open();
      const lines = Array.from({ length: 4000 }, (_, i) => line(round * 10_000 + i));
      await stream.send(lines);
      const acknowledged = 1 + round * 800;
      await stream.rows(acknowledged);
      await stream.send('{"sku_id":"A","quantity_in_stock":1}');
      await stream.destroy();
      await server.ask('GET', '/healthz');
      await client.single({ sku_id: 'B', quantity_in_stock: round });
      const stock = Number(await client.stockOf('A')) - round * 10_000;
      expect(stock).toBeGreaterThanOrEqual(acknowledged - 1);
      expect(stock).toBeLessThan(4000);
      const list = at((await client.get(`${BATCHES}?limit=500`)).json, 'batches');
      const counts = Array.isArray(list)
        ? list.filter((one) => at(one, 'source') === 'stream')
        : [];
      const ends = counts.map((one) => Number(at(one, 'line_count')));
      expect(ends.every((count) => count > 0)).toBe(true);
    }
  });

  test('leaves the chunk in progress applied, and no later one', async () => {
    await start({ busyTimeoutMs: 60_000 });
    const blocker = await blockWrites(server.database);
    const stream = await open();
    await stream.send([line(1)]);
    await serverHasRead();
    await stream.send([line(2)]);
    await stream.send('{"sku_id":"A","quantity_in_stock":3}');
    await serverHasRead();
    await stream.destroy();
    await serverHasRead();
    await blocker.release();
    await expect.poll(() => client.stockOf('A')).toBe(1);
    expect(await client.batchCount()).toBe(2);
  });
});

describe('the end of a stream', () => {
  test('comes after the idle timeout, which blank rows reset', async () => {
    await start({ streamIdleTimeoutMs: 1000 });
    const alive = await open();
    const silent = await open();
    const slow = await open();
    let hasEnded = false;
    const isOpen = (): boolean => !hasEnded;
    const ended = expectAborted(silent, 'request_timeout', 408, { row: 1, index: 0 }).finally(
      () => {
        hasEnded = true;
      },
    );
    let rows = 0;
    while (isOpen()) {
      await alive.send('\n');
      // Bytes that complete no row do not keep a stream open.
      await slow.send(' ');
      rows += 1;
      await server.ask('GET', '/healthz');
    }
    await ended;
    await expectAborted(slow, 'request_timeout', 408, { row: 1, index: 0 });
    await alive.send([line(rows)]);
    expect(await alive.row()).toEqual(SUCCESS);
    alive.end();
    expect((await alive.rest()).isWhole).toBe(true);
  });

  test('is not caused by the request timeout, which still ends other requests', async () => {
    await start({ requestTimeoutMs: 1000, headersTimeoutMs: 1000 });
    const stream = await open();
    const slow = await RawConnection.open(server.url);
    await slow.send(
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\nContent-Length: 9\r\n\r\n[`,
    );
    let hasEnded = false;
    const isOpen = (): boolean => !hasEnded;
    const ended = slow.rest().finally(() => {
      hasEnded = true;
    });
    let quantity = 0;
    while (isOpen()) {
      quantity += 1;
      await stream.send([line(quantity)]);
      expect(await stream.row()).toEqual(SUCCESS);
    }
    expect(await ended).toMatch(/^HTTP\/1\.1 408 /);
    quantity += 1;
    await stream.send([line(quantity)]);
    expect(await stream.row()).toEqual(SUCCESS);
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [], isWhole: true });
    expect(await client.stockOf('A')).toBe(quantity);
  });

  test('comes when the token is revoked', async () => {
    await start();
    const { supplier, token: boltToken } = await server.createSupplier('Bolt', [entry('A')]);
    const stream = await StreamClient.open(server.url, { token: boltToken });
    const tokens = await server.store.accounts.listTokens();
    const mine = tokens.find(({ organization }) => organization === supplier.name);
    await stream.send([line(1)]);
    expect(await stream.row()).toEqual(SUCCESS);
    await server.store.accounts.revokeToken(mine?.id ?? 0);
    let last: unknown = SUCCESS;
    let answered = 1;
    while (at(last, 'status_code') === 200) {
      await stream.send([line(2)]);
      last = await stream.row();
      answered += 1;
    }
    expect(last).toMatchObject({
      status_code: 401,
      type: '/docs/errors#unauthenticated',
      index: answered - 1,
    });
    expect(await stream.rest()).toEqual({ rows: [], isWhole: false });
  });
});

test('a server that stops applies the rows it has read and ends the stream with an error row', async () => {
  await start({ busyTimeoutMs: 60_000 });
  const stream = await open();
  await stream.send([line(1)]);
  expect(await stream.row()).toEqual(SUCCESS);
  const blocker = await blockWrites(server.database);
  await stream.send([line(2), line(3)]);
  await serverHasRead();
  const stopped = server.stop();
  await blocker.release();
  const place = { row: 4, index: 3 };
  const message = await expectAborted(stream, 'server_stopping', 503, place, 2);
  expect(message).toContain('The server is shutting down');
  await stopped;
});

test('a connection can be reused after a stream', async () => {
  await start();
  const connection = await RawConnection.open(server.url);
  await connection.send(post('application/x-ndjson', JSON.stringify(line(1))));
  await connection.until(/0\r\nLines-Succeeded: 1\r\nLines-Failed: 0\r\n\r\n$/i);
  await connection.send(post('application/json', JSON.stringify([line(2)])));
  await connection.until(/\[\{"status_code":200,"message":"success"\}\]\n$/);
  await connection.destroy();
  expect(await client.stockOf('A')).toBe(2);
});
