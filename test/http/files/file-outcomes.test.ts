import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { zipOf } from '../../formats/archives.ts';
import { workbookOf } from '../../formats/workbooks.ts';
import { report } from '../../formats/edifact.ts';
import { interchange } from '../../formats/x12.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { FileClient, FILES, UPLOAD } from './file-client.ts';
import { BATCHES } from '../inventory/written.ts';
import { TestServer } from '../harness.ts';

let server: TestServer;
let client: FileClient;
let supplierId: number;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = ['A-1', 'A-2', 'A-3'].map((skuId) => entry(skuId));
  const created = await server.createSupplier(`Outcomes ${suppliers}`, entries);
  supplierId = created.supplier.id;
  client = new FileClient(server, created.token);
});

describe('a file with conditions on the whole file', () => {
  test('as a snapshot zeroes the SKUs that it does not name', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    const uuid = await client.upload('sku_id,qty\nA-1,9\n', '?mode=snapshot');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', mode: 'snapshot' });
    expect(await client.stock()).toEqual({ 'A-1': 9, 'A-2': 0, 'A-3': 0 });
  });

  test('as atomic is refused if a row fails, and names the row', async () => {
    const uuid = await client.upload('sku_id,qty\nA-1,1\nNONE,2\n', '?atomic=true');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'line_failed' },
      status_counts: { '404': 1, '424': 1 },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null });
    expect((await client.results(uuid))[1]).toBe(
      'A-1,1,424,Left out because row 3 was not applied',
    );
  });

  test('as a dry run returns what would happen and writes nothing', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-2,4\n'));
    const uuid = await client.upload('sku_id,qty\nA-1,1\nNONE,2\nA-2,4\n', '?dry_run=true');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      dry_run: true,
      status_counts: { '200': 2, '404': 1 },
      batches: [],
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null });
    const results = await client.results(uuid);
    expect(results[1]).toBe('A-1,1,200,Would change quantity_in_stock from null to 1');
    expect(results[2]).toMatch(/^NONE,2,404,/);
    expect(results[3]).toBe('A-2,4,200,Would change nothing');
  });

  test('is held by the safety limit and continues when it is confirmed', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 50, skusMin: 2 });
    const uuid = await client.upload('sku_id,qty\nA-1,0\nA-2,0\n');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'held',
      problem: { code: 'breaker_tripped' },
    });
    expect((await client.ask('GET', `${FILES}${uuid}/results.csv`)).status).toBe(409);
    // Later files do not wait for it.
    expect(await client.processed(await client.upload('sku_id,qty\nA-3,4\n'))).toMatchObject({
      state: 'done',
    });
    expect(await client.stock()).toEqual({ 'A-1': 1, 'A-2': 2, 'A-3': 4 });
    expect((await client.ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(200);
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', problem: null });
    expect(await client.stock()).toEqual({ 'A-1': 0, 'A-2': 0, 'A-3': 4 });
    expect((await client.ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(409);
  });

  test('can be canceled while it is held', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 50, skusMin: 2 });
    const uuid = await client.upload('sku_id,qty\nA-1,0\nA-2,0\n');
    await client.processed(uuid);
    expect((await client.ask('POST', `${FILES}${uuid}/cancel/`)).json).toMatchObject({
      state: 'canceled',
    });
    expect(await client.results(uuid)).toHaveLength(3);
    expect((await client.ask('POST', `${FILES}${uuid}/cancel/`)).status).toBe(409);
    expect((await client.ask('POST', `${FILES}${uuid}/confirm/`)).status).toBe(409);
  });

  test('with As-Of leaves SKUs with a later as_of unchanged', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\n'));
    const headers = { 'as-of': '2020-01-01T00:00:00Z' };
    const uuid = await client.upload('sku_id,qty\nA-1,7\n', '', headers);
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      as_of: '2020-01-01T00:00:00.000000Z',
      status_counts: { '412': 1 },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 1 });
  });
});

describe('reverting a file', () => {
  test('restores SKUs that have not changed since', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\n'));
    const uuid = await client.upload('sku_id,qty\nA-1,7\nA-2,8\n');
    await client.processed(uuid);
    await client.processed(await client.upload('sku_id,qty\nA-2,9\n'));
    const answer = await client.ask('POST', `${FILES}${uuid}/revert/`);
    expect(answer.json).toMatchObject({ uuid, reverted: 1, moved_on: 1, confirmed: 0 });
    expect(await client.stock()).toMatchObject({ 'A-1': 1, 'A-2': 9 });
  });
});

describe('reverting a file of several chunks', () => {
  /** Three chunks: each changes A-1, the first changes A-2, the last names A-2 and changes A-3. */
  const file = `sku_id,qty\nA-2,8\n${'A-1,7\n'.repeat(10_000)}${'A-1,6\n'.repeat(10_000)}A-2,8\nA-1,5\nA-3,9\n`;

  test('restores the stock from before the file', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    const uuid = await client.upload(file, '?locations=last');
    const processed = await client.processed(uuid);
    expect(at(processed, 'batches')).toHaveLength(3);
    expect(await client.stock()).toEqual({ 'A-1': 5, 'A-2': 8, 'A-3': 9 });
    const dry = await client.ask('POST', `${FILES}${uuid}/revert/?dry_run=true`);
    expect(dry.json).toMatchObject({ reverted: 5, moved_on: 0, confirmed: 0 });
    const answer = await client.ask('POST', `${FILES}${uuid}/revert/`);
    expect(answer.json).toMatchObject({ reverted: 5, moved_on: 0, confirmed: 0 });
    expect(await client.stock()).toEqual({ 'A-1': 1, 'A-2': 2, 'A-3': 3 });
    const again = await client.ask('POST', `${FILES}${uuid}/revert/`);
    expect(again.json).toMatchObject({ reverted: 0 });
  });

  test('can be done batch by batch, the last first', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
    const batches = at(
      await client.processed(await client.upload(file, '?locations=last')),
      'batches',
    );
    if (!Array.isArray(batches)) throw new Error('no batches');
    for (const batch of batches.toReversed()) {
      await client.ask('POST', `${BATCHES}${batch}/revert/?force=true`);
    }
    expect(await client.stock()).toEqual({ 'A-1': 1, 'A-2': 2, 'A-3': 3 });
  });
});

describe('a catalogue file', () => {
  const ROWS = 'sku_id,title,qty,upca\nN-1,New,4,\nN-2,Bad,1,123\n,Nameless,1,\n';

  test('creates SKUs, and has a result for each row', async () => {
    const uuid = await client.upload(ROWS, '?kind=catalogue');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      kind: 'catalogue',
      rows: 3,
      status_counts: { '200': 2, '400': 1 },
    });
    expect(await client.stock()).toMatchObject({ 'N-1': 4 });
    expect(await client.results(uuid)).toEqual([
      'sku_id,title,qty,upca,status_code,message',
      'N-1,New,4,,200,success: the SKU was created',
      expect.stringMatching(/^N-2,Bad,1,123,200,"success: the SKU was created; upca ""123"" /),
      expect.stringMatching(/^,Nameless,1,,400,/),
    ]);
    expect((await client.ask('GET', `${FILES}${uuid}/results.xlsx`)).text).toMatch(/^PK/);
  });

  test('is asked about numbers with two readings, and names the rules that words and negatives need', async () => {
    const rows = 'sku_id,title,qty,on order\nD-1,New,12.000,\nD-2,New,many,-3\n';
    const uuid = await client.upload(rows, '?kind=catalogue');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'held',
      questions: [{ code: 'ambiguous_decimal', answers: ['point', 'comma'] }],
      notes: [textMatching(/words=many=N/), textMatching(/send negative=zero/)],
    });
    await client.ask('POST', `${FILES}${uuid}/confirm/?decimal=comma`);
    expect(await client.processed(uuid)).toMatchObject({ state: 'done' });
    expect(await client.stock()).toMatchObject({ 'D-1': 12_000 });
    const decided = await client.upload(
      'sku_id,title,qty,price\nD-1,New,9.000,"1,5"\n',
      '?kind=catalogue',
    );
    expect(await client.processed(decided)).toMatchObject({ state: 'done', decimal: 'comma' });
    expect(await client.stock()).toMatchObject({ 'D-1': 9000 });
  });

  test('can be undone: SKUs that it created are retired, and what it changed is put back', async () => {
    const before = await client.stock();
    const rows = 'sku_id,title,qty\nA-1,Other,7\nU-1,New,4\n';
    const uuid = await client.upload(rows, '?kind=catalogue', { 'batch-reason': 'spring' });
    await client.processed(uuid);
    expect(await client.stock()).toEqual({ ...before, 'A-1': 7, 'U-1': 4 });
    const file = (await client.ask('GET', `${FILES}${uuid}/`)).json;
    const batch = await client.ask('GET', `${BATCHES}${textAt(file, 'batches', 0)}/`);
    expect(batch.json).toMatchObject({ source: 'file', line_count: 2, reason: 'spring' });
    const undone = await client.ask('POST', `${FILES}${uuid}/revert/`);
    expect(undone.json).toMatchObject({ reverted: 2, moved_on: 0 });
    expect(await client.stock()).toEqual(before);
  });

  test('cannot be undone any more when its file was deleted', async () => {
    const uuid = await client.upload('sku_id,title\nA-1,Other\n', '?kind=catalogue');
    await client.processed(uuid);
    await client.ask('DELETE', `${FILES}${uuid}/`);
    problemOf(await client.ask('POST', `${FILES}${uuid}/revert/`), 410, 'results_expired');
  });

  test('is refused as a snapshot', async () => {
    const uuid = await client.upload(ROWS, '?mode=snapshot&kind=catalogue');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'parameter_invalid' },
    });
  });

  test('can be tried: a dry run says what each row would do, and writes nothing', async () => {
    const rows = 'sku_id,title,qty\nA-1,Other,1\nA-2,,\nN-1,New,4\n';
    const before = await client.stock();
    const uuid = await client.upload(rows, '?dry_run=true&kind=catalogue');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', dry_run: true });
    expect(await client.results(uuid)).toEqual([
      'sku_id,title,qty,status_code,message',
      'A-1,Other,1,200,Would change the SKU',
      'A-2,,,200,Would change nothing',
      'N-1,New,4,200,Would create the SKU',
    ]);
    expect(await client.stock()).toEqual(before);
  });
});

describe('a file whose sender does not say what it is', () => {
  test('is inventory: its product columns are named and not read, and no SKU is created', async () => {
    const uuid = await client.upload(
      'sku_id,title,condition,qty\nA-1,Other,new,9\nTYPO,New,new,4\n',
    );
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      kind: 'inventory',
      unknown_columns: ['title', 'condition'],
      status_counts: { '200': 1, '404': 1 },
    });
    expect(await client.stock()).toEqual({ 'A-1': 9, 'A-2': null, 'A-3': null });
  });

  test('is a catalogue if it has item_id and title, as the product file has', async () => {
    const uuid = await client.upload('item_id,sku_id,title,qty\n1,N-1,New,4\n');
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', kind: 'catalogue' });
    const other = await client.upload('item_id,sku_id,title,qty\n1,N-1,New,5\n', '?kind=inventory');
    expect(await client.processed(other)).toMatchObject({ state: 'done', kind: 'inventory' });
    expect(await client.stock()).toMatchObject({ 'N-1': 5 });
  });

  test('is refused without a stock column, with the parameter that makes it a catalogue', async () => {
    const uuid = await client.upload('sku_id,title\nN-1,New\n');
    const file = await client.processed(uuid);
    expect(textAt(file, 'problem', 'detail')).toMatch(/kind=catalogue/);
  });
});

describe('column mappings', () => {
  const MAPPING = `${FILES}mapping/`;

  test('apply to all later files that have these columns', async () => {
    const columns = { Lagerbestand: 'quantity_in_stock', 'Art.-Nr.': 'sku_id' };
    expect((await client.ask('PUT', MAPPING, { body: { columns } })).json).toEqual({ columns });
    expect((await client.ask('GET', MAPPING)).json).toEqual({ columns });
    const uuid = await client.upload('Art.-Nr.;Lagerbestand\nA-1;5\n');
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      mapping: [
        { header: 'Art.-Nr.', column: 'sku_id', by: 'map' },
        { header: 'Lagerbestand', column: 'quantity_in_stock', by: 'map' },
      ],
    });
    expect(await client.processed(await client.upload('sku_id,qty\nA-2,6\n'))).toMatchObject({
      state: 'done',
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 5, 'A-2': 6 });
    expect((await client.ask('DELETE', MAPPING)).status).toBe(200);
    expect((await client.ask('GET', MAPPING)).json).toEqual({ columns: {} });
  });

  test('are rejected if the target column does not exist', async () => {
    const answer = await client.ask('PUT', MAPPING, { body: { columns: { Farbe: 'color' } } });
    expect(answer.status).toBe(400);
    expect(textAt(answer.json, 'detail')).toMatch(
      /"Farbe" cannot be mapped to "color"; allowed are /,
    );
  });
});

describe('an X12 file', () => {
  const ISA =
    'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261123*1200*U*00401*000000007*0*P*>~';
  /** Today, because a report with an earlier date is older than the SKUs, which were just created. */
  const TODAY = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const advice = (date: string, ...items: readonly string[]): string => {
    const inside = [`BIA*00*DD*REF*${date}`, ...items, `CTT*${items.length}`];
    const segments = items.flatMap((item) => item.split('~')).length + 4;
    return `${ISA}GS*IB*SENDER*RECEIVER*20261123*1200*1*X*004010~ST*846*0001~${inside.join('~')}~SE*${segments}*0001~GE*1*1~IEA*1*000000007~`;
  };

  test('is applied and acknowledged', async () => {
    const uuid = await client.upload(
      advice(TODAY, 'LIN**SK*A-1~QTY*33*5', 'LIN**SK*NONE~QTY*33*6'),
    );
    expect(await client.processed(uuid)).toMatchObject({
      state: 'done',
      format: 'x12',
      status_counts: { '200': 1, '404': 1 },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 5 });
    const answer = await client.ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    expect(answer.headers.get('content-type')).toBe('application/edi-x12');
    expect(answer.text).toMatch(/^ISA\*.*~ST\*997\*0001~AK1\*IB\*1~AK9\*A\*1\*1\*1~SE\*4\*0001~/s);
  });

  test('finds a SKU by another number of the supplier if the first is unknown', async () => {
    const uuid = await client.upload(advice(TODAY, 'LIN**SK*4711*VN*A-1~QTY*33*8'));
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '200': 1 } });
    expect(await client.stock()).toMatchObject({ 'A-1': 8 });
  });

  test('of EDIFACT is applied and acknowledged with a CONTRL', async () => {
    const uuid = await client.upload(report(['LIN+1++A-1:SA', 'QTY+145:6:PCE']));
    expect(await client.processed(uuid)).toMatchObject({ state: 'done', format: 'edifact' });
    const answer = await client.ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    expect(answer.headers.get('content-type')).toBe('application/edifact');
    expect(answer.text).toMatch(/^UNB\+.*'UNH\+1\+CONTRL:D:3:UN'UCI\+42\+[^']*\+7'/);
  });

  test('with a date that cannot be read is refused', async () => {
    const uuid = await client.upload(advice('20261399', 'LIN**SK*A-1~QTY*33*5'));
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: { detail: textMatching(/^The date of the report, "20261399", cannot be read/) },
    });
  });

  test('with an old date leaves newer stock unchanged', async () => {
    await client.processed(await client.upload('sku_id,qty\nA-1,1\n'));
    const uuid = await client.upload(advice('20200101', 'LIN**SK*A-1~QTY*33*5'));
    expect(await client.processed(uuid)).toMatchObject({ status_counts: { '412': 1 } });
  });

  test('without its closing segments is refused and rejected in its acknowledgement', async () => {
    const whole = advice(TODAY, 'LIN**SK*A-1~QTY*33*5');
    const uuid = await client.upload(whole.slice(0, whole.indexOf('GE*')));
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      problem: { code: 'body_malformed' },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null });
    const answer = await client.ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    expect(answer.text).toMatch(/~AK9\*R\*/);
  });

  test('is the only format with an acknowledgement', async () => {
    const uuid = await client.upload('sku_id,qty\nA-1,1\n');
    await client.processed(uuid);
    expect((await client.ask('GET', `${FILES}${uuid}/acknowledgement.edi`)).status).toBe(409);
  });
});

describe('a file that is broken after its first chunk', () => {
  const ROWS = 12_000;
  const csv = `sku_id,qty\n${'A-1,1\n'.repeat(ROWS)}`;
  const items = Array.from({ length: ROWS }, () => ['LIN**SK*A-1', 'QTY*33*1']).flat();
  const advice = interchange(items, { lineBreak: '' });
  const workbook = workbookOf({
    sheets: [{ rows: [['SKU', 'Qty'], ...Array.from({ length: ROWS }, () => ['A-1', '1'])] }],
  });
  const packed = gzipSync(csv);

  test.each([
    ['X12 with a wrong segment count', advice.replace(/SE\*\d+/, 'SE*5')],
    ['X12 without the end of its transaction set', advice.slice(0, advice.indexOf('SE*'))],
    ['X12 without the end of its group', advice.slice(0, advice.indexOf('GE*'))],
    ['X12 whose second interchange is incomplete', advice + advice.slice(0, -20)],
    ['gzipped X12 with a wrong count', gzipSync(advice.replace(/GE\*1/, 'GE*2'))],
    ['truncated gzip', packed.subarray(0, -9)],
    ['gzip with a wrong checksum', withOtherByte(packed, packed.length - 6)],
    ['zip with a wrong checksum', zipOf([{ name: 'a.csv', content: csv, crc: 1 }])],
    ['a workbook whose sheet has a wrong checksum', withWrongChecksum(workbook, 'sheet1.xml')],
  ])('is refused without applying any row: %s', async (_, file) => {
    const uuid = await client.upload(file);
    expect(await client.processed(uuid)).toMatchObject({
      state: 'refused',
      rows: 0,
      batches: [],
      problem: { code: 'body_malformed' },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': null });
    expect((await client.results(uuid)).filter((row) => row.includes(',200,'))).toEqual([]);
    const answer = await client.ask('GET', `${FILES}${uuid}/acknowledgement.edi`);
    if (answer.status === 200) expect(answer.text).not.toMatch(/~AK9\*[^R]/);
  });

  test.each([['JSON', `[${'{"sku_id":"A-1","quantity_in_stock":1},'.repeat(ROWS)}`]])(
    'reports the rows applied before the error if its format has no checksum: %s',
    async (_, file) => {
      const uuid = await client.upload(file);
      expect(await client.processed(uuid)).toMatchObject({
        state: 'failed',
        rows: 10_000,
        status_counts: { '200': 10_000 },
        problem: { detail: textMatching(/ The 10000 rows before were applied\.$/) },
      });
      expect(await client.stock()).toMatchObject({ 'A-1': 1 });
      const results = (await client.results(uuid)).slice(1);
      const counts = Map.groupBy(results, (row) => /,(\d{3}),/.exec(row)?.[1]);
      expect(counts.get('200')).toHaveLength(10_000);
      expect(results.slice(0, 10_000)).toEqual(counts.get('200'));
      expect(counts.get('424')).toHaveLength(ROWS - 10_000);
      expect(results.at(-1)).toMatch(/,400,/);
    },
  );
});

test.each(['csv', 'xlsx'])(
  'the failed rows of a file without a usable header are refused before anything is sent, as %s',
  async (format) => {
    const uuid = await client.upload('note\nx\n');
    await client.processed(uuid);
    const answer = await client.ask('GET', `${FILES}${uuid}/failed.${format}`);
    problemOf(answer, 409, 'file_state_wrong');
  },
);

describe("another supplier's file", () => {
  test('returns 404', async () => {
    const uuid = await client.upload('sku_id,qty\nA-1,5\n', '', { 'idempotency-key': 'same' });
    await client.processed(uuid);
    const other = await server.createSupplier(`Outcomes ${suppliers} other`);
    const asOther = { token: other.token };
    for (const [method, path] of [
      ['GET', ''],
      ['GET', 'results.csv'],
      ['GET', 'results.xlsx'],
      ['GET', 'acknowledgement.edi'],
      ['POST', 'cancel/'],
      ['POST', 'confirm/'],
      ['POST', 'revert/'],
    ] as const) {
      const answer = await client.ask(method, `${FILES}${uuid}/${path}`, asOther);
      expect([answer.status, textAt(answer.json, 'type')], path).toEqual([
        404,
        '/docs/errors#file_not_found',
      ]);
    }
    expect(at((await client.ask('GET', FILES, asOther)).json, 'files')).toEqual([]);
    const body = 'sku_id,qty\nA-1,6\n';
    const own = await client.ask('POST', UPLOAD, {
      ...asOther,
      body,
      headers: { 'idempotency-key': 'same' },
    });
    expect(own.status).toBe(200);
    expect(textAt(own.json, 'uuid')).not.toBe(uuid);
  });
});

/** A zip archive with a wrong checksum for the file whose name ends with `name`. */
function withWrongChecksum(archive: Buffer, name: string): Buffer {
  const listed = archive.lastIndexOf(name);
  const entryAt = archive.lastIndexOf('PK\u0001\u0002', listed);
  const lying = Buffer.from(archive);
  lying.writeUInt32LE(lying.readUInt32LE(entryAt + 16) ^ 1, entryAt + 16);
  return lying;
}

function withOtherByte(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
