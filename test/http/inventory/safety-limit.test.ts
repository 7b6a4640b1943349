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

/** Checks that a batch was refused. Returns the code that confirms it. */
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

describe("a supplier's safety limit", () => {
  beforeEach(() => server.store.batches.setSafetyLimit(supplierId, { percentMax: 25, skusMin: 2 }));

  test('refuses a batch that would zero too many SKUs', async () => {
    const detail = textAt((await acme.bulk(zero(3))).json, 'detail');
    expect(detail).toMatch(/3 of 8 SKUs that can be sold \(37\.5 %\)/);
    expect(await liveCount()).toBe(8);
  });

  test('allows a batch that does not exceed both bounds', async () => {
    expect(statusesOf(await acme.bulk(zero(2)))).toEqual([200, 200]);
    expect(await liveCount()).toBe(6);
  });

  test('counts discontinued SKUs, but not those that later lines restock', async () => {
    const discontinued = zero(3).map(({ sku_id }) => ({ sku_id, restrictions: 'discontd' }));
    codeOf(await acme.bulk(discontinued));
    const back = zero(3).map(({ sku_id }) => ({ sku_id, quantity_in_stock: 5 }));
    expect(new Set(statusesOf(await acme.bulk([...zero(3), ...back])))).toEqual(new Set([200]));
  });

  test('allows exactly the refused body once with the confirmation code', async () => {
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

  test('allows the confirmed body with another form of reply', async () => {
    const code = codeOf(await acme.bulk(zero(4)));
    const answer = await acme.bulk(zero(4), { ...confirmed(code), query: '?errors_only=true' });
    expect(answer.text).toBe('[]\n');
  });

  test('does not consume the idempotency key: the confirmed request can be repeated with it', async () => {
    const key = { 'idempotency-key': 'k' };
    const code = codeOf(await acme.bulk(zero(4), { headers: key }));
    const headers = { ...key, 'confirmation-code': code };
    expect((await acme.bulk(zero(4), { headers })).headers.get('idempotent-replayed')).toBeNull();
    expect((await acme.bulk(zero(4), { headers })).headers.get('idempotent-replayed')).toBe('true');
    expect((await acme.bulk(zero(4), { headers: key })).status).toBe(200);
  });

  test('refuses a dry run, too, without a code', async () => {
    const answer = await acme.bulk(zero(4), { query: '?dry_run=true' });
    problemOf(answer, 422, 'breaker_tripped');
  });

  test('does not apply to a batch that zeroes no SKU', async () => {
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 0, skusMin: 1 });
    expect(statusesOf(await acme.bulk([{ sku_id: 'A-0', quantity_in_stock: 3 }]))).toEqual([200]);
    const answer = await acme.single({ sku_id: 'A-0', quantity_in_stock: 0 });
    expect(
      (await acme.single({ sku_id: 'A-0', quantity_in_stock: 0 }, confirmed(codeOf(answer))))
        .status,
    ).toBe(200);
  });

  test('does not apply to other suppliers', async () => {
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

describe('without a safety limit of its own', () => {
  test('a supplier can send any batch', async () => {
    expect(new Set(statusesOf(await acme.bulk(zero(8))))).toEqual(new Set([200]));
  });

  test('a snapshot is refused by the default limit', async () => {
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
