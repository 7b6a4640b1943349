import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { BATCHES, batchIdOf, messageOf, statusesOf, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;

beforeAll(async () => {
  server = await TestServer.start();
  const entries = ['A', 'B', 'C'].map((skuId) =>
    entry(skuId, { inventory: { quantityInStock: 10 } }),
  );
  acme = new SupplierClient(server, (await server.createSupplier('Acme', entries)).token);
});
afterAll(() => server.stop());

const ATOMIC = { query: '?atomic=true' };

test.for([
  ['matches no SKU', { sku_id: 'NONE', quantity_in_stock: 1 }, 404],
  ['is invalid', { sku_id: 'B', quantity_in_stock: -1 }, 400],
  ['cannot be applied', { sku_id: 'B', quantity_in_stock_change: -11 }, 422],
  [
    'expects another quantity',
    { sku_id: 'B', quantity_in_stock: 1, expected_quantity_in_stock: 3 },
    412,
  ],
] as const)('applies no line if one %s; the others fail with 424', async ([, bad, status]) => {
  const good = { sku_id: 'A', quantity_in_stock: 1 };
  const answer = await acme.bulk([good, bad, { sku_id: 'C', quantity_in_stock: 1 }], ATOMIC);
  expect(statusesOf(answer)).toEqual([424, status, 424]);
  expect(messageOf(answer, 0)).toBe('Left out because the line at index 1 was not applied');
  expect([answer.headers.get('lines-succeeded'), answer.headers.get('lines-failed')]).toEqual([
    '0',
    '3',
  ]);
  expect([await acme.stockOf('A'), await acme.stockOf('C')]).toEqual([10, 10]);
});

test('applies all lines if none fails', async () => {
  const lines = [
    { sku_id: 'A', quantity_in_stock: 1 },
    { sku_id: 'B', quantity_in_stock_change: 1 },
    { sku_id: 'B', quantity_in_stock_change: 1 },
  ];
  expect(await acme.statuses(lines, ATOMIC)).toEqual([200, 200, 200]);
  expect([await acme.stockOf('A'), await acme.stockOf('B')]).toEqual([1, 12]);
});

test('records a batch of which no line was applied', async () => {
  const answer = await acme.bulk(
    [
      { sku_id: 'A', quantity_in_stock: 2 },
      { sku_id: 'NONE', quantity_in_stock: 2 },
    ],
    ATOMIC,
  );
  const batch = await acme.get(`${BATCHES}${batchIdOf(answer)}/`);
  expect(at(batch.json, 'status_counts')).toEqual({ 404: 1, 424: 1 });
  expect(at(batch.json, 'changed_count')).toBe(0);
});

test('errors_only=true returns the lines left out, too', async () => {
  const answer = await acme.bulk(
    [
      { sku_id: 'A', quantity_in_stock: 2 },
      { sku_id: 'NONE', quantity_in_stock: 2 },
    ],
    { query: '?atomic=true&errors_only=true' },
  );
  expect(answer.json).toMatchObject([
    { index: 0, status_code: 424 },
    { index: 1, status_code: 404 },
  ]);
});

test('atomic must be true or false and is rejected for a single update', async () => {
  expect(await acme.statuses([], { query: '?atomic=false' })).toEqual([]);
  problemOf(await acme.bulk([], { query: '?atomic=yes' }), 400, 'parameter_invalid');
  problemOf(await acme.single({}, ATOMIC), 400, 'parameter_invalid');
});
