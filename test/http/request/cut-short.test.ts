import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry, problemsOf } from '../../store/fixtures.ts';
import { at, skuOf } from '../answers.ts';
import { BULK, SINGLE, TestServer } from '../harness.ts';
import { blockWrites } from '../blocker.ts';
import { RawConnection } from './raw.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [entry('cut'), entry('whole')]));
});
afterAll(() => server.stop());

const head = (path: string, framing: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n${framing}\r\n\r\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

async function stockOf(skuId: string): Promise<unknown> {
  return at(await skuOf(server, token, skuId), 'quantity_in_stock');
}

/** Resolves when the server has read what was sent on other connections. */
async function serverHasRead(): Promise<void> {
  expect((await server.ask('GET', '/healthz')).status).toBe(200);
}

describe('applies nothing of a body that is cut off', () => {
  const LINE = '{"sku_id":"cut","quantity_in_stock":666}';
  const LINES = `[${LINE},${LINE}]`;

  test.for([
    ['in the middle of a line', BULK, `Content-Length: ${LINES.length}`, LINES.slice(0, 50)],
    ['after its first line', BULK, `Content-Length: ${LINES.length}`, `[${LINE}`],
    ['one byte before its end', BULK, `Content-Length: ${LINES.length}`, LINES.slice(0, -1)],
    [
      'before Content-Length is reached, although its JSON is complete',
      BULK,
      `Content-Length: ${LINES.length + 1}`,
      LINES,
    ],
    ['before its first byte', BULK, `Content-Length: ${LINES.length}`, ''],
    ['before the last chunk', BULK, 'Transfer-Encoding: chunked', chunk(LINES)],
    ['inside a chunk', BULK, 'Transfer-Encoding: chunked', chunk(LINES).slice(0, -4)],
    ['in a single-line request', SINGLE, `Content-Length: ${LINE.length + 1}`, LINE],
  ] as const)('%s', async ([, path, framing, body]) => {
    for (const leave of ['while it is read', 'at once'] as const) {
      const connection = await RawConnection.open(server.url);
      await connection.send(head(path, framing) + body);
      if (leave === 'while it is read') await serverHasRead();
      await connection.destroy();
      await serverHasRead();
    }
    // A supplier's batches are applied in order: the truncated one would have been applied by now.
    const after = await server.ask('POST', BULK, {
      token,
      body: [{ sku_id: 'cut', quantity_on_backorder: 1 }],
    });
    expect(after.json).toEqual([{ status_code: 200, message: 'success' }]);
    expect(await stockOf('cut')).toBeNull();
  });
});

describe('applies a complete body even if its client has disconnected', () => {
  test.for([
    [
      'with Content-Length',
      (body: string) => `Content-Length: ${body.length}`,
      (body: string) => body,
    ],
    ['chunked', () => 'Transfer-Encoding: chunked', (body: string) => `${chunk(body)}0\r\n\r\n`],
  ] as const)('%s', async ([name, framing, framed]) => {
    const stock = name.length;
    const body = `[{"sku_id":"whole","quantity_in_stock":${stock}}]`;
    const blocker = await blockWrites(server.database);
    try {
      const connection = await RawConnection.open(server.url);
      await connection.send(head(BULK, framing(body)) + framed(body));
      await serverHasRead();
      await connection.destroy();
      await serverHasRead();
      expect(await stockOf('whole')).not.toBe(stock);
    } finally {
      await blocker.release();
    }
    await expect.poll(() => stockOf('whole'), { timeout: 10_000 }).toBe(stock);
  });
});

test('clients that disconnect at any byte harm neither the server nor the database', async () => {
  const body = '[{"sku_id":"whole","quantity_in_stock":3}]';
  const whole = head(BULK, `Content-Length: ${body.length}`) + body;
  for (let length = 0; length <= whole.length; length += 7) {
    const connection = await RawConnection.open(server.url);
    await connection.send(whole.slice(0, length));
    await connection.destroy();
  }
  const answer = await server.ask('POST', BULK, { token, body });
  expect(answer.json).toEqual([{ status_code: 200, message: 'success' }]);
  expect(await problemsOf(server.database)).toEqual([]);
});

test('a server stops although a client has sent half a body', async () => {
  const stopping = await TestServer.start({ requestTimeoutMs: 1000, headersTimeoutMs: 1000 });
  const { token: stoppingToken } = await stopping.createSupplier('Acme', [entry('cut')]);
  const connection = await RawConnection.open(stopping.url);
  await connection.send(head(BULK, 'Content-Length: 100').replace(token, stoppingToken));
  await connection.send('[{"sku_id"');
  await connection.destroy();
  await stopping.stop();
});
