import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { BULK, TestServer } from '../harness.ts';
import { BATCHES, SUCCESS, SupplierClient } from '../inventory/written.ts';
import { StreamClient } from './stream-client.ts';

let server: TestServer;
let token: string;
let client: SupplierClient;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  ({ token } = await server.createSupplier(`Acme ${suppliers}`, [entry('A'), entry('B')]));
  client = new SupplierClient(server, token);
  await client.single({ sku_id: 'A', quantity_in_stock: 100 });
});

const open = (start = 0, key = 'k'): Promise<StreamClient> =>
  StreamClient.open(server.url, {
    token,
    headers: { 'idempotency-key': key, ...(start > 0 && { 'stream-start': String(start) }) },
  });
const taking = (change: number): string =>
  `${JSON.stringify({ sku_id: 'A', quantity_in_stock_change: -change })}\n`;
const grouped = (change: number): string =>
  `${JSON.stringify({ sku_id: 'A', quantity_in_stock_change: -change, group: 'g' })}\n`;
const streamedLines = async (): Promise<readonly unknown[]> => {
  const batches = at((await client.get(BATCHES)).json, 'batches');
  if (!Array.isArray(batches)) throw new Error('no batches');
  return batches
    .filter((batch: unknown) => at(batch, 'source') === 'stream')
    .map((batch: unknown) => at(batch, 'line_count'))
    .toReversed();
};

describe('a stream with an idempotency key', () => {
  test('applies a chunk at each blank row, and answers it before more rows arrive', async () => {
    const stream = await open();
    await stream.send(`${taking(1)}${taking(2)}\n`);
    expect(await stream.rows(2)).toEqual([SUCCESS, SUCCESS]);
    await stream.send(`\n\n${taking(3)}`);
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [SUCCESS], isWhole: true });
    expect(await streamedLines()).toEqual([2, 1]);
    expect(await client.stockOf('A')).toBe(94);
  });

  test('applies rows once that are sent again after the connection broke', async () => {
    const first = await open();
    await first.send(`${taking(1)}\n${taking(2)}${taking(4)}\n${taking(8)}`);
    await first.rows(3);
    await first.destroy();
    // The answer of the second chunk could have been lost: it is sent again.
    const second = await open(1);
    await second.send(`${taking(2)}${taking(4)}\n${taking(8)}\n`);
    second.end();
    expect(await second.rest()).toEqual({ rows: [SUCCESS, SUCCESS, SUCCESS], isWhole: true });
    expect(await client.stockOf('A')).toBe(85);
    expect(await streamedLines()).toEqual([1, 2, 1]);
  });

  test('applies nothing of a chunk that is incomplete when the connection breaks', async () => {
    const stream = await open();
    await stream.send(`${taking(1)}\n${taking(2)}`);
    await stream.rows(1);
    await stream.destroy();
    const again = await open(1);
    await again.send(`${taking(16)}\n`);
    again.end();
    expect((await again.rest()).rows).toEqual([SUCCESS]);
    expect(await client.stockOf('A')).toBe(83);
  });

  test('repeats the results of lines that failed, with their index in the whole stream', async () => {
    const rows = `${taking(200)}${JSON.stringify({ sku_id: 'A' })}\n${taking(1)}\n`;
    const send = async () => {
      const answer = await server.ask('POST', `${BULK}?errors_only=true`, {
        token,
        body: rows,
        headers: {
          'content-type': 'application/x-ndjson',
          'idempotency-key': 'failing',
          'stream-start': '7',
        },
      });
      return answer.text.split('\n', 2).map((row): unknown => JSON.parse(row));
    };
    const failures = await send();
    expect(failures).toMatchObject([
      { index: 7, status_code: 422 },
      { index: 8, status_code: 400 },
    ]);
    expect(await send()).toEqual(failures);
    expect(await client.stockOf('A')).toBe(99);
  });

  test('ends at a chunk whose rows are not those that the key came with', async () => {
    const first = await open();
    await first.send(`${taking(1)}\n`);
    first.end();
    await first.rest();
    const second = await open();
    await second.send(`${taking(2)}\n${taking(4)}\n`);
    second.end();
    const { rows, isWhole } = await second.rest();
    expect(isWhole).toBe(false);
    expect(textAt(rows[0], 'type')).toBe('/docs/errors#idempotency_key_reused');
    expect(at(rows[0], 'index')).toBe(0);
    expect(await client.stockOf('A')).toBe(99);
  });

  test('keeps a group in one chunk', async () => {
    const stream = await open();
    await stream.send(`${taking(1)}${grouped(2)}${grouped(500)}\n`);
    stream.end();
    const statuses = (await stream.rest()).rows.map((row) => at(row, 'status_code'));
    expect(statuses).toEqual([200, 424, 422]);
    expect(await streamedLines()).toEqual([3]);
  });

  test.for(['x', '-1', '1.5'])('rejects Stream-Start: %s', async (start) => {
    const answer = await server.ask('POST', BULK, {
      token,
      body: taking(1),
      headers: { 'content-type': 'application/x-ndjson', 'stream-start': start },
    });
    expect(problemOf(answer, 400, 'parameter_invalid')).toContain('Stream-Start');
  });
});
