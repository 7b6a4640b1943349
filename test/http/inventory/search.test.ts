import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, textAt } from '../answers.ts';
import { BULK, SKUS, TestServer } from '../harness.ts';

let server: TestServer;
let supplierId: number;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  const created = await server.createSupplier('Searched', [
    entry('KETTLE-1', { product: { title: 'Enamel kettle' } }),
    entry('kettle-2', { product: { title: 'Steel Pot' } }),
    entry('POT-1', { product: { title: 'steel jug', upca: '036000291452' } }),
    entry('Mixed-1'),
  ]);
  supplierId = created.supplier.id;
  ({ token } = created);
  await server.createSupplier('Stranger', [
    entry('KETTLE-9', { product: { title: 'Steel', upca: '036000291452' } }),
  ]);
  await server.ask('POST', BULK, { token, body: [{ sku_id: 'POT-1', quantity_in_stock: 7 }] });
});
afterAll(() => server.stop());

async function found(query: string, of = token): Promise<readonly string[]> {
  const answer = await server.ask('GET', `${SKUS}?${query}`, { token: of });
  expect(answer.status, answer.text).toBe(200);
  const skus = at(answer.json, 'skus');
  if (!Array.isArray(skus)) throw new Error('no skus');
  expect(at(answer.json, 'pagination', 'total_count')).toBe(skus.length);
  return skus.map((sku: unknown) => textAt(sku, 'sku_id'));
}

describe('a search for SKUs', () => {
  test.each([
    ['a beginning of the sku_id in any case', 'q=kEttle', ['KETTLE-1', 'kettle-2']],
    ['a sku_id of mixed case in any case', 'q=mIXED', ['Mixed-1']],
    ['a beginning of the title, in any case', 'q=STEEL', ['kettle-2', 'POT-1']],
    ['both at once', 'q=pot', ['POT-1']],
    ['a GTIN in another form', 'q=0036000291452', ['POT-1']],
    ['what other filters let through, too', 'q=steel&quantity_in_stock_min=1', ['POT-1']],
    ['what a title filter lets through, too', 'q=POT&title=steel', ['POT-1']],
    ['nothing in the middle of a word', 'q=ettle', []],
    ['wildcards as they are written', 'q=%25', []],
    ['everything if it is empty', 'q=', ['KETTLE-1', 'kettle-2', 'POT-1', 'Mixed-1']],
  ])('finds %s', async (_, query, skuIds) => {
    expect(await found(query)).toEqual(skuIds);
  });

  test('finds nothing of suppliers that a retailer is not connected to', async () => {
    const retailer = await server.createOrganization('retailer', 'Searching shop');
    const retailerToken = await server.createToken(retailer.id, ['view_items']);
    expect(await found('q=steel', retailerToken)).toEqual([]);
    await server.store.accounts.createConnection(supplierId, retailer.id);
    expect(await found('q=steel', retailerToken)).toEqual(['kettle-2', 'POT-1']);
  });
});
