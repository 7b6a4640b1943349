import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { at, skuOf, textAt } from '../answers.ts';
import { BULK, SINGLE, SKUS, TestServer, type Answer, type Asking } from '../harness.ts';
import { BATCHES, batchIdOf } from '../inventory/written.ts';

const UNKNOWN_UUID = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';
const GTIN = '4006381333931';
const UNKNOWN_GTIN = '5901234123457';

let server: TestServer;
let ours: { supplier: Organization; token: string };
let theirs: { supplier: Organization; token: string };
let theirSkuUuid: string;
let connectedToken: string;
let unconnectedToken: string;

beforeAll(async () => {
  server = await TestServer.start();
  ours = await server.createSupplier('Ours', [entry('OURS'), entry('COMMON')]);
  theirs = await server.createSupplier('Theirs', [
    entry('THEIRS', { product: { ean13: GTIN }, inventory: { quantityInStock: 77 } }),
    entry('COMMON', { inventory: { quantityInStock: 88 } }),
  ]);
  theirSkuUuid = textAt(await skuOf(server, theirs.token, 'THEIRS'), 'uuid');
  const retailer = await server.createOrganization('retailer', 'Connected');
  await server.store.accounts.createConnection(ours.supplier.id, retailer.id);
  connectedToken = await server.createToken(retailer.id, ['view_items']);
  const stranger = await server.createOrganization('retailer', 'Unconnected');
  unconnectedToken = await server.createToken(stranger.id, ['view_items']);
});
afterAll(() => server.stop());

const OWN_HEADERS = ['date', 'request-id', 'batch-id', 'content-length'];

/** The parts of an answer that could reveal something: all but what differs between any two requests. */
function comparablePartsOf(
  { status, headers, text }: Answer,
  ...hidden: readonly string[]
): unknown {
  const requestId = headers.get('request-id') ?? '';
  const comparableHeaders = Object.fromEntries(
    [...headers].filter(([name]) => !OWN_HEADERS.includes(name)),
  );
  const words = [requestId, ...hidden].filter((word) => word !== '');
  return {
    status,
    headers: comparableHeaders,
    text: words.reduce((left, word) => left.replaceAll(word, '…'), text),
  };
}

/** Requests something of another supplier and something that does not exist, and checks that the answers are equal. */
async function expectNoDifference(
  ask: (what: string) => { method: string; path: string; asking: Asking },
  another: string,
  unknown: string,
): Promise<Answer> {
  const [first, second] = [ask(another), ask(unknown)];
  const ofAnother = await server.ask(first.method, first.path, first.asking);
  const ofUnknown = await server.ask(second.method, second.path, second.asking);
  expect(comparablePartsOf(ofAnother, another)).toEqual(comparablePartsOf(ofUnknown, unknown));
  return ofAnother;
}

const readers: readonly (readonly [who: string, token: () => string])[] = [
  ['another supplier', () => ours.token],
  ['a retailer connected to another supplier', () => connectedToken],
  ['a retailer without connections', () => unconnectedToken],
];

const cursorOf = (uuid: string) =>
  Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');

describe.for(readers)('hidden from %s:', ([, tokenOf]) => {
  const get = (path: string) => ({ method: 'GET', path, asking: { token: tokenOf() } });

  test('a SKU by its uuid', async () => {
    const answer = await expectNoDifference(
      (uuid) => get(`${SKUS}${uuid}/`),
      theirSkuUuid,
      UNKNOWN_UUID,
    );
    expect(answer.status).toBe(404);
    await expectNoDifference(
      (uuid) => get(`${SKUS}${uuid.toUpperCase()}`),
      theirSkuUuid,
      UNKNOWN_UUID,
    );
  });

  test('a SKU in the list and in its count', async () => {
    const { json } = await server.ask('GET', SKUS, { token: tokenOf() });
    const visible = tokenOf() === unconnectedToken ? [] : ['OURS', 'COMMON'];
    expect(at(json, 'pagination', 'total_count')).toBe(visible.length);
    expect(JSON.stringify(json)).not.toMatch(/THEIRS|Theirs|:77,|:88,/);
  });

  test('a SKU in filters', async () => {
    for (const [parameter, another, unknown] of [
      ['sku_id', 'THEIRS', 'UNKNOWN'],
      ['ean13', GTIN, UNKNOWN_GTIN],
      ['gtin14', GTIN, UNKNOWN_GTIN],
      ['supplier_uuids', theirs.supplier.uuid, UNKNOWN_UUID],
    ] as const) {
      const answer = await expectNoDifference(
        (value) => get(`${SKUS}?${parameter}=${value}`),
        another,
        unknown,
      );
      expect(at(answer.json, 'skus')).toEqual([]);
      expect(at(answer.json, 'pagination', 'total_count')).toBe(0);
    }
  });

  test('a SKU in a cursor made from its uuid', async () => {
    await expectNoDifference(
      (value) => get(`${SKUS}?cursor=${value}`),
      cursorOf(theirSkuUuid),
      cursorOf(UNKNOWN_UUID),
    );
  });
});

const post = (path: string) => (body: unknown) => ({
  method: 'POST',
  path,
  asking: { token: ours.token, body },
});

describe('a supplier that writes', () => {
  test.for([
    ['sku_id', 'THEIRS', 'UNKNOWN'],
    ['ean13', GTIN, UNKNOWN_GTIN],
    ['gtin14', GTIN, UNKNOWN_GTIN],
  ] as const)("cannot find another supplier's SKU by its %s", async ([form, another, unknown]) => {
    const line = (value: string) => ({ [form]: value, quantity_in_stock: 1 });
    const bulk = await expectNoDifference((value) => post(BULK)([line(value)]), another, unknown);
    expect(at(bulk.json, 0, 'status_code')).toBe(404);
    const single = await expectNoDifference((value) => post(SINGLE)(line(value)), another, unknown);
    expect(single.status).toBe(404);
    expect(await skuOf(server, theirs.token, 'THEIRS')).toMatchObject({ quantity_in_stock: 77 });
  });

  test('updates its own SKU if both have the sku_id', async () => {
    const lines = [{ sku_id: 'COMMON', quantity_in_stock: 5 }];
    const answer = await server.ask('POST', BULK, { token: ours.token, body: lines });
    expect(at(answer.json, 0, 'status_code')).toBe(200);
    expect(await skuOf(server, ours.token, 'COMMON')).toMatchObject({ quantity_in_stock: 5 });
    expect(await skuOf(server, theirs.token, 'COMMON')).toMatchObject({ quantity_in_stock: 88 });
  });

  test("cannot see or revert another supplier's batch", async () => {
    const line = { sku_id: 'THEIRS', quantity_on_backorder: 3 };
    const theirBatch = await server.ask('POST', SINGLE, { token: theirs.token, body: line });
    const uuid = batchIdOf(theirBatch);
    for (const [method, part] of [
      ['GET', ''],
      ['GET', 'results/'],
      ['POST', 'revert/'],
    ] as const) {
      const ask = (value: string) => ({
        method,
        path: `${BATCHES}${value}/${part}`,
        asking: { token: ours.token },
      });
      expect((await expectNoDifference(ask, uuid, UNKNOWN_UUID)).status).toBe(404);
    }
    const list = await server.ask('GET', `${BATCHES}?limit=500`, { token: ours.token });
    expect(list.text).not.toContain(uuid);
    expect(await skuOf(server, theirs.token, 'THEIRS')).toMatchObject({ quantity_on_backorder: 3 });
  });

  test('can create a SKU with the sku_id and GTIN of another supplier, without side effects', async () => {
    const theirItem = textAt(await skuOf(server, theirs.token, 'THEIRS'), 'item', 'uuid');
    const { token } = await server.createSupplier('Newcomer');
    const answer = await server.ask('POST', SKUS, {
      token,
      body: { sku_id: 'THEIRS', ean13: GTIN, item: { uuid: theirItem } },
    });
    expect(answer.status, answer.text).toBe(201);
    expect(at(answer.json, 'uuid')).not.toBe(theirSkuUuid);
    expect(at(answer.json, 'supplier', 'name')).toBe('Newcomer');
    const lines = [{ ean13: GTIN, quantity_in_stock: 6 }];
    const updated = await server.ask('POST', BULK, { token: theirs.token, body: lines });
    expect(at(updated.json, 0, 'status_code')).toBe(200);
    expect(await skuOf(server, token, 'THEIRS')).toMatchObject({ quantity_in_stock: null });
  });
});

test('creating a connection reveals SKUs at once, removing it hides them at once', async () => {
  const { accounts } = server.store;
  const newcomer = await server.createOrganization('retailer', 'Soon connected');
  const token = await server.createToken(newcomer.id, ['view_items']);
  await accounts.createConnection(ours.supplier.id, newcomer.id);
  const statusOf = async () =>
    (await server.ask('GET', `${SKUS}${theirSkuUuid}/`, { token })).status;
  expect(await statusOf()).toBe(404);
  await accounts.createConnection(theirs.supplier.id, newcomer.id);
  expect(await statusOf()).toBe(200);
  const both = `${SKUS}?supplier_uuids=${theirs.supplier.uuid},${ours.supplier.uuid},${UNKNOWN_UUID}`;
  const { json } = await server.ask('GET', both, { token });
  expect(JSON.stringify(json)).toContain('"Theirs"');
  await accounts.removeConnection(theirs.supplier.id, newcomer.id);
  expect(await statusOf()).toBe(404);
});
