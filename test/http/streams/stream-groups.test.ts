import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, textAt } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { StreamClient } from './stream-client.ts';
import { SUCCESS, SupplierClient } from '../inventory/written.ts';

const PIECE = 10_000;

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

/** All results of rows that are sent at once. */
async function answered(rows: string | readonly object[]): Promise<readonly unknown[]> {
  const stream = await open();
  const sent = stream.send(rows);
  stream.end();
  const { rows: results, isWhole } = await stream.rest();
  await sent;
  expect(isWhole).toBe(true);
  return results;
}

test('lines of a group stand or fall together', async () => {
  const results = await answered([
    line('A', 1),
    line('A', 2, 'g'),
    line('X', 2, 'g'),
    line('B', 3, 'h'),
  ]);
  expect(statusesOf(results)).toEqual([200, 424, 404, 200]);
  expect(textAt(results, 1, 'message')).toContain('the line at index 2 was not applied');
  expect([await client.stockOf('A'), await client.stockOf('B')]).toEqual([1, 3]);
});

test('a group waits for its end: a row of another, a blank one, or the end of the stream', async () => {
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

test('a name may come again, for another group', async () => {
  const results = await answered(
    [line('X', 1, 'g'), line('A', 20), line('A', 21, 'g'), line('B', 21, 'g')]
      .map((one) => JSON.stringify(one))
      .join('\n'),
  );
  expect(statusesOf(results)).toEqual([404, 200, 200, 200]);
});

test('a broken row ends a group, as in an array', async () => {
  const [first, second] = [line('A', 30, 'g'), line('X', 30, 'g')].map((one) =>
    JSON.stringify(one),
  );
  expect(statusesOf(await answered(`${first}\nx\n${second}\n`))).toEqual([200, 400, 404]);
});

test('no piece is cut inside of a group', async () => {
  const before = PIECE - 2;
  const results = await answered([
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
  const whole = await answered([line('B', 50), ...repeated(PIECE, line('A', 50, 'g'))]);
  expect(new Set(statusesOf(whole))).toEqual(new Set([200]));
  const failing = await answered([
    ...repeated(PIECE - 1, line('A', 51, 'g')),
    line('X', 51, 'g'),
    line('B', 51),
  ]);
  expect(statusesOf(failing.slice(-3))).toEqual([424, 404, 200]);
  expect(await client.stockOf('A')).toBe(50);
});

test('of a larger one no line is applied, and each says so', async () => {
  const results = await answered([
    line('B', 60),
    ...repeated(PIECE, line('A', 61, 'g')),
    line('X', 61, 'g'),
    ...repeated(PIECE, line('A', 61, 'g')),
    line('B', 62),
  ]);
  expect(statusesOf(results)).toEqual([
    200,
    ...Array.from({ length: 2 * PIECE + 1 }, () => 400),
    200,
  ]);
  expect(textAt(results, 1, 'message')).toMatch(
    /^The group that begins in row 2 has more than 10000 rows or .*: send its lines in an array\.$/,
  );
  expect(results[1]).toEqual(results.at(-2));
  expect([await client.stockOf('A'), await client.stockOf('B')]).toEqual([50, 62]);
});

test('nor is one of more bytes than a piece may have', async () => {
  const long = { ...line('A', 71, 'g'), sku_id: 'A'.padEnd(256, 'é'), note: 'n'.repeat(60_000) };
  const results = await answered([...repeated(80, long), line('B', 72)]);
  expect(statusesOf(results)).toEqual([...repeated(80, {}).map(() => 400), 200]);
  expect(textAt(results, 79, 'message')).toContain('"note" is not a known member');
});
