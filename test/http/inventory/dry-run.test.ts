import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { inventory, statusesOf, SUCCESS, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;
const uuids: Record<string, unknown> = {};

beforeAll(async () => {
  server = await TestServer.start();
  const entries = ['A', 'B', 'C', 'D'].map((skuId) =>
    entry(skuId, { inventory: { quantityInStock: 10 } }),
  );
  acme = new SupplierClient(server, (await server.createSupplier('Acme', entries)).token);
  for (const { skuId } of entries)
    uuids[skuId] = at(await skuOf(server, acme.token, skuId), 'uuid');
});
afterAll(() => server.stop());

const TEN = inventory({ quantity_in_stock: 10 });
const DRY = { query: '?dry_run=true' };
const REPRESENTATION = { headers: { prefer: 'return=representation' } };

describe('a dry run', () => {
  const LINES = [
    { sku_id: 'A', quantity_in_stock: 3, backorder_date: '2027-01-01' },
    { sku_id: 'A', quantity_in_stock_change: -4 },
    { sku_id: 'A', quantity_in_stock_change: -4 },
    { sku_id: 'NONE', quantity_in_stock: 1 },
    { sku_id: 'B', quantity_in_stock: 10 },
    { sku_id: 'B', quantity: 1 },
  ];

  test('returns what would happen, with before and after, and writes nothing', async () => {
    const batches = await acme.batchCount();
    const answer = await acme.bulk(LINES, DRY);
    expect(statusesOf(answer)).toEqual([200, 422, 422, 404, 200, 400]);
    const after = inventory({ quantity_in_stock: 3, backorder_date: '2027-01-01' });
    expect(at(answer.json, 0)).toEqual({
      ...SUCCESS,
      sku_uuid: uuids['A'],
      before: TEN,
      after,
      sequence: null,
    });
    expect(at(answer.json, 4)).toMatchObject({ before: TEN, after: TEN, sequence: null });
    expect(answer.headers.get('dry-run')).toBe('true');
    expect(answer.headers.get('batch-id')).toBeNull();
    expect([answer.headers.get('lines-succeeded'), answer.headers.get('lines-failed')]).toEqual([
      '2',
      '4',
    ]);
    expect(await skuOf(server, acme.token, 'A')).toMatchObject({
      quantity_in_stock: 10,
      backorder_date: null,
    });
    expect(await acme.batchCount()).toBe(batches);
  });

  test('returns the same results as the real request', async () => {
    const dry = await acme.bulk(LINES, { query: '?dry_run=true&errors_only=true' });
    const done = await acme.bulk(LINES, { query: '?errors_only=true' });
    expect(dry.text).toBe(done.text);
    expect(done.headers.get('dry-run')).toBeNull();
  });

  test('of a single line', async () => {
    const answer = await acme.single({ sku_id: 'C', quantity_in_stock: 4 }, DRY);
    expect([answer.status, answer.json, answer.headers.get('dry-run')]).toEqual([
      200,
      {
        message: 'success',
        sku_uuid: uuids['C'],
        before: TEN,
        after: inventory({ quantity_in_stock: 4 }),
        sequence: null,
      },
      'true',
    ]);
    expect((await acme.single({ sku_id: 'NONE', quantity_in_stock: 4 }, DRY)).status).toBe(404);
    expect(await acme.stockOf('C')).toBe(10);
  });

  test.for(['?dry_run=1', '?dry_run=', '?dry_run=true&dry_run=true', '?dry_run=TRUE'])(
    'rejects %s',
    async (query) => {
      for (const answer of [await acme.bulk([], { query }), await acme.single({}, { query })]) {
        problemOf(answer, 400, 'parameter_invalid');
      }
    },
  );
});

describe('Prefer: return=representation', () => {
  test('returns before and after of each line', async () => {
    const answer = await acme.bulk(
      [
        { sku_id: 'D', quantity_in_stock: 1 },
        { sku_id: 'NONE', quantity_in_stock: 1 },
        { sku_id: 'D', restrictions: 'discontd' },
        { sku_id: 'C', quantity_in_stock: 10 },
      ],
      REPRESENTATION,
    );
    const one = inventory({ quantity_in_stock: 1 });
    const discontinued = inventory({ quantity_in_stock: 1, restrictions: 'discontd' });
    const sequence = at(answer.json, 0, 'sequence');
    expect(sequence).toBeTypeOf('number');
    expect(answer.json).toEqual([
      { ...SUCCESS, sku_uuid: uuids['D'], before: TEN, after: one, sequence },
      { status_code: 404, message: textMatching(/^No sku found/) },
      { ...SUCCESS, sku_uuid: uuids['D'], before: one, after: discontinued, sequence },
      { ...SUCCESS, sku_uuid: uuids['C'], before: TEN, after: TEN, sequence: null },
    ]);
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
  });

  test('of a single line', async () => {
    const answer = await acme.single({ sku_id: 'D', quantity_in_stock: 2 }, REPRESENTATION);
    expect(answer.json).toMatchObject({
      message: 'success',
      sku_uuid: uuids['D'],
      before: { quantity_in_stock: 1 },
      after: { quantity_in_stock: 2, restrictions: 'discontd' },
    });
    expect(at(answer.json, 'sequence')).toBeTypeOf('number');
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
  });

  test('is not applied without the header', async () => {
    const answer = await acme.bulk([{ sku_id: 'D', quantity_in_stock: 3 }]);
    expect(answer.text).toBe('[{"status_code":200,"message":"success"}]\n');
    expect(answer.headers.get('preference-applied')).toBeNull();
  });
});
