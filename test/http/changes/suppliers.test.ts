import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { TestServer } from '../harness.ts';

const SUPPLIERS = '/timp/suppliers/';
const FRESHNESS = '/timp/suppliers/freshness/';

let server: TestServer;
let suppliers: readonly Organization[];
let supplierToken: string;
let retailerToken: string;

beforeAll(async () => {
  server = await TestServer.start();
  const first = await server.createSupplier('Zebra', [entry('Z-1')]);
  supplierToken = first.token;
  const others: Organization[] = [];
  for (let i = 1; i < 27; i += 1) {
    others.push(await server.createOrganization('supplier', `Supplier ${i}`));
  }
  await server.createOrganization('supplier', 'Unconnected');
  suppliers = [first.supplier, ...others];
  const retailer = await server.createOrganization('retailer', 'Shop');
  for (const { id } of suppliers.toReversed()) {
    await server.store.accounts.createConnection(id, retailer.id);
  }
  retailerToken = await server.createToken(retailer.id, ['view_items']);
});
afterAll(() => server.stop());

const read = async (path: string, token: string = retailerToken): Promise<unknown> => {
  const answer = await server.ask('GET', path, { token });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
};

const shown = (from: number, to?: number) =>
  suppliers.slice(from, to).map(({ uuid, name }) => ({ uuid, name }));

const freshnessOf = async (query: string): Promise<readonly unknown[]> => {
  const reports = at(await read(FRESHNESS + query), 'suppliers');
  return Array.isArray(reports) ? reports.map((report) => at(report, 'supplier')) : [];
};

describe('the list of suppliers', () => {
  test('shows a retailer the suppliers that it is connected to, in order of creation', async () => {
    expect(await read(SUPPLIERS)).toEqual({
      pagination: { total_count: 27, start: 0, limit: 25, next_start_index: 25 },
      suppliers: shown(0, 25),
    });
    expect(await read(`${SUPPLIERS}?start=25&limit=2`)).toEqual({
      pagination: { total_count: 27, start: 25, limit: 2, next_start_index: null },
      suppliers: shown(25),
    });
    expect(await read(`${SUPPLIERS}?start=100&limit=500`)).toMatchObject({ suppliers: [] });
  });

  test('shows a supplier itself alone', async () => {
    expect(await read(SUPPLIERS, supplierToken)).toEqual({
      pagination: { total_count: 1, start: 0, limit: 25, next_start_index: null },
      suppliers: shown(0, 1),
    });
  });

  test('rejects a limit that is too large and a parameter that it does not have', async () => {
    for (const query of ['limit=501', 'limit=0', 'start=-1', 'name=Zebra']) {
      const answer = await server.ask('GET', `${SUPPLIERS}?${query}`, { token: retailerToken });
      problemOf(answer, 400, 'parameter_invalid');
    }
  });
});

describe('freshness', () => {
  test('is paged, so that any number of suppliers can be read', async () => {
    expect(at(await read(FRESHNESS), 'pagination')).toEqual({
      total_count: 27,
      start: 0,
      limit: 25,
      next_start_index: 25,
    });
    expect(await freshnessOf('')).toEqual(shown(0, 25));
    expect(await freshnessOf('?start=25')).toEqual(shown(25));
    expect(await freshnessOf('?start=1&limit=2')).toEqual(shown(1, 3));
  });

  test('pages through the suppliers that supplier_uuids names', async () => {
    const uuids = suppliers.map(({ uuid }) => uuid).join(',');
    expect(await freshnessOf(`?supplier_uuids=${uuids}&start=25`)).toEqual(shown(25));
    const [first, second] = suppliers.map(({ uuid }) => uuid);
    expect(await read(`${FRESHNESS}?supplier_uuids=${second}&supplier_uuids=${first}`)).toEqual({
      pagination: { total_count: 2, start: 0, limit: 25, next_start_index: null },
      suppliers: [expect.anything(), expect.anything()],
    });
  });

  test('rejects more than 25 suppliers a page, because each is counted by itself', async () => {
    const answer = await server.ask('GET', `${FRESHNESS}?limit=26`, { token: retailerToken });
    problemOf(answer, 400, 'parameter_invalid');
  });
});
