import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf, textAt } from '../answers.ts';
import { blockWrites } from '../blocker.ts';
import { BULK, TestServer, type Answer } from '../harness.ts';
import { StreamClient } from './stream-client.ts';
import { BATCHES, fromNow, SUCCESS, SupplierClient } from '../inventory/written.ts';

const NDJSON = 'application/x-ndjson';
const PIECE = 10_000;

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
});

interface Sending {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const open = (sending: Sending = {}): Promise<StreamClient> =>
  StreamClient.open(server.url, { token, ...sending });
const send = (body: string | Uint8Array, { query = '', headers }: Sending = {}): Promise<Answer> =>
  server.ask('POST', BULK + query, {
    token,
    body,
    headers: { 'content-type': NDJSON, ...headers },
  });
const line = (skuId: string, quantity: number): object => {
  return { sku_id: skuId, quantity_in_stock: quantity };
};
const rowOf = (skuId: string, quantity: number): string => JSON.stringify(line(skuId, quantity));

function rowsOf(answer: Answer): readonly unknown[] {
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers.get('content-type')).toBe(NDJSON);
  expect(answer.text).toMatch(/^$|\n$/);
  return answer.text
    .split('\n')
    .slice(0, -1)
    .map((row): unknown => JSON.parse(row));
}

const statusesOf = (rows: readonly unknown[]): readonly unknown[] =>
  rows.map((row) => at(row, 'status_code'));

/** The line counts of the supplier's batches, the first at the front. */
async function batches(): Promise<readonly unknown[]> {
  const list = at((await client.get(`${BATCHES}?limit=500`)).json, 'batches');
  if (!Array.isArray(list)) throw new Error('no list of batches');
  const ofStream = list.filter((batch) => at(batch, 'source') === 'stream').toReversed();
  return ofStream.map((batch) => at(batch, 'line_count'));
}

describe('rows in, results out', () => {
  test('a row is answered while the next is still to come', async () => {
    const stream = await open();
    for (let quantity = 1; quantity <= 5; quantity += 1) {
      await stream.send([line('A', quantity)]);
      expect(await stream.row()).toEqual(SUCCESS);
      expect(await client.stockOf('A')).toBe(quantity);
    }
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [], isWhole: true });
    expect(await batches()).toEqual([1, 1, 1, 1, 1]);
  });

  test('result i answers line i, and lines take effect in order', async () => {
    const lines = Array.from({ length: 25_000 }, (_, i) =>
      i % 3 === 2 ? line('X', 1) : line('A', i),
    );
    const rows = rowsOf(await send(lines.map((one) => JSON.stringify(one)).join('\n')));
    expect(statusesOf(rows)).toEqual(lines.map((_, i) => (i % 3 === 2 ? 404 : 200)));
    expect(await client.stockOf('A')).toBe(24_999);
    const counts = await batches();
    expect(counts.every((count) => Number(count) <= PIECE)).toBe(true);
    expect(counts.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(25_000);
  });

  test('what comes while a piece is written is the next, 10,000 lines at most', async () => {
    const blocker = await blockWrites(server.database);
    const stream = await open();
    try {
      await stream.send([line('A', 1)]);
      await server.ask('GET', '/healthz');
      await stream.send(Array.from({ length: PIECE + 7 }, () => line('B', 2)));
      for (let turn = 0; turn < 50; turn += 1) await server.ask('GET', '/healthz');
    } finally {
      await blocker.release();
    }
    stream.end();
    expect((await stream.rest()).rows).toHaveLength(PIECE + 8);
    expect(await batches()).toEqual([1, PIECE, 7]);
  });

  test('the last row needs no line break, and a stream may be empty', async () => {
    expect(rowsOf(await send(`${rowOf('A', 3)}\n${rowOf('A', 4)}`))).toEqual([SUCCESS, SUCCESS]);
    expect(await client.stockOf('A')).toBe(4);
    expect(rowsOf(await send('\n'))).toEqual([]);
  });

  test('how many succeeded and failed is told behind the last row', async () => {
    const stream = await open();
    await stream.send([line('A', 1), line('X', 1), line('B', 1)]);
    stream.end();
    await stream.rest();
    expect(stream.response.trailers).toEqual({ 'lines-succeeded': '2', 'lines-failed': '1' });
  });

  test('each row means what it means in an array', async () => {
    const lines = [
      '{"sku_id":"A","quantity_in_stock":512.0}',
      '{"sku_id":"A","quantity_in_stock":5.2,"1":2,"0":1}',
      '{"ean13":9.78043902348e+12,"quantity_in_stock":1}',
      '{"gtin14":96385074,"sku_id":7,"quantity_in_stock":1}',
      '{}',
      '{"sku_id":"A","quantity_in_stock":1,"as_of":"2999-01-01T00:00:00Z"}',
    ];
    const array = await client.bulk(`[${lines.join(',')}]`);
    expect(rowsOf(await send(lines.join('\r\n')))).toEqual(array.json);
  });
});

describe('a broken row gets its 400, and the stream goes on', () => {
  const LONG = `{"sku_id":"A","quantity_in_stock":1}`.padEnd(65_536);

  test.for([
    ['that is no JSON', '{"sku_id":"A"', 'Row 2 is not valid JSON: column 14: a closing brace }'],
    ['of two objects', `${rowOf('A', 1)} ${rowOf('A', 1)}`, 'Row 2 is not valid JSON: column 38:'],
    ['that is an array', '[1]', 'Row 2: A line is an object such as'],
    ['that is null', 'null', 'Row 2: A line is an object such as'],
    [
      'that is too deep',
      `{"a":${'['.repeat(7)}${']'.repeat(7)}}`,
      'Row 2 is nested too deeply: at',
    ],
    ['that is too deep by far', '['.repeat(60_000), 'Row 2 is nested too deeply'],
    ['that is too long', `${LONG} `, 'Row 2 is longer than 65536 bytes'],
    ['that is too long by far', LONG.repeat(40), 'Row 2 is longer than 65536 bytes'],
    ['that is not UTF-8', Buffer.from('{"sku_id":"A\xff"}', 'latin1'), 'Row 2 is not UTF-8'],
  ] as const)('one %s', async ([, broken, message]) => {
    const whole = Buffer.from(`${rowOf('A', 1)}\n`);
    const body = Buffer.concat([whole, Buffer.from(broken), Buffer.from('\n'), whole]);
    const rows = rowsOf(await send(body));
    expect(statusesOf(rows)).toEqual([200, 400, 200]);
    expect(textAt(rows, 1, 'message')).toContain(message);
    expect(await client.stockOf('A')).toBe(1);
  });

  test('of two rows that are an object together, each', async () => {
    const rows = rowsOf(await send('{"sku_id":"A","quantity_in_stock":1\n,"restrictions":null}\n'));
    expect(statusesOf(rows)).toEqual([400, 400]);
  });

  test('a row of the longest size is none', async () => {
    expect(rowsOf(await send(`${LONG}\n${LONG}`))).toEqual([SUCCESS, SUCCESS]);
  });

  test('nor are carriage returns and a byte order mark', async () => {
    expect(rowsOf(await send(`\uFEFF${rowOf('A', 1)}\r\n${rowOf('B', 1)}\r\n`))).toEqual([
      SUCCESS,
      SUCCESS,
    ]);
    expect(statusesOf(rowsOf(await send(`${rowOf('A', 1)}\n\uFEFF${rowOf('A', 1)}\n`)))).toEqual([
      200, 400,
    ]);
  });

  test('blank rows are not answered, and counted where rows are numbered', async () => {
    const rows = rowsOf(
      await send(`\n \t\r\n${rowOf('A', 1)}\n\nx\n`, { query: '?errors_only=true' }),
    );
    expect(rows).toEqual([{ index: 1, status_code: 400, message: textMatching(/^Row 5 is not/) }]);
  });

  test('its message is kept with its batch', async () => {
    await send(`${rowOf('A', 1)}\nx\n`);
    const uuid = textAt((await client.get(BATCHES)).json, 'batches', 0, 'uuid');
    const kept = (await client.get(`${BATCHES}${uuid}/results/`)).json;
    expect(JSON.stringify(kept)).toContain('Row 2 is not valid JSON');
  });
});

describe('what an array can ask for', () => {
  test('failures only, each with its place in the stream', async () => {
    const stream = await open({ query: '?errors_only=true' });
    for (let i = 0; i < 3; i += 1) {
      await stream.send([line('A', i), line('X', i)]);
      expect(await stream.row()).toMatchObject({ index: 2 * i + 1, status_code: 404 });
    }
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [], isWhole: true });
  });

  test('a dry run', async () => {
    const answer = await send(`${rowOf('A', 9)}\n`, { query: '?dry_run=true' });
    expect(rowsOf(answer)).toMatchObject([{ ...SUCCESS, after: { quantity_in_stock: 9 } }]);
    expect(answer.headers.get('dry-run')).toBe('true');
    expect(await client.stockOf('A')).toBeNull();
    expect(await batches()).toEqual([]);
  });

  test('what each line did', async () => {
    const answer = await send(`${rowOf('A', 9)}\n`, {
      headers: { prefer: 'return=representation' },
    });
    expect(rowsOf(answer)).toMatchObject([
      { ...SUCCESS, before: { quantity_in_stock: null }, after: { quantity_in_stock: 9 } },
    ]);
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
  });

  test('of when the report is', async () => {
    await send(rowOf('A', 1), { headers: { 'as-of': fromNow(20) } });
    const late = await send(rowOf('A', 2), { headers: { 'as-of': fromNow(10) } });
    expect(statusesOf(rowsOf(late))).toEqual([412]);
    expect(await client.stockOf('A')).toBe(1);
  });

  test('a reason and a reference, told with each batch', async () => {
    await send(rowOf('A', 1), { headers: { 'batch-reason': 'count', 'batch-reference': '17/4' } });
    expect(at((await client.get(BATCHES)).json, 'batches', 0)).toMatchObject({
      source: 'stream',
      reason: 'count',
      reference: '17/4',
      line_count: 1,
    });
  });

  test('what judges a whole input is refused, and the file upload named', async () => {
    for (const asked of [
      { query: '?atomic=true' },
      { query: '?mode=snapshot' },
      { headers: { 'idempotency-key': 'k' } },
      { headers: { 'confirmation-code': 'k' } },
    ]) {
      const detail = problemOf(await send(rowOf('A', 1), asked), 400, 'stream_refused');
      expect(detail).toContain('POST /timp/organizations/files/upload/');
    }
    problemOf(await send(rowOf('A', 1), { query: '?atomc=true' }), 400, 'parameter_invalid');
    expect(await client.stockOf('A')).toBeNull();
  });

  test("so is a supplier's own breaker", async () => {
    const { supplier, token: its } = await server.createSupplier('Careful', [entry('A')]);
    await server.store.batches.setSafetyLimit(supplier.id, { percentMax: 10, skusMin: 1 });
    const answer = await server.ask('POST', BULK, {
      token: its,
      body: rowOf('A', 1),
      headers: { 'content-type': NDJSON },
    });
    expect(problemOf(answer, 400, 'stream_refused')).toContain('/timp/organizations/files/upload/');
    expect(at(await skuOf(server, its, 'A'), 'quantity_in_stock')).toBeNull();
  });

  test('a type that is not read is told of those that are', async () => {
    const detail = problemOf(
      await send(rowOf('A', 1), { headers: { 'content-type': 'text/csv' } }),
      415,
      'media_type_unsupported',
    );
    expect(detail).toContain('application/json');
    expect(detail).toContain(NDJSON);
    const encoded = await send(rowOf('A', 1), { headers: { 'content-encoding': 'br' } });
    problemOf(encoded, 415, 'media_type_unsupported');
  });
});

describe('gzip', () => {
  test('is read and written as it comes', async () => {
    const stream = await open({
      headers: { 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
    });
    expect(stream.response.headers['content-encoding']).toBe('gzip');
    for (let quantity = 1; quantity <= 3; quantity += 1) {
      await stream.send(gzipSync(`${rowOf('A', quantity)}\n`));
      expect(await stream.row()).toEqual(SUCCESS);
      expect(await client.stockOf('A')).toBe(quantity);
    }
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [], isWhole: true });
    expect(stream.response.trailers).toEqual({ 'lines-succeeded': '3', 'lines-failed': '0' });
  });

  test('that ends too early, or is none, ends the stream with a row that says from where on', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => rowOf('A', i));
    const cut = gzipSync(rows.join('\n')).subarray(0, -20);
    for (const [body, headers] of [
      [cut, {}],
      [cut, { 'accept-encoding': 'gzip' }],
      [Buffer.from('no gzip'), {}],
    ] as const) {
      const stream = await open({ headers: { 'content-encoding': 'gzip', ...headers } });
      await stream.send(body);
      stream.end();
      const { rows: results, isWhole } = await stream.rest();
      expect(isWhole).toBe(false);
      const last = results.at(-1);
      expect(last).toMatchObject({
        type: '/docs/errors#body_malformed',
        status_code: 400,
        index: results.length - 1,
      });
      expect(textAt(last, 'message')).toContain(
        `Nothing was applied from row ${results.length} on`,
      );
      expect(await client.stockOf('A')).toBe(results.length === 1 ? null : results.length - 2);
      await client.single(line('A', 0));
      await client.single({ sku_id: 'A', quantity_in_stock: null });
    }
  });
});
