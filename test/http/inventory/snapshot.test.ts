import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { BATCHES, batchIdOf, fromNow, statusesOf, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;
let other: SupplierClient;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = ['A', 'B', 'C', 'D'].map((skuId) =>
    entry(skuId, { inventory: { quantityInStock: 10 }, product: { ean13: '5901234123457' } }),
  );
  entries.push(entry('UNKNOWN'), entry('ZERO', { inventory: { quantityInStock: 0 } }));
  const clientOf = async (name: string) =>
    new SupplierClient(server, (await server.createSupplier(name, entries)).token);
  acme = await clientOf(`Acme ${suppliers}`);
  other = await clientOf(`Other ${suppliers}`);
});

const SNAPSHOT = { query: '?mode=snapshot' };
const line = (skuId: string) => ({ sku_id: skuId, quantity_in_stock: 7 });
const stocks = async () => {
  const skuIds = ['A', 'B', 'C', 'D', 'UNKNOWN', 'ZERO'];
  return Promise.all(skuIds.map((skuId) => acme.stockOf(skuId)));
};

describe('a snapshot', () => {
  test('zeroes and counts the SKUs that it does not name, in the same batch', async () => {
    await acme.bulk([{ sku_id: 'C', restrictions: 'tmpunavail', quantity_on_backorder: 4 }]);
    const answer = await acme.bulk([line('A'), line('B')], SNAPSHOT);
    expect(statusesOf(answer)).toEqual([200, 200]);
    expect(answer.headers.get('snapshot-zeroed')).toBe('3');
    expect(await stocks()).toEqual([7, 7, 0, 0, 0, 0]);
    expect(await skuOf(server, acme.token, 'C')).toMatchObject({
      restrictions: 'tmpunavail',
      quantity_on_backorder: 4,
    });
    expect(await other.stockOf('C')).toBe(10);
    const batch = await acme.get(`${BATCHES}${batchIdOf(answer)}/`);
    expect(batch.json).toMatchObject({ changed_count: 5, zeroed_count: 3, line_count: 2 });
  });

  test('can be reverted like any other batch', async () => {
    const uuid = batchIdOf(await acme.bulk([line('A')], SNAPSHOT));
    await acme.post(`${BATCHES}${uuid}/revert/`);
    expect(await stocks()).toEqual([10, 10, 10, 10, null, 0]);
  });

  test('never zeroes a SKU that a failed line names', async () => {
    const answer = await acme.bulk(
      [
        line('A'),
        { sku_id: 'B', quantity_in_stock: 'many' },
        { sku_id: 'C', quantity_in_stock_change: -99 },
      ],
      SNAPSHOT,
    );
    expect(statusesOf(answer)).toEqual([200, 400, 422]);
    expect(await stocks()).toEqual([7, 10, 10, 0, 0, 0]);
  });

  test('never zeroes a SKU that an ambiguous line may mean', async () => {
    const answer = await acme.bulk(
      [line('UNKNOWN'), { ean13: '5901234123457', quantity_in_stock: 1 }],
      SNAPSHOT,
    );
    expect(statusesOf(answer)).toEqual([200, 422]);
    expect(await stocks()).toEqual([10, 10, 10, 10, 7, 0]);
  });

  test.for([
    ['an invalid identifier', { upca: '012345678900', quantity_in_stock: 1 }],
    ['no identifier', { quantity_in_stock: 1 }],
    ['a misspelt identifier', { skuid: 'B', quantity_in_stock: 1 }],
    ['a good and a bad identifier', { sku_id: 'B', isbn: '1511', quantity_in_stock: 1 }],
    ['a number instead of an object', 5],
  ] as const)('is refused if a line has %s', async ([, bad]) => {
    const answer = await acme.bulk([line('A'), bad], SNAPSHOT);
    const detail = problemOf(answer, 422, 'snapshot_refused');
    expect(detail).toContain('Line 1 ');
    expect(detail).toContain('Correct this, or send the lines without snapshot.');
    expect(await stocks()).toEqual([10, 10, 10, 10, null, 0]);
  });

  test.for([[[]], [[{ sku_id: 'A', quantity: 5 }]], [[5]]] as const)(
    'is refused if it has no valid line: %j',
    async ([lines]) => {
      problemOf(await acme.bulk(lines, SNAPSHOT), 422, 'snapshot_refused');
      expect(await stocks()).toEqual([10, 10, 10, 10, null, 0]);
    },
  );

  test('with as_of leaves SKUs with a later as_of unchanged', async () => {
    const [sooner, later] = [fromNow(60), fromNow(90)];
    await acme.bulk([{ ...line('B'), as_of: later }]);
    const answer = await acme.bulk([line('A')], { ...SNAPSHOT, headers: { 'as-of': sooner } });
    expect(answer.headers.get('snapshot-zeroed')).toBe('3');
    expect(await stocks()).toEqual([7, 7, 0, 0, 0, 0]);
  });

  test('as a dry run counts the SKUs that it would zero, and zeroes none', async () => {
    const answer = await acme.bulk([line('A')], { query: '?mode=snapshot&dry_run=true' });
    expect(answer.headers.get('snapshot-zeroed')).toBe('4');
    expect(await stocks()).toEqual([10, 10, 10, 10, null, 0]);
  });

  test('with atomic=true zeroes nothing if a line fails', async () => {
    const answer = await acme.bulk([line('A'), line('NONE')], {
      query: '?mode=snapshot&atomic=true',
    });
    expect(statusesOf(answer)).toEqual([424, 404]);
    expect(answer.headers.get('snapshot-zeroed')).toBe('0');
    expect(await stocks()).toEqual([10, 10, 10, 10, null, 0]);
  });

  test('is replayed with its idempotency key', async () => {
    const sending = { ...SNAPSHOT, headers: { 'idempotency-key': 'night' } };
    const first = await acme.bulk([line('A')], sending);
    await acme.bulk([line('B')]);
    const again = await acme.bulk([line('A')], sending);
    expect([again.text, again.headers.get('snapshot-zeroed')]).toEqual([
      first.text,
      first.headers.get('snapshot-zeroed'),
    ]);
    expect(await acme.stockOf('B')).toBe(7);
  });
});

test('without mode=snapshot nothing is zeroed and there is no Snapshot-Zeroed header', async () => {
  const answer = await acme.bulk([line('A')]);
  expect(answer.headers.get('snapshot-zeroed')).toBeNull();
  expect(await stocks()).toEqual([7, 10, 10, 10, null, 0]);
  expect(at(answer.json, 0, 'status_code')).toBe(200);
});

test.for(['?mode=', '?mode=full', '?mode=snapshot&mode=snapshot'])('rejects %s', async (query) => {
  problemOf(await acme.bulk([line('A')], { query }), 400, 'parameter_invalid');
});
