import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { TestServer, type Answer } from '../harness.ts';
import { statusesOf, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;
let supplierId: number;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start({ snapshotBreakerPercent: 50, snapshotBreakerSkusMin: 3 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = Array.from({ length: 8 }, (_, i) =>
    entry(`A-${i}`, { inventory: { quantityInStock: 10 } }),
  );
  const made = await server.createSupplier(`Acme ${suppliers}`, entries);
  supplierId = made.supplier.id;
  acme = new SupplierClient(server, made.token);
});

const zero = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ sku_id: `A-${i}`, quantity_in_stock: 0 }));
const liveCount = async () => {
  const stocks = await Promise.all(Array.from({ length: 8 }, (_, i) => acme.stockOf(`A-${i}`)));
  return stocks.filter((stock) => Number(stock) > 0).length;
};

/** Checks that a batch was held back, and gives the code that lets it through. */
function codeOf(answer: Answer): string {
  expect(answer.status, answer.text).toBe(422);
  expect(textAt(answer.json, 'type')).toBe('/docs/errors#breaker_tripped');
  const code = textAt(answer.json, 'confirmation_code');
  const detail = textAt(answer.json, 'detail');
  expect(detail).toContain(`"Confirmation-Code: ${code}"`);
  expect(detail).toContain('within an hour');
  expect(at(answer.json, 'message')).toBe(detail);
  return code;
}

const confirmed = (code: string) => ({ headers: { 'confirmation-code': code } });

describe("a supplier's breaker", () => {
  beforeEach(() => server.store.batches.setSafetyLimit(supplierId, { percentMax: 25, skusMin: 2 }));

  test('holds back a batch that would take too many SKUs to zero, whole', async () => {
    const detail = textAt((await acme.bulk(zero(3))).json, 'detail');
    expect(detail).toMatch(/3 of 8 SKUs that can be sold \(37\.5 %\)/);
    expect(await liveCount()).toBe(8);
  });

  test('lets through what does not pass both bounds', async () => {
    expect(statusesOf(await acme.bulk(zero(2)))).toEqual([200, 200]);
    expect(await liveCount()).toBe(6);
  });

  test('counts what is discontinued, not what comes back within the batch', async () => {
    const discontinued = zero(3).map(({ sku_id }) => ({ sku_id, restrictions: 'discontd' }));
    codeOf(await acme.bulk(discontinued));
    const back = zero(3).map(({ sku_id }) => ({ sku_id, quantity_in_stock: 5 }));
    expect(new Set(statusesOf(await acme.bulk([...zero(3), ...back])))).toEqual(new Set([200]));
  });

  test('lets exactly that body through, once, with the code', async () => {
    const code = codeOf(await acme.bulk(zero(4)));
    problemOf(await acme.bulk(zero(5), confirmed(code)), 422, 'confirmation_invalid');
    problemOf(await acme.bulk(zero(4), confirmed('x')), 422, 'confirmation_invalid');
    const snapshot = { ...confirmed(code), query: '?mode=snapshot' };
    problemOf(await acme.bulk(zero(4), snapshot), 422, 'confirmation_invalid');
    expect(await liveCount()).toBe(8);
    expect(statusesOf(await acme.bulk(zero(4), confirmed(code)))).toEqual([200, 200, 200, 200]);
    expect(await liveCount()).toBe(4);
    await acme.bulk(zero(4).map((line) => ({ ...line, quantity_in_stock: 1 })));
    problemOf(await acme.bulk(zero(4), confirmed(code)), 422, 'confirmation_invalid');
  });

  test('lets it through however it is to be answered', async () => {
    const code = codeOf(await acme.bulk(zero(4)));
    const answer = await acme.bulk(zero(4), { ...confirmed(code), query: '?errors_only=true' });
    expect(answer.text).toBe('[]');
  });

  test('does not use the key up: the confirmed request is applied under it, and repeated', async () => {
    const key = { 'idempotency-key': 'k' };
    const code = codeOf(await acme.bulk(zero(4), { headers: key }));
    const headers = { ...key, 'confirmation-code': code };
    expect((await acme.bulk(zero(4), { headers })).headers.get('idempotent-replayed')).toBeNull();
    expect((await acme.bulk(zero(4), { headers })).headers.get('idempotent-replayed')).toBe('true');
    expect((await acme.bulk(zero(4), { headers: key })).status).toBe(200);
  });

  test('says so in a dry run too, without a code', async () => {
    const answer = await acme.bulk(zero(4), { query: '?dry_run=true' });
    problemOf(answer, 422, 'breaker_tripped');
  });

  test('is not asked where a batch takes nothing down', async () => {
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 0, skusMin: 1 });
    expect(statusesOf(await acme.bulk([{ sku_id: 'A-0', quantity_in_stock: 3 }]))).toEqual([200]);
    const answer = await acme.single({ sku_id: 'A-0', quantity_in_stock: 0 });
    expect(
      (await acme.single({ sku_id: 'A-0', quantity_in_stock: 0 }, confirmed(codeOf(answer))))
        .status,
    ).toBe(200);
  });

  test('of one supplier is none of another', async () => {
    const { token } = await server.createSupplier('Other', [
      entry('A-0', { inventory: { quantityInStock: 1 } }),
    ]);
    const other = new SupplierClient(server, token);
    expect(statusesOf(await other.bulk(zero(1)))).toEqual([200]);
    const code = codeOf(await acme.bulk(zero(4)));
    await server.store.batches.setSafetyLimit(supplierId, null);
    expect((await other.bulk(zero(4), confirmed(code))).status).toBe(200);
  });
});

describe('without one', () => {
  test('any batch goes through', async () => {
    expect(new Set(statusesOf(await acme.bulk(zero(8))))).toEqual(new Set([200]));
  });

  test('a snapshot is held back by the default', async () => {
    const line = [{ sku_id: 'A-0', quantity_in_stock: 9 }];
    const snapshot = { query: '?mode=snapshot' };
    const code = codeOf(await acme.bulk(line, snapshot));
    problemOf(
      await acme.bulk(line, { ...snapshot, query: '?mode=snapshot&dry_run=true' }),
      422,
      'breaker_tripped',
    );
    expect(await liveCount()).toBe(8);
    const answer = await acme.bulk(line, { ...snapshot, ...confirmed(code) });
    expect(answer.headers.get('snapshot-zeroed')).toBe('7');
    expect(await liveCount()).toBe(1);
  });
});
