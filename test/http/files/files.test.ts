import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, textAt } from '../answers.ts';
import { FileClient, FILES, UPLOAD } from './file-client.ts';
import { TestServer } from '../harness.ts';

let server: TestServer;
let client: FileClient;
let token: string;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = ['A-1', 'A-2', 'A-3'].map((skuId) => entry(skuId));
  const created = await server.createSupplier(`Files ${suppliers}`, entries);
  ({ token } = created);
  client = new FileClient(server, created.token);
});

describe('an uploaded file', () => {
  test('is applied row by row and returns its rows with their results', async () => {
    const uuid = await client.upload(
      'sku_id,quantity_in_stock,note\nA-1,5,=1+1\nNONE,3,\nA-2,many,x\nA-3,7,\n',
      '?filename=stock.csv',
    );
    expect(await client.processed(uuid)).toMatchObject({
      uuid,
      filename: 'stock.csv',
      state: 'done',
      kind: 'inventory',
      format: 'csv',
      encoding: 'UTF-8',
      rows: 4,
      rows_expected: 4,
      status_counts: { '200': 2, '400': 1, '404': 1 },
      unknown_columns: ['note'],
      problem: null,
      batches: [expect.any(String)],
    });
    expect(await client.stock()).toEqual({ 'A-1': 5, 'A-2': null, 'A-3': 7 });
    expect(await client.results(uuid)).toEqual([
      'sku_id,quantity_in_stock,note,status_code,message',
      "A-1,5,'=1+1,200,success",
      expect.stringMatching(/^NONE,3,,404,"?No sku found/),
      expect.stringMatching(
        /^A-2,many,x,400,"Row 4, column ""quantity_in_stock"": ""many"" is not/,
      ),
      'A-3,7,,200,success',
    ]);
  });

  test('names what it ignored, in its notes and in the results of its rows', async () => {
    const file = 'SKU,UPC,Qty,ETA,Warehouse qty\nA-1,4006381333931,5,soon,1\nA-2,n/a,6,,2\n';
    const uuid = await client.upload(file, '?identifiers=sku_id_first');
    expect(await client.processed(uuid)).toMatchObject({
      status_counts: { '200': 2 },
      notes: [
        expect.stringMatching(/^Column "ETA" has a date that cannot be read/),
        expect.stringMatching(/^Column "UPC" has values that stand for none/),
        expect.stringMatching(/^Column "Warehouse qty" looks like a quantity/),
      ],
    });
    const [, first, second] = await client.results(uuid);
    expect(first).toMatch(/200,"success; the SKU with this sku_id does not have upca/);
    expect(first).toMatch(/Row 2, column ""ETA"": ""soon"" is not a calendar date/);
    expect(second).toMatch(/,200,success$/);
  });

  test('can be sent as a form with a filename', async () => {
    const form = new FormData();
    form.append('filename', 'C:\\exports\\stock.csv');
    form.append('file', new Blob(['sku_id,qty\nA-1,5\n']), 'x.csv');
    const response = await fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: form,
    });
    expect(response.status).toBe(200);
    const uuid = textAt(await response.json(), 'uuid');
    expect(await client.processed(uuid)).toMatchObject({
      filename: 'stock.csv',
      state: 'done',
      rows: 1,
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 5 });
  });

  test.for([
    ['no file', (form: FormData) => form.append('filename', 'x'), 'body_missing'],
    ['an empty file', (form: FormData) => form.append('file', new Blob([]), 'x'), 'body_missing'],
    ['another field', (form: FormData) => form.append('mode', 'snapshot'), 'body_shape_wrong'],
    [
      'two files',
      (form: FormData) => {
        form.append('file', new Blob(['sku_id,qty\nA-1,5\n']), 'x');
        form.append('file', new Blob(['sku_id,qty\nA-1,6\n']), 'y');
      },
      'body_shape_wrong',
    ],
  ] as const)('is rejected in a form with %s', async ([, fill, code]) => {
    const form = new FormData();
    fill(form);
    const response = await fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: form,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: `/docs/errors#${code}` });
    expect(await client.listed()).toEqual([]);
  });

  test('is rejected without a body', async () => {
    const answer = await client.ask('POST', UPLOAD);
    expect(answer.status).toBe(400);
    expect(textAt(answer.json, 'type')).toBe('/docs/errors#body_missing');
  });

  test('gets a new uuid each time and is applied in upload order', async () => {
    const uuids: string[] = [];
    for (let quantity = 1; quantity <= 5; quantity += 1)
      uuids.push(await client.upload(`sku_id,qty\nA-1,${quantity}\nA-2,1\n`));
    uuids.push(await client.upload('sku_id,qty\nA-1,5\nA-2,1\n'));
    expect(new Set(uuids).size).toBe(6);
    for (const uuid of uuids) await client.processed(uuid);
    expect(await client.stock()).toMatchObject({ 'A-1': 5, 'A-2': 1 });
    expect(await client.listed()).toEqual(uuids.toReversed());
  });

  test('with many rows is applied in chunks and has a result for each row, in order', async () => {
    const count = 25_000;
    const rows = Array.from({ length: count }, (_, i) =>
      i % 1000 === 0 ? `A-1,${i}` : `NONE-${i},1`,
    );
    const uuid = await client.upload(['sku_id,qty', ...rows].join('\n'), '?locations=last');
    const file = await client.processed(uuid);
    expect(file).toMatchObject({
      state: 'done',
      rows: count,
      status_counts: { '200': 25, '404': count - 25 },
    });
    expect(at(file, 'batches')).toHaveLength(3);
    const [, ...lines] = await client.results(uuid);
    expect(lines.map((line) => line.split(',')[0])).toEqual(rows.map((row) => row.split(',')[0]));
    expect(lines.flatMap((line, i) => (line.includes(',200,') ? [i] : []))).toEqual(
      Array.from({ length: 25 }, (_, i) => i * 1000),
    );
  });

  test('repeated with its idempotency key is the same file; with other bytes it is rejected', async () => {
    const key = { 'idempotency-key': 'night-1' };
    const body = 'sku_id,qty\nA-1,5\n';
    const uuid = await client.upload(body, '', key);
    expect(await client.upload(body, '', key)).toBe(uuid);
    const other = await client.ask('POST', UPLOAD, { body: 'sku_id,qty\nA-1,6\n', headers: key });
    expect([other.status, textAt(other.json, 'type')]).toEqual([
      422,
      '/docs/errors#idempotency_key_reused',
    ]);
    await client.processed(uuid);
    expect(await client.listed()).toEqual([uuid]);
  });

  test('larger than the limit is rejected and not stored, with or without a form', async () => {
    const small = await TestServer.start({ fileBytesMax: 1024 });
    try {
      const { token: own } = await small.createSupplier('Small');
      const form = new FormData();
      form.append('file', new Blob(['x'.repeat(300_000)]), 'x');
      for (const body of [form, 'x'.repeat(2000)]) {
        const response = await fetch(small.url + UPLOAD, {
          method: 'POST',
          headers: { authorization: `Token ${own}` },
          body,
        });
        expect(response.status).toBe(413);
      }
      const left = await small.ask('GET', FILES, { token: own });
      expect(at(left.json, 'files')).toEqual([]);
    } finally {
      await small.stop();
    }
  });

  test('may exceed the request timeout while bytes arrive, but not stall', async () => {
    const slow = await TestServer.start({ requestTimeoutMs: 1000, headersTimeoutMs: 1000 });
    try {
      const { token: own } = await slow.createSupplier('Slow', [entry('A-1')]);
      const sendBy = (ms: number): Promise<Response> =>
        fetch(slow.url + UPLOAD, {
          method: 'POST',
          headers: { authorization: `Token ${own}` },
          body: drip(['sku_id,qty\n', 'A-1,1\n', 'A-1,2\n', 'A-1,3\n', 'A-1,4\n'], ms),
          duplex: 'half',
        });
      expect((await sendBy(500)).status).toBe(200);
      await expect(sendBy(3000)).rejects.toThrow();
      const files = at((await slow.ask('GET', FILES, { token: own })).json, 'files');
      expect(files).toHaveLength(1);
    } finally {
      await slow.stop();
    }
  });

  test('is discarded if its upload is interrupted', async () => {
    const cut = new AbortController();
    const sent = fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: drip(['sku_id,qty\n', 'A-1,1\n', 'A-1,2\n'], 50, () => cut.abort()),
      duplex: 'half',
      signal: cut.signal,
    });
    await expect(sent).rejects.toThrow();
    const partialFiles = async (): Promise<readonly string[]> =>
      (await readdir(server.filesDirectory, { recursive: true })).filter((name) =>
        name.endsWith('.part'),
      );
    await expect.poll(partialFiles).toEqual([]);
    expect(await client.listed()).toEqual([]);
  });

  test.for([
    ['with a header without stock columns', 'a,b\n1,2\n', 'body_malformed', /No column says/],
    ['that is a PDF', '%PDF-1.4 …', 'body_malformed', /is a PDF/],
    ['with malformed JSON', '[{"sku_id": "A-1", "quantity_in_stock": 1}, {', 'body_malformed', /./],
  ] as const)('%s is refused with a reason', async ([, body, code, detail]) => {
    const uuid = await client.upload(body);
    const file = await client.processed(uuid);
    expect(file).toMatchObject({ state: 'refused', rows: 0, problem: { code } });
    expect(textAt(file, 'problem', 'detail')).toMatch(detail);
    expect((await client.results(uuid)).at(-1)).toMatch(/400,/);
    expect(await client.stock()).toEqual({ 'A-1': null, 'A-2': null, 'A-3': null });
  });
});

/** A body sent in parts; calls `beforeEnd` before the last one. */
async function* drip(
  parts: readonly string[],
  everyMs: number,
  beforeEnd: () => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  for (const [i, part] of parts.entries()) {
    if (i > 0) await delay(everyMs);
    if (i === parts.length - 1) beforeEnd();
    yield Buffer.from(part);
  }
}
