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
const CHUNK = 10_000;

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

/** The line counts of the supplier's streamed batches, oldest first. */
async function batches(): Promise<readonly unknown[]> {
  const list = at((await client.get(`${BATCHES}?limit=500`)).json, 'batches');
  if (!Array.isArray(list)) throw new Error('no list of batches');
  const ofStream = list.filter((batch) => at(batch, 'source') === 'stream').toReversed();
  return ofStream.map((batch) => at(batch, 'line_count'));
}

describe('rows in, results out', () => {
  test('returns the result of a row before the next row is sent', async () => {
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

  test('applies lines and returns results in order', async () => {
    const lines = Array.from({ length: 25_000 }, (_, i) =>
      i % 3 === 2 ? line('X', 1) : line('A', i),
    );
    const rows = rowsOf(await send(lines.map((one) => JSON.stringify(one)).join('\n')));
    expect(statusesOf(rows)).toEqual(lines.map((_, i) => (i % 3 === 2 ? 404 : 200)));
    expect(await client.stockOf('A')).toBe(24_999);
    const counts = await batches();
    expect(counts.every((count) => Number(count) <= CHUNK)).toBe(true);
    expect(counts.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(25_000);
  });

  test('rows that arrive while a chunk is written form the next chunk, of at most 10,000 lines', async () => {
    const blocker = await blockWrites(server.database);
    const stream = await open();
    try {
      await stream.send([line('A', 1)]);
      await server.ask('GET', '/healthz');
      await stream.send(Array.from({ length: CHUNK + 7 }, () => line('B', 2)));
      for (let turn = 0; turn < 50; turn += 1) await server.ask('GET', '/healthz');
    } finally {
      await blocker.release();
    }
    stream.end();
    expect((await stream.rest()).rows).toHaveLength(CHUNK + 8);
    expect(await batches()).toEqual([1, CHUNK, 7]);
  });

  test('accepts a last row without a line break, and an empty stream', async () => {
    expect(rowsOf(await send(`${rowOf('A', 3)}\n${rowOf('A', 4)}`))).toEqual([SUCCESS, SUCCESS]);
    expect(await client.stockOf('A')).toBe(4);
    expect(rowsOf(await send('\n'))).toEqual([]);
  });

  test('sends the counts of succeeded and failed lines as trailers', async () => {
    const stream = await open();
    await stream.send([line('A', 1), line('X', 1), line('B', 1)]);
    stream.end();
    await stream.rest();
    expect(stream.response.trailers).toEqual({ 'lines-succeeded': '2', 'lines-failed': '1' });
  });

  test('a row has the same result as a line of an array', async () => {
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

describe('an invalid row gets a 400 and the stream continues', () => {
  const LONG = `{"sku_id":"A","quantity_in_stock":1}`.padEnd(65_536);

  test.for([
    ['that is not JSON', '{"sku_id":"A"', 'Row 2 is not valid JSON: column 14: a closing brace }'],
    [
      'with two objects',
      `${rowOf('A', 1)} ${rowOf('A', 1)}`,
      'Row 2 is not valid JSON: column 38:',
    ],
    ['that is an array', '[1]', 'Row 2: A line is an object such as'],
    ['that is null', 'null', 'Row 2: A line is an object such as'],
    [
      'that is nested too deeply',
      `{"a":${'['.repeat(7)}${']'.repeat(7)}}`,
      'Row 2 is nested too deeply: at',
    ],
    ['that is nested far too deeply', '['.repeat(60_000), 'Row 2 is nested too deeply'],
    ['that is too long', `${LONG} `, 'Row 2 is longer than 65536 bytes'],
    ['that is far too long', LONG.repeat(40), 'Row 2 is longer than 65536 bytes'],
    ['that is not UTF-8', Buffer.from('{"sku_id":"A\xff"}', 'latin1'), 'Row 2 is not UTF-8'],
  ] as const)('a row %s', async ([, broken, message]) => {
    const whole = Buffer.from(`${rowOf('A', 1)}\n`);
    const body = Buffer.concat([whole, Buffer.from(broken), Buffer.from('\n'), whole]);
    const rows = rowsOf(await send(body));
    expect(statusesOf(rows)).toEqual([200, 400, 200]);
    expect(textAt(rows, 1, 'message')).toContain(message);
    expect(await client.stockOf('A')).toBe(1);
  });

  test('each of two rows that only together are an object', async () => {
    const rows = rowsOf(await send('{"sku_id":"A","quantity_in_stock":1\n,"restrictions":null}\n'));
    expect(statusesOf(rows)).toEqual([400, 400]);
  });

  test('accepts a row of the largest size', async () => {
    expect(rowsOf(await send(`${LONG}\n${LONG}`))).toEqual([SUCCESS, SUCCESS]);
  });

  test('accepts carriage returns and a byte order mark at the start', async () => {
    expect(rowsOf(await send(`\uFEFF${rowOf('A', 1)}\r\n${rowOf('B', 1)}\r\n`))).toEqual([
      SUCCESS,
      SUCCESS,
    ]);
    expect(statusesOf(rowsOf(await send(`${rowOf('A', 1)}\n\uFEFF${rowOf('A', 1)}\n`)))).toEqual([
      200, 400,
    ]);
  });

  test('blank rows get no result but count as row numbers', async () => {
    const rows = rowsOf(
      await send(`\n \t\r\n${rowOf('A', 1)}\n\nx\n`, { query: '?errors_only=true' }),
    );
    expect(rows).toEqual([{ index: 1, status_code: 400, message: textMatching(/^Row 5 is not/) }]);
  });

  test('the result of an invalid row is stored with its batch', async () => {
    await send(`${rowOf('A', 1)}\nx\n`);
    const uuid = textAt((await client.get(BATCHES)).json, 'batches', 0, 'uuid');
    const kept = (await client.get(`${BATCHES}${uuid}/results/`)).json;
    expect(JSON.stringify(kept)).toContain('Row 2 is not valid JSON');
  });
});

describe('options of a bulk request', () => {
  test('errors_only=true returns failures with their index in the stream', async () => {
    const stream = await open({ query: '?errors_only=true' });
    for (let i = 0; i < 3; i += 1) {
      await stream.send([line('A', i), line('X', i)]);
      expect(await stream.row()).toMatchObject({ index: 2 * i + 1, status_code: 404 });
    }
    stream.end();
    expect(await stream.rest()).toEqual({ rows: [], isWhole: true });
  });

  test('dry_run=true writes nothing', async () => {
    const answer = await send(`${rowOf('A', 9)}\n`, { query: '?dry_run=true' });
    expect(rowsOf(answer)).toMatchObject([{ ...SUCCESS, after: { quantity_in_stock: 9 } }]);
    expect(answer.headers.get('dry-run')).toBe('true');
    expect(await client.stockOf('A')).toBeNull();
    expect(await batches()).toEqual([]);
  });

  test('Prefer: return=representation returns before and after', async () => {
    const answer = await send(`${rowOf('A', 9)}\n`, {
      headers: { prefer: 'return=representation' },
    });
    expect(rowsOf(answer)).toMatchObject([
      { ...SUCCESS, before: { quantity_in_stock: null }, after: { quantity_in_stock: 9 } },
    ]);
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
  });

  test('As-Of applies to all rows', async () => {
    await send(rowOf('A', 1), { headers: { 'as-of': fromNow(20) } });
    const late = await send(rowOf('A', 2), { headers: { 'as-of': fromNow(10) } });
    expect(statusesOf(rowsOf(late))).toEqual([412]);
    expect(await client.stockOf('A')).toBe(1);
  });

  test('reason and reference are recorded with each batch', async () => {
    await send(rowOf('A', 1), { headers: { 'batch-reason': 'count', 'batch-reference': '17/4' } });
    expect(at((await client.get(BATCHES)).json, 'batches', 0)).toMatchObject({
      source: 'stream',
      reason: 'count',
      reference: '17/4',
      line_count: 1,
    });
  });

  test('options for a whole input are rejected with a pointer to file uploads', async () => {
    for (const asked of [
      { query: '?atomic=true' },
      { query: '?mode=snapshot' },
      { headers: { 'confirmation-code': 'k' } },
    ]) {
      const detail = problemOf(await send(rowOf('A', 1), asked), 400, 'stream_refused');
      expect(detail).toContain('POST /timp/organizations/files/upload/');
    }
    problemOf(await send(rowOf('A', 1), { query: '?atomc=true' }), 400, 'parameter_invalid');
    expect(await client.stockOf('A')).toBeNull();
  });

  test('a supplier with a safety limit cannot stream', async () => {
    const { supplier, token: carefulToken } = await server.createSupplier('Careful', [entry('A')]);
    await server.store.batches.setSafetyLimit(supplier.id, { percentMax: 10, skusMin: 1 });
    const answer = await server.ask('POST', BULK, {
      token: carefulToken,
      body: rowOf('A', 1),
      headers: { 'content-type': NDJSON },
    });
    expect(problemOf(answer, 400, 'stream_refused')).toContain('/timp/organizations/files/upload/');
    expect(at(await skuOf(server, carefulToken, 'A'), 'quantity_in_stock')).toBeNull();
  });

  test('an unsupported media type is rejected and the supported ones are named', async () => {
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
  test('is decompressed and compressed incrementally', async () => {
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

  test('that is truncated or invalid ends the stream with the first row not applied', async () => {
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
