import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { textMatching } from '../../matching.ts';
import { problemOf } from '../answers.ts';
import { FileClient } from '../files/file-client.ts';
import { SKUS, TestServer } from '../harness.ts';

const UPCA = '036000291452';
let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Exporting', [
    entry('B', { product: { title: '=cmd()', upca: UPCA }, inventory: { quantityInStock: 2 } }),
    entry('a', { product: { title: 'Jug; "blue"' }, inventory: { quantityInStock: 12 } }),
    entry('0042', { inventory: { restrictions: 2, backorderDate: 20_270_131 } }),
  ]));
  await server.createSupplier('Stranger', [entry('B')]);
});
afterAll(() => server.stop());

const ask = (query: string, of = token) =>
  server.ask('GET', `${SKUS}export.csv?${query}`, { token: of });

test('an export has the SKUs that the list has, in its order, with the chosen columns', async () => {
  const answer = await ask(
    'columns=sku_id,gtin,quantity_in_stock,restrictions,backorder_date&sort=quantity_in_stock&order=desc',
  );
  expect(answer.text.split('\n')).toEqual([
    'sku_id,gtin,quantity_in_stock,restrictions,backorder_date',
    'a,,12,,',
    `B,${UPCA},2,,`,
    '0042,,,tmpunavail,2027-01-31',
    '',
  ]);
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="skus.csv"');
  expect((await ask('columns=sku_id&quantity_in_stock_min=3')).text).toBe('sku_id\na\n');
  expect((await ask('columns=sku_id&q=b&sort=sku_id')).text).toBe('sku_id\nB\n');
});

test('an export as CSV has no formulas', async () => {
  const { text } = await ask('columns=title');
  expect(text).toBe(`title\n'=cmd()\n"Jug; ""blue"""\n\n`);
});

test.each(['csv', 'xlsx'])(
  'an export as %s can be sent back as a file of inventory',
  async (format) => {
    const columns = 'sku_id,title,quantity_in_stock,restrictions,backorder_date';
    const response = await fetch(`${server.url}${SKUS}export.${format}?columns=${columns}`, {
      headers: { authorization: `Token ${token}` },
    });
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="skus.${format}"`,
    );
    const client = new FileClient(server, token);
    const uuid = await client.upload(new Uint8Array(await response.arrayBuffer()));
    expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await client.results(uuid)).toEqual([
      `${columns},status_code,message`,
      ...Array.from({ length: 3 }, () => textMatching(/,200,success$/)),
    ]);
  },
);

test.each([
  ['a column that does not exist', 'columns=sku_id,colour', /"colour" is not one of sku_id, title/],
  ['a column twice', 'columns=sku_id,sku_id', /sku_id is given twice/],
  ['no column', 'columns=', /is not one of/],
  ['a page of an export', 'limit=5', /limit/],
  ['a cursor', 'cursor=', /cursor/],
])('%s is refused', async (_, query, detail) => {
  expect(problemOf(await ask(query), 400, 'parameter_invalid')).toMatch(detail);
});

test('an export is for those who may see SKUs, and has those of connected suppliers alone', async () => {
  expect((await server.ask('GET', `${SKUS}export.csv`)).status).toBe(401);
  const retailer = await server.createOrganization('retailer', 'Exporting shop');
  const shop = await server.createToken(retailer.id, ['view_items']);
  expect((await ask('columns=sku_id', shop)).text).toBe('sku_id\n');
});

test('exports are under the budget that an organization has for downloads', async () => {
  const full = await TestServer.start({ organizationResultSpoolBytesMax: 1 });
  try {
    const { token: none } = await full.createSupplier('Full', []);
    const answer = await full.ask('GET', `${SKUS}export.csv`, { token: none });
    problemOf(answer, 429, 'organization_budget_exceeded');
  } finally {
    await full.stop();
  }
});
