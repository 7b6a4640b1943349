import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BULK, TestServer } from '../harness.ts';
import { entry } from '../../store/fixtures.ts';

/** Lines of more than 1 MiB, so that a worker thread parses them. */
const LINES = 40_000;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier(
    'Acme',
    Array.from({ length: 100 }, (_, i) => entry(`A-${i}`)),
  ));
});
afterAll(() => server.stop());

function lineOf(i: number): object {
  if (i === 7) return { upca: '036000291452', quantity_in_stock: 1 };
  if (i === 8) return { sku_id: 'A-1', quantity_in_stock: -1 };
  if (i === 9) return { sku_id: 123, quantity_in_stock: 1 };
  return { sku_id: `A-${i % 100}`, quantity_in_stock: i };
}

const BODY = JSON.stringify(Array.from({ length: LINES }, (_, i) => lineOf(i)));

test('a large body is answered line by line, like a small one', async () => {
  const answer = await server.ask('POST', BULK, { token, body: BODY });
  expect(answer.status).toBe(200);
  const results: unknown = answer.json;
  if (!Array.isArray(results)) throw new Error('no results');
  expect(results).toHaveLength(LINES);
  const few = Array.from({ length: 12 }, (_, i) => lineOf(i));
  const small = await server.ask('POST', BULK, { token, body: few });
  expect(results.slice(0, 12)).toEqual(small.json);
  expect(answer.headers.get('lines-failed')).toBe('3');
});

test('a large body that is malformed gets the line and the column', async () => {
  const answer = await server.ask('POST', BULK, { token, body: `${BODY.slice(0, -1)}\n}` });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('line 2, column 1');
});

test('a large body with an idempotency key can be repeated, compressed and with a byte order mark', async () => {
  const headers = { 'idempotency-key': 'large' };
  const first = await server.ask('POST', BULK, { token, headers, body: BODY });
  const again = await server.ask('POST', BULK, {
    token,
    headers: { ...headers, 'content-encoding': 'gzip' },
    body: gzipSync(`\uFEFF${BODY}`),
  });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.json).toEqual(first.json);
  const other = `${BODY.slice(0, -1)} ]`;
  const reused = await server.ask('POST', BULK, { token, headers, body: other });
  expect(reused.status).toBe(422);
});
