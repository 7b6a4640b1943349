import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { BULK, TestServer } from '../harness.ts';

const LIMIT_BYTES = 100_000;
const GZIP = { 'content-encoding': 'gzip' };

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ requestBytesMax: LIMIT_BYTES });
  ({ token } = await server.createSupplier('Acme', [entry('A-1')]));
});

afterAll(() => server.stop());

const send = (body: Uint8Array, headers: Readonly<Record<string, string>>) =>
  server.ask('POST', BULK, { token, headers, body });
const linesOf = (count: number) =>
  Buffer.from(
    JSON.stringify(Array.from({ length: count }, () => ({ sku_id: 'A-1', quantity_in_stock: 5 }))),
  );

test('decompresses a gzipped body', async () => {
  const answer = await send(gzipSync(linesOf(2)), GZIP);
  expect(answer).toMatchObject({ status: 200 });
  const success = { status_code: 200, message: 'success' };
  expect(answer.json).toEqual([success, success]);
});

test('applies the size limit to the decompressed body', async () => {
  const bomb = gzipSync(Buffer.alloc(50 * LIMIT_BYTES, ' '));
  expect(bomb.length).toBeLessThan(LIMIT_BYTES);
  expect(await send(bomb, GZIP)).toMatchObject({ status: 413 });
});

test('rejects a body that is not the gzip it declares', async () => {
  expect(await send(linesOf(1), GZIP)).toMatchObject({ status: 400 });
  expect(await send(gzipSync(linesOf(200)).subarray(0, 40), GZIP)).toMatchObject({ status: 400 });
});

test('rejects other content encodings and names gzip', async () => {
  const answer = await send(linesOf(1), { 'content-encoding': 'br' });
  expect(answer).toMatchObject({ status: 415 });
  expect(answer.text).toContain('gzip');
});

test('compresses a long reply only for clients that accept gzip', async () => {
  const body = linesOf(1000);
  const asked = await send(body, { 'accept-encoding': 'gzip' });
  expect(asked.headers.get('content-encoding')).toBe('gzip');
  const refused = await send(body, { 'accept-encoding': 'gzip;q=0' });
  expect(refused.headers.get('content-encoding')).toBeNull();
  expect(asked.text).toBe(refused.text);
});

test('errors_only=true returns the failures with their positions and counts', async () => {
  const body = [
    { sku_id: 'A-1', quantity_in_stock: 1 },
    { sku_id: 'B-1', quantity_in_stock: 1 },
    { sku_id: 'A-1' },
  ];
  const byQuery = await server.ask('POST', `${BULK}?errors_only=true`, { token, body });
  expect(byQuery.json).toMatchObject([
    { index: 1, status_code: 404 },
    { index: 2, status_code: 400 },
  ]);
  expect(byQuery.headers.get('lines-succeeded')).toBe('1');
  expect(byQuery.headers.get('lines-failed')).toBe('2');
  const headers = { prefer: 'respond-async, return=minimal' };
  const byHeader = await server.ask('POST', BULK, { token, body, headers });
  expect(byHeader.text).toBe(byQuery.text);
  expect(byHeader.headers.get('preference-applied')).toBe('return=minimal');
  const typo = await server.ask('POST', `${BULK}?error_only=true`, { token, body });
  expect(typo).toMatchObject({ status: 400 });
});
