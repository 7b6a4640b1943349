import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, textAt } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { StreamClient } from './stream-client.ts';
import { SUCCESS, SupplierClient } from '../inventory/written.ts';

const CHUNK = 10_000;

let server: TestServer;
let token: string;
let client: SupplierClient;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [entry('A'), entry('B')]));
  client = new SupplierClient(server, token);
});
afterAll(() => server.stop());

const open = (query = ''): Promise<StreamClient> => StreamClient.open(server.url, { token, query });
const line = (skuId: string, quantity: number, group?: string): object => {
  return { sku_id: skuId, quantity_in_stock: quantity, ...(group !== undefined && { group }) };
};
const repeated = (count: number, one: object): readonly object[] =>
  Array.from({ length: count }, () => one);
const statusesOf = (rows: readonly unknown[]): readonly unknown[] =>
  rows.map((row) => at(row, 'status_code'));

/** Sends rows at once and returns all results. */
async function resultsOf(rows: string | readonly object[]): Promise<readonly unknown[]> {
  const stream = await open();
  const sent = stream.send(rows);
  stream.end();
  const { rows: results, isWhole } = await stream.rest();
  await sent;
  expect(isWhole).toBe(true);
  return results;
}

test('lines of a group are applied together or not at all', async () => {
  const results = await resultsOf([
    line('A', 1),
    line('A', 2, 'g'),
    line('X', 2, 'g'),
    line('B', 3, 'h'),
  ]);
  expect(statusesOf(results)).toEqual([200, 424, 404, 200]);
  expect(textAt(results, 1, 'message')).toContain('the line at index 2 was not applied');
  expect([await client.stockOf('A'), await client.stockOf('B')]).toEqual([1, 3]);
});

test('a group is applied when another group, a blank row or the end of the stream follows', async () => {
  const stream = await open();
  await stream.send([line('A', 10), line('A', 11, 'g'), line('B', 11, 'g')]);
  expect(await stream.row()).toEqual(SUCCESS);
  expect(await client.stockOf('A')).toBe(10);
  await stream.send([line('A', 12, 'h')]);
  expect(await stream.rows(2)).toEqual([SUCCESS, SUCCESS]);
  expect(await client.stockOf('A')).toBe(11);
  await stream.send('\n');
  expect(await stream.row()).toEqual(SUCCESS);
  await stream.send([line('A', 13, 'h')]);
  stream.end();
  expect(await stream.rest()).toEqual({ rows: [SUCCESS], isWhole: true });
  expect(await client.stockOf('A')).toBe(13);
});

test('a group name can be reused for a later group', async () => {
  const results = await resultsOf(
    [line('X', 1, 'g'), line('A', 20), line('A', 21, 'g'), line('B', 21, 'g')]
      .map((one) => JSON.stringify(one))
      .join('\n'),
  );
  expect(statusesOf(results)).toEqual([404, 200, 200, 200]);
});

test('an invalid row ends a group, as in an array', async () => {
  const [first, second] = [line('A', 30, 'g'), line('X', 30, 'g')].map((one) =>
    JSON.stringify(one),
  );
  expect(statusesOf(await resultsOf(`${first}\nx\n${second}\n`))).toEqual([200, 400, 404]);
});

test('no chunk ends inside a group', async () => {
  const before = CHUNK - 2;
  const results = await resultsOf([
    ...repeated(before, line('A', 40)),
    ...repeated(5, line('A', 41, 'g')),
    line('X', 41, 'g'),
    line('B', 42),
  ]);
  expect(statusesOf(results.slice(before))).toEqual([424, 424, 424, 424, 424, 404, 200]);
  expect(textAt(results, before, 'message')).toContain(`at index ${before + 5} was not applied`);
  expect(await client.stockOf('A')).toBe(40);
});

test('a group may have 10,000 lines', async () => {
  const whole = await resultsOf([line('B', 50), ...repeated(CHUNK, line('A', 50, 'g'))]);
  expect(new Set(statusesOf(whole))).toEqual(new Set([200]));
  const failing = await resultsOf([
    ...repeated(CHUNK - 1, line('A', 51, 'g')),
    line('X', 51, 'g'),
    line('B', 51),
  ]);
  expect(statusesOf(failing.slice(-3))).toEqual([424, 404, 200]);
  expect(await client.stockOf('A')).toBe(50);
});

test('rejects every line of a group with more lines than the limit', async () => {
  const results = await resultsOf([
    line('B', 60),
    ...repeated(CHUNK, line('A', 61, 'g')),
    line('X', 61, 'g'),
    ...repeated(CHUNK, line('A', 61, 'g')),
    line('B', 62),
  ]);
  expect(statusesOf(results)).toEqual([
    200,
    ...Array.from({ length: 2 * CHUNK + 1 }, () => 400),
    200,
  ]);
  expect(textAt(results, 1, 'message')).toMatch(
    /^The group that begins in row 2 has more than 10000 rows or .*: send its lines in an array\.$/,
  );
  expect(results[1]).toEqual(results.at(-2));
  expect([await client.stockOf('A'), await client.stockOf('B')]).toEqual([50, 62]);
});

test('rejects every line of a group with more bytes than the limit', async () => {
  const long = { ...line('A', 71, 'g'), sku_id: 'A'.padEnd(256, 'é'), note: 'n'.repeat(60_000) };
  const results = await resultsOf([...repeated(80, long), line('B', 72)]);
  expect(statusesOf(results)).toEqual([...repeated(80, {}).map(() => 400), 200]);
  expect(textAt(results, 79, 'message')).toContain('"note" is not a known member');
});
