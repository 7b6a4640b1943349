import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { SKUS, TestServer } from '../harness.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ sortedSkusMax: 4 });
  ({ token } = await server.createSupplier('Sorted', [
    entry('B', { inventory: { quantityInStock: 2 } }),
    entry('a', { inventory: { quantityInStock: 9 } }),
    entry('A'),
    entry('c', { inventory: { quantityInStock: 2 } }),
  ]));
});
afterAll(() => server.stop());

const list = (query: string) => server.ask('GET', `${SKUS}?${query}`, { token });

/** The sku_ids of each page. */
async function pagesOf(query: string): Promise<readonly (readonly string[])[]> {
  const pages: string[][] = [];
  for (let cursor: unknown = ''; typeof cursor === 'string';) {
    const { json } = await list(`${query}&limit=3&cursor=${cursor}`);
    const skus = at(json, 'skus');
    if (!Array.isArray(skus)) throw new Error('no skus');
    pages.push(skus.map((sku: unknown) => textAt(sku, 'sku_id')));
    cursor = at(json, 'pagination', 'next_cursor');
  }
  return pages;
}

test.each([
  ['sort=sku_id', [['A', 'B', 'a'], ['c']]],
  ['sort=sku_id&order=desc', [['c', 'a', 'B'], ['A']]],
  ['sort=quantity_in_stock', [['B', 'c', 'a'], ['A']]],
  ['sort=quantity_in_stock&order=desc', [['a', 'B', 'c'], ['A']]],
])('%s sorts the list, page after page by cursor', async (query, pages) => {
  expect(await pagesOf(query)).toEqual(pages);
});

test('a sorted list may begin at an offset', async () => {
  const { json } = await list('sort=sku_id&start=2&limit=1');
  expect([at(json, 'skus', 0, 'sku_id'), at(json, 'pagination', 'next_start_index')]).toEqual([
    'a',
    3,
  ]);
});

test.each([
  ['order without sort', 'order=desc', /order=desc needs sort/],
  ['an order that does not exist', 'sort=sku_id&order=down', /order/],
  [
    'something that lists are not sorted by',
    'sort=title',
    /"sku_id", "last_updated", "quantity_in_stock"/,
  ],
  [
    'a cursor of no list',
    'sort=sku_id&cursor=AAAAAAAAAAAAAAAAAAAAAA.sku_id.asc.bnVs.',
    /not issued/,
  ],
  [
    'a sku_id in place of a quantity',
    'sort=quantity_in_stock&cursor=AAAAAAAAAAAAAAAAAAAAAA.quantity_in_stock.asc.ImEi',
    /another order/,
  ],
])('%s is refused', async (_, query, detail) => {
  expect(problemOf(await list(query), 400, 'parameter_invalid')).toMatch(detail);
});

test.each([
  ['sort=sku_id&limit=1', 'sort=sku_id&order=desc'],
  ['sort=sku_id&limit=1', 'sort=last_updated'],
  ['sort=last_updated&limit=1', ''],
  ['limit=1', 'sort=sku_id'],
])('the cursor of %s is refused by the list of "%s"', async (first, then) => {
  const { json } = await list(`${first}&cursor=`);
  const cursor = textAt(json, 'pagination', 'next_cursor');
  const refusal = problemOf(await list(`${then}&cursor=${cursor}`), 400, 'parameter_invalid');
  expect(refusal).toMatch(/another order/);
});

test('an order that no index has is refused for more SKUs than the server may read', async () => {
  const { token: other } = await server.createSupplier(
    'Large',
    ['1', '2', '3', '4', '5'].map((skuId) => entry(skuId)),
  );
  const ask = (query: string) => server.ask('GET', `${SKUS}?${query}`, { token: other });
  const refusal = problemOf(await ask('sort=last_updated'), 400, 'parameter_invalid');
  expect(refusal).toMatch(/all 5 SKUs .*at most 4 .*ONHAND_SORTED_SKUS_MAX/);
  expect((await ask('sort=sku_id')).status).toBe(200);
});
