import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../store/fixtures.ts';
import { BULK, TestServer } from './harness.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [entry('A'), entry('B')]));
});
afterAll(() => server.stop());

test('a row goes out for each row that comes in', async () => {
  const body =
    '{"sku_id":"A","quantity_in_stock":1}\n\n{"sku_id":"C","quantity_in_stock":1}\nx\n{"sku_id":"B","quantity_in_stock":2}';
  const answer = await server.ask('POST', BULK, {
    token,
    body,
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(answer.status).toBe(200);
  const rows = answer.text
    .trimEnd()
    .split('\n')
    .map((row): unknown => JSON.parse(row));
  expect(rows).toMatchObject([
    { status_code: 200 },
    { status_code: 404 },
    { status_code: 400 },
    { status_code: 200 },
  ]);
});
