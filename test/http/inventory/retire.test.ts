import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, problemOf, textAt } from '../answers.ts';
import { SINGLE, SKUS, TestServer } from '../harness.ts';
import { BATCHES } from './written.ts';

const CHANGES = `${SINGLE}changes/`;
const GONE = { quantity_in_stock: 0, quantity_on_backorder: 0, restrictions: 'discontd' };

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme'));
});
afterAll(() => server.stop());

const ask = (method: string, path: string, body?: unknown, as: string = token) =>
  server.ask(method, path, { token: as, ...(body !== undefined && { body }) });
const create = async (body: object) => (await ask('POST', SKUS, body)).json;

test('a retired SKU cannot be found, and its last change says that it was retired', async () => {
  const uuid = textAt(await create({ sku_id: 'jug', quantity_in_stock: 3 }), 'uuid');
  const answer = await server.ask('DELETE', `${SKUS}${uuid}/`, {
    token,
    headers: { 'batch-reason': 'sold out' },
  });
  expect(answer.json).toEqual({ message: 'success' });
  problemOf(await ask('GET', `${SKUS}${uuid}/`), 404, 'sku_not_found');
  problemOf(await ask('PATCH', `${SKUS}${uuid}/`, { title: 'x' }), 404, 'sku_not_found');
  problemOf(await ask('DELETE', `${SKUS}${uuid}/`), 404, 'sku_not_found');
  expect((await ask('POST', SINGLE, { sku_id: 'jug', quantity_in_stock: 1 })).status).toBe(404);
  const { json } = await ask('GET', `${CHANGES}?from=start`);
  expect(at(json, 'records', 1)).toMatchObject({
    before: { quantity_in_stock: 3 },
    after: GONE,
    retired: true,
    reason: 'sold out',
  });
  expect(at(json, 'records', 0, 'retired')).toBeUndefined();
  const history = await ask('GET', `${SKUS}${uuid}/history/`);
  expect(at(history.json, 'history', 0)).toMatchObject({ after: GONE, retired: true });
  const batch = await ask('GET', `${BATCHES}${answer.headers.get('batch-id')}/`);
  expect(batch.json).toMatchObject({ source: 'update', changed_count: 1, reason: 'sold out' });
});

test('creating a retired SKU again brings it back under its uuid', async () => {
  const uuid = textAt(await create({ sku_id: 'mug', quantity_in_stock: 3 }), 'uuid');
  await ask('DELETE', `${SKUS}${uuid}/`);
  const again = await ask('POST', SKUS, { sku_id: 'mug' });
  expect(again.status).toBe(201);
  expect(again.json).toMatchObject({ uuid, quantity_in_stock: null, restrictions: null });
  problemOf(await ask('POST', SKUS, { sku_id: 'mug' }), 422, 'already_exists');
  const history = await ask('GET', `${SKUS}${uuid}/history/`);
  expect(at(history.json, 'history', 0, 'retired')).toBeUndefined();
  expect(at(history.json, 'history', 0, 'before')).toMatchObject(GONE);
});

test('retiring a SKU can be undone', async () => {
  const uuid = textAt(await create({ sku_id: 'pot', quantity_in_stock: 3 }), 'uuid');
  const batch = (await ask('DELETE', `${SKUS}${uuid}/`)).headers.get('batch-id');
  expect((await ask('POST', `${BATCHES}${batch}/revert/`)).json).toMatchObject({ reverted: 1 });
  expect((await ask('GET', `${SKUS}${uuid}/`)).json).toMatchObject({ quantity_in_stock: 3 });
});

test('a change of product data can be undone', async () => {
  const uuid = textAt(await create({ sku_id: 'lid', title: 'Lid', quantity_in_stock: 1 }), 'uuid');
  const changed = await ask('PATCH', `${SKUS}${uuid}/`, { title: 'Lids' });
  const batch = changed.headers.get('batch-id');
  expect((await ask('POST', `${BATCHES}${batch}/revert/`)).json).toMatchObject({ reverted: 1 });
  expect((await ask('GET', `${SKUS}${uuid}/?include=title`)).json).toMatchObject({ title: 'Lid' });
});

test('nobody retires a SKU of another supplier, or without the permission', async () => {
  const uuid = textAt(await create({ sku_id: 'pan' }), 'uuid');
  const { token: other } = await server.createSupplier('Bolt');
  problemOf(await ask('DELETE', `${SKUS}${uuid}/`, undefined, other), 404, 'sku_not_found');
  problemOf(await ask('DELETE', `${SKUS}x/`), 404, 'sku_not_found');
  problemOf(await ask('DELETE', `${SKUS}${uuid}/`, { sku_id: 'pan' }), 400, 'body_shape_wrong');
  expect((await ask('GET', `${SKUS}${uuid}/`)).status).toBe(200);
});
