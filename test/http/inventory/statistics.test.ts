import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../../src/domain/statistics.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { BULK, SINGLE, TestServer } from '../harness.ts';

const STATISTICS = '/timp/statistics/';
/** From long ago to later than now, so that a test may run across an hour. */
const DAYS = '?interval=day';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

async function supplier(name: string): Promise<{ id: number; uuid: string; token: string }> {
  const created = await server.createSupplier(name, [entry('A-1'), entry('A-2')]);
  const { id, uuid } = created.supplier;
  return { id, uuid, token: created.token };
}

async function sumOf(token: string, query = DAYS): Promise<unknown> {
  const answer = await server.ask('GET', `${STATISTICS}${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  const intervals = at(answer.json, 'intervals');
  if (!Array.isArray(intervals)) throw new Error('no intervals');
  return intervals.at(-1);
}

describe('statistics', () => {
  test('count batches, lines, changed SKUs and failed lines by source', async () => {
    const { token } = await supplier('Counted');
    const body = [
      { sku_id: 'A-1', quantity_in_stock: 1 },
      { sku_id: 'A-2', quantity_in_stock: 1 },
      { sku_id: 'NONE', quantity_in_stock: 1 },
    ];
    await server.ask('POST', BULK, { token, body });
    await server.ask('POST', BULK, { token, body });
    await server.ask('POST', SINGLE, { token, body: body[0] });
    // Neither dry runs nor requests that are refused as a whole are applied.
    await server.ask('POST', `${BULK}?dry_run=true`, { token, body });
    await server.ask('POST', BULK, { token, body: '{' });
    expect(await sumOf(token)).toMatchObject({
      by_source: {
        import: { batches: 1, lines: 2, failed: 0 },
        bulk: { batches: 2, lines: 6, changed: 2, failed: 2 },
        single: { batches: 1, lines: 1, changed: 0, failed: 0 },
      },
      batches: 4,
      lines: 9,
      failed: 2,
    });
  });

  test('have an interval for each hour, also for those in which nothing was sent', async () => {
    const { token } = await supplier('Silent');
    const query = '?from=2020-01-01T00:30:00Z&to=2020-01-01T03:00:00Z';
    const answer = await server.ask('GET', STATISTICS + query, { token });
    const nothing = { batches: 0, lines: 0, changed: 0, failed: 0, by_source: {} };
    expect(answer.json).toEqual({
      intervals: [
        { start: '2020-01-01T00:00:00.000000Z', ...nothing },
        { start: '2020-01-01T01:00:00.000000Z', ...nothing },
        { start: '2020-01-01T02:00:00.000000Z', ...nothing },
      ],
    });
  });

  test('refuse times in the wrong order and too many intervals', async () => {
    const { token } = await supplier('Wrong');
    for (const query of [
      '?from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z',
      '?from=2020-01-01T00:00:00Z',
      '?interval=week',
    ]) {
      problemOf(await server.ask('GET', STATISTICS + query, { token }), 400, 'parameter_invalid');
    }
  });

  test('of one supplier are not shown to others: a retailer has none, an operator has all', async () => {
    const own = await supplier('Own');
    const other = await supplier('Other');
    await server.ask('POST', BULK, {
      token: other.token,
      body: Array.from({ length: 50 }, () => ({ sku_id: 'A-1', quantity_in_stock: 7 })),
    });
    expect(await sumOf(own.token)).toMatchObject({ batches: 1, lines: 2 });
    const retailer = await server.createOrganization('retailer', 'Statistics shop');
    await server.store.accounts.createConnection(own.id, retailer.id);
    const token = await server.createToken(retailer.id, ['view_items']);
    problemOf(await server.ask('GET', STATISTICS, { token }), 409, 'not_a_supplier');
    const operator = await server.createOrganization('operator', 'Statistics operator');
    const operatorToken = await server.createToken(operator.id, ['view_items']);
    const all = await sumOf(operatorToken);
    expect(at(all, 'lines')).toBeGreaterThanOrEqual(54);
    expect(await sumOf(operatorToken, `${DAYS}&supplier=${own.uuid}`)).toMatchObject({ lines: 2 });
  });

  test('are deleted after their time', async () => {
    const { token } = await supplier('Swept');
    const later = Date.now() + 2 * HOUR_MS;
    const times = { nowMs: 0, failuresBeforeMs: 0, countsBeforeMs: later };
    while (await server.store.batches.sweep(times, 100));
    expect(await sumOf(token)).toMatchObject({ batches: 0 });
  });
});
