import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../store/fixtures.ts';
import { at, textAt } from './answers.ts';
import { SKUS, TestServer, type Answer, type Asking } from './harness.ts';

const FILES = '/timp/organizations/files/';
const UPLOAD = `${FILES}upload/`;
const CSV = { 'content-type': 'text/csv' };

let server: TestServer;
let token: string;
let supplierId: number;
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
  supplierId = created.supplier.id;
});

function ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
  return server.ask(method, path, { token, ...asking });
}

/** Uploads a file; gives its uuid. */
async function upload(body: string | Uint8Array, query = '', headers = {}): Promise<string> {
  const answer = await ask('POST', UPLOAD + query, { body, headers: { ...CSV, ...headers } });
  expect(answer.text).toMatch(/^\{"uuid":"[0-9a-f-]{36}"\}$/);
  return textAt(answer.json, 'uuid');
}

/** The file once it is over, or held. */
async function over(uuid: string): Promise<unknown> {
  const answer = await ask('GET', `${FILES}${uuid}/?wait=30`);
  expect(answer.status).toBe(200);
  return answer.json;
}

async function results(uuid: string): Promise<readonly string[]> {
  const answer = await ask('GET', `${FILES}${uuid}/results.csv`);
  expect(answer.status, answer.text).toBe(200);
  return answer.text.trimEnd().split(/\r?\n/);
}

async function stock(): Promise<Record<string, unknown>> {
  const answer = await ask('GET', SKUS);
  const skus = at(answer.json, 'skus');
  if (!Array.isArray(skus)) throw new Error('no skus');
  return Object.fromEntries(
    skus.map((sku: unknown) => [textAt(sku, 'sku_id'), at(sku, 'quantity_in_stock')]),
  );
}

describe('a file that is sent', () => {
  test('is applied row by row, and gives its rows back with what became of each', async () => {
    const uuid = await upload(
      'sku_id,quantity_in_stock,note\nA-1,5,=1+1\nNONE,3,\nA-2,many,x\nA-3,7,\n',
      '?filename=stock.csv',
    );
    expect(await over(uuid)).toMatchObject({
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
    expect(await stock()).toEqual({ 'A-1': 5, 'A-2': null, 'A-3': 7 });
    expect(await results(uuid)).toEqual([
      'sku_id,quantity_in_stock,note,status_code,message',
      "A-1,5,'=1+1,200,success",
      expect.stringMatching(/^NONE,3,,404,"?No sku found/),
      expect.stringMatching(
        /^A-2,many,x,400,"Row 4, column ""quantity_in_stock"": ""many"" is not/,
      ),
      'A-3,7,,200,success',
    ]);
  });

  test('comes as a form too, named by it', async () => {
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
    expect(await over(uuid)).toMatchObject({ filename: 'stock.csv', state: 'done', rows: 1 });
    expect(await stock()).toMatchObject({ 'A-1': 5 });
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
  ] as const)('in a form with %s is refused', async ([, fill, code]) => {
    const form = new FormData();
    fill(form);
    const response = await fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: form,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: `/docs/errors#${code}` });
    expect(await filesListed()).toEqual([]);
  });

  test('without bytes is refused', async () => {
    const answer = await ask('POST', UPLOAD);
    expect(answer.status).toBe(400);
    expect(textAt(answer.json, 'type')).toBe('/docs/errors#body_missing');
  });

  test('has a uuid of its own each time, and is applied in the order of sending', async () => {
    const uuids: string[] = [];
    for (let quantity = 1; quantity <= 5; quantity += 1)
      uuids.push(await upload(`sku_id,qty\nA-1,${quantity}\nA-2,1\n`));
    uuids.push(await upload('sku_id,qty\nA-1,5\nA-2,1\n'));
    expect(new Set(uuids).size).toBe(6);
    for (const uuid of uuids) await over(uuid);
    expect(await stock()).toMatchObject({ 'A-1': 5, 'A-2': 1 });
    expect(await filesListed()).toEqual(uuids.toReversed());
  });

  test('of many rows is applied in pieces, and answered for each row in its place', async () => {
    const count = 25_000;
    const rows = Array.from({ length: count }, (_, i) =>
      i % 1000 === 0 ? `A-1,${i}` : `NONE-${i},1`,
    );
    const uuid = await upload(['sku_id,qty', ...rows].join('\n'));
    const file = await over(uuid);
    expect(file).toMatchObject({
      state: 'done',
      rows: count,
      status_counts: { '200': 25, '404': count - 25 },
    });
    expect(at(file, 'batches')).toHaveLength(3);
    const [, ...lines] = await results(uuid);
    expect(lines.map((line) => line.split(',')[0])).toEqual(rows.map((row) => row.split(',')[0]));
    expect(lines.flatMap((line, i) => (line.includes(',200,') ? [i] : []))).toEqual(
      Array.from({ length: 25 }, (_, i) => i * 1000),
    );
  });

  test('sent again with its key is the same file; with other bytes it is refused', async () => {
    const key = { 'idempotency-key': 'night-1' };
    const body = 'sku_id,qty\nA-1,5\n';
    const uuid = await upload(body, '', key);
    expect(await upload(body, '', key)).toBe(uuid);
    const other = await ask('POST', UPLOAD, { body: 'sku_id,qty\nA-1,6\n', headers: key });
    expect([other.status, textAt(other.json, 'type')]).toEqual([
      422,
      '/docs/errors#idempotency_key_reused',
    ]);
    await over(uuid);
    expect(await filesListed()).toEqual([uuid]);
  });

  test('that is larger than allowed is refused, in a form too, and nothing is left of it', async () => {
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

  test('may take longer to come than another request, but not stand still', async () => {
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

  test('that is cut short is not taken', async () => {
    const cut = new AbortController();
    const sent = fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: drip(['sku_id,qty\n', 'A-1,1\n', 'A-1,2\n'], 50, () => cut.abort()),
      duplex: 'half',
      signal: cut.signal,
    });
    await expect(sent).rejects.toThrow();
    const parts = async (): Promise<readonly string[]> =>
      (await readdir(server.filesDirectory)).filter((name) => name.endsWith('.part'));
    await expect.poll(parts).toEqual([]);
    expect(await filesListed()).toEqual([]);
  });

  test.for([
    ['whose header says nothing of stock', 'a,b\n1,2\n', 'body_malformed', /No column says/],
    ['that is a PDF', '%PDF-1.4 …', 'body_malformed', /is a PDF/],
    ['of broken JSON', '[{"sku_id": "A-1", "quantity_in_stock": 1}, {', 'body_malformed', /./],
  ] as const)('%s is refused with the reason', async ([, body, code, detail]) => {
    const uuid = await upload(body);
    const file = await over(uuid);
    expect(file).toMatchObject({ state: 'refused', rows: 0, problem: { code } });
    expect(textAt(file, 'problem', 'detail')).toMatch(detail);
    expect((await results(uuid)).at(-1)).toMatch(/400,/);
    expect(await stock()).toEqual({ 'A-1': null, 'A-2': null, 'A-3': null });
  });
});

/** A body that comes piece by piece; before its last piece `beforeEnd` is called. */
async function* drip(
  pieces: readonly string[],
  everyMs: number,
  beforeEnd: () => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await delay(everyMs);
    if (i === pieces.length - 1) beforeEnd();
    yield Buffer.from(piece);
  }
}

async function filesListed(): Promise<unknown> {
  const answer = await ask('GET', FILES);
  const files = at(answer.json, 'files');
  return Array.isArray(files) ? files.map((file: unknown) => at(file, 'uuid')) : files;
}

describe('a file that is judged as a whole', () => {
  test('as a snapshot takes what it does not name to zero', async () => {
    await over(await upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    const uuid = await upload('sku_id,qty\nA-1,9\n', '?mode=snapshot');
    expect(await over(uuid)).toMatchObject({ state: 'done', mode: 'snapshot' });
    expect(await stock()).toEqual({ 'A-1': 9, 'A-2': 0, 'A-3': 0 });
  });

  test('as atomic is refused where a row fails, and says which', async () => {
    const uuid = await upload('sku_id,qty\nA-1,1\nNONE,2\n', '?atomic=true');
    expect(await over(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'line_failed' },
      status_counts: { '404': 1, '424': 1 },
    });
    expect(await stock()).toMatchObject({ 'A-1': null });
    expect((await results(uuid))[1]).toBe('A-1,1,424,Left out because row 3 was not applied');
  });

  test('as a dry run tells what would happen, and writes nothing', async () => {
    const uuid = await upload('sku_id,qty\nA-1,1\nNONE,2\n', '?dry_run=true');
    expect(await over(uuid)).toMatchObject({
      state: 'done',
      dry_run: true,
      status_counts: { '200': 1, '404': 1 },
      batches: [],
    });
    expect(await stock()).toMatchObject({ 'A-1': null });
    expect(await results(uuid)).toHaveLength(3);
  });

  test('is held where too much would fall, and goes on once it is confirmed', async () => {
    await over(await upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    await server.store.batches.setBreaker(supplierId, { percentMax: 50, skusMin: 2 });
    const uuid = await upload('sku_id,qty\nA-1,0\nA-2,0\n');
    expect(await over(uuid)).toMatchObject({
      state: 'held',
      problem: { code: 'breaker_tripped' },
    });
    expect((await ask('GET', `${FILES}${uuid}/results.csv`)).status).toBe(409);
    // What comes later need not wait for it.
    expect(await over(await upload('sku_id,qty\nA-3,4\n'))).toMatchObject({ state: 'done' });
    expect(await stock()).toEqual({ 'A-1': 1, 'A-2': 2, 'A-3': 4 });
    expect((await ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(200);
    expect(await over(uuid)).toMatchObject({ state: 'done', problem: null });
    expect(await stock()).toEqual({ 'A-1': 0, 'A-2': 0, 'A-3': 4 });
    expect((await ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(409);
  });

  test('is held and can be canceled', async () => {
    await over(await upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    await server.store.batches.setBreaker(supplierId, { percentMax: 50, skusMin: 2 });
    const uuid = await upload('sku_id,qty\nA-1,0\nA-2,0\n');
    await over(uuid);
    expect((await ask('POST', `${FILES}${uuid}/cancel/`)).json).toMatchObject({
      state: 'canceled',
    });
    expect(await results(uuid)).toHaveLength(3);
    expect((await ask('POST', `${FILES}${uuid}/cancel/`)).status).toBe(409);
    expect((await ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(409);
  });

  test('as of an earlier time leaves what is known as of later', async () => {
    await over(await upload('sku_id,qty\nA-1,1\n'));
    const headers = { 'as-of': '2020-01-01T00:00:00Z' };
    const uuid = await upload('sku_id,qty\nA-1,7\n', '', headers);
    expect(await over(uuid)).toMatchObject({
      state: 'done',
      as_of: '2020-01-01T00:00:00.000000Z',
      status_counts: { '412': 1 },
    });
    expect(await stock()).toMatchObject({ 'A-1': 1 });
  });
});

describe('what was done by a file', () => {
  test('can be undone', async () => {
    await over(await upload('sku_id,qty\nA-1,1\nA-2,2\n'));
    const uuid = await upload('sku_id,qty\nA-1,7\nA-2,8\n');
    await over(uuid);
    await over(await upload('sku_id,qty\nA-2,9\n'));
    const answer = await ask('POST', `${FILES}${uuid}/revert/`);
    expect(answer.json).toMatchObject({ uuid, reverted: 1, moved_on: 1, confirmed: 0 });
    expect(await stock()).toMatchObject({ 'A-1': 1, 'A-2': 9 });
  });
});

describe('a catalogue', () => {
  test('creates SKUs, and gives the report of an import', async () => {
    const uuid = await upload('sku_id,title,qty,upca\nN-1,New,4,\nN-2,Bad,1,123\n');
    expect(await over(uuid)).toMatchObject({
      state: 'done',
      kind: 'catalogue',
      rows: 2,
      status_counts: { '200': 2 },
    });
    expect(await stock()).toMatchObject({ 'N-1': 4 });
    expect(await results(uuid)).toEqual([
      'row,column,value,reason,kind',
      expect.stringMatching(/^3,upca,123,/),
    ]);
    expect((await ask('GET', `${FILES}${uuid}/results.xlsx`)).text).toMatch(/^PK/);
    expect((await ask('POST', `${FILES}${uuid}/revert/`)).status).toBe(409);
  });

  test('is no snapshot', async () => {
    const uuid = await upload('sku_id,title,qty\nN-1,New,4\n', '?mode=snapshot');
    expect(await over(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'parameter_invalid' },
    });
  });
});

describe('names of columns', () => {
  const MAPPING = `${FILES}mapping/`;

  test('that a supplier keeps hold for the files to come, where they have them', async () => {
    const columns = { Lagerbestand: 'quantity_in_stock', 'Art.-Nr.': 'sku_id' };
    expect((await ask('PUT', MAPPING, { body: { columns } })).json).toEqual({ columns });
    expect((await ask('GET', MAPPING)).json).toEqual({ columns });
    const uuid = await upload('Art.-Nr.;Lagerbestand\nA-1;5\n');
    expect(await over(uuid)).toMatchObject({
      state: 'done',
      mapping: [
        { header: 'Art.-Nr.', column: 'sku_id', by: 'map' },
        { header: 'Lagerbestand', column: 'quantity_in_stock', by: 'map' },
      ],
    });
    expect(await over(await upload('sku_id,qty\nA-2,6\n'))).toMatchObject({ state: 'done' });
    expect(await stock()).toMatchObject({ 'A-1': 5, 'A-2': 6 });
    expect((await ask('DELETE', MAPPING)).status).toBe(200);
    expect((await ask('GET', MAPPING)).json).toEqual({ columns: {} });
  });

  test('stand for columns that there are', async () => {
    const answer = await ask('PUT', MAPPING, { body: { columns: { Farbe: 'color' } } });
    expect(answer.status).toBe(400);
    expect(textAt(answer.json, 'detail')).toMatch(/"Farbe" cannot stand for "color"; there are /);
  });
});

describe('an X12 file', () => {
  const ISA =
    'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261123*1200*U*00401*000000007*0*P*>~';
  const advice = (date: string, ...items: readonly string[]): string => {
    const inside = [`BIA*00*DD*REF*${date}`, ...items, `CTT*${items.length}`];
    const segments = items.flatMap((item) => item.split('~')).length + 4;
    return `${ISA}GS*IB*SENDER*RECEIVER*20261123*1200*1*X*004010~ST*846*0001~${inside.join('~')}~SE*${segments}*0001~GE*1*1~IEA*1*000000007~`;
  };

  test('is applied and acknowledged', async () => {
    const uuid = await upload(advice('20261123', 'LIN**SK*A-1~QTY*33*5', 'LIN**SK*NONE~QTY*33*6'));
    expect(await over(uuid)).toMatchObject({
      state: 'done',
      format: 'x12',
      status_counts: { '200': 1, '404': 1 },
    });
    expect(await stock()).toMatchObject({ 'A-1': 5 });
    const answer = await ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    expect(answer.headers.get('content-type')).toBe('application/edi-x12');
    expect(answer.text).toMatch(/^ISA\*.*~ST\*997\*0001~AK1\*IB\*1~AK9\*A\*1\*1\*1~SE\*4\*0001~/s);
  });

  test('that is of long ago leaves what is known since', async () => {
    await over(await upload('sku_id,qty\nA-1,1\n'));
    const uuid = await upload(advice('20200101', 'LIN**SK*A-1~QTY*33*5'));
    expect(await over(uuid)).toMatchObject({ status_counts: { '412': 1 } });
  });

  test('that does not close is refused, and its acknowledgement says so', async () => {
    const whole = advice('20261123', 'LIN**SK*A-1~QTY*33*5');
    const uuid = await upload(whole.slice(0, whole.indexOf('GE*')));
    expect(await over(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'body_malformed' },
    });
    expect(await stock()).toMatchObject({ 'A-1': null });
    const answer = await ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    expect(answer.text).toMatch(/~AK9\*R\*/);
  });

  test('alone is acknowledged', async () => {
    const uuid = await upload('sku_id,qty\nA-1,1\n');
    await over(uuid);
    expect((await ask('GET', `${FILES}${uuid}/acknowledgement.edi`)).status).toBe(409);
  });
});

describe("another's file", () => {
  test('is not there', async () => {
    const uuid = await upload('sku_id,qty\nA-1,5\n', '', { 'idempotency-key': 'same' });
    await over(uuid);
    const other = await server.createSupplier(`Files ${suppliers} other`);
    const asOther = { token: other.token };
    for (const [verb, path] of [
      ['GET', ''],
      ['GET', 'results.csv'],
      ['GET', 'results.xlsx'],
      ['GET', 'acknowledgement.edi'],
      ['POST', 'cancel/'],
      ['POST', 'confirm/'],
      ['POST', 'revert/'],
    ] as const) {
      const answer = await ask(verb, `${FILES}${uuid}/${path}`, asOther);
      expect([answer.status, textAt(answer.json, 'type')], path).toEqual([
        404,
        '/docs/errors#file_not_found',
      ]);
    }
    expect(at((await ask('GET', FILES, asOther)).json, 'files')).toEqual([]);
    const body = 'sku_id,qty\nA-1,6\n';
    const own = await ask('POST', UPLOAD, {
      ...asOther,
      body,
      headers: { 'idempotency-key': 'same' },
    });
    expect(own.status).toBe(200);
    expect(textAt(own.json, 'uuid')).not.toBe(uuid);
  });
});
