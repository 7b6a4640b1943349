import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { workbookOf } from '../../formats/workbooks.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { TestServer } from '../harness.ts';
import { FileClient, FILES } from './file-client.ts';

let server: TestServer;
let client: FileClient;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  client = await supplierWith(['A-1', 'A-2', 'A-3']);
  await client.processed(await client.upload('sku_id,qty\nA-1,1\nA-2,2\nA-3,3\n'));
});

async function supplierWith(skuIds: readonly string[]): Promise<FileClient> {
  const name = `Effects ${suppliers} ${skuIds.length}`;
  const entries = skuIds.map((skuId) => entry(skuId));
  return new FileClient(server, (await server.createSupplier(name, entries)).token);
}

async function dryRun(body: string | Uint8Array, query = ''): Promise<string> {
  const uuid = await client.upload(body, `?dry_run=true${query}`);
  await client.processed(uuid);
  return uuid;
}

async function effects(uuid: string, query = ''): Promise<unknown> {
  const answer = await client.ask('GET', `${FILES}${uuid}/effects/${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

describe('the effects of a file', () => {
  const MIXED =
    'sku_id,qty\nA-1,9\nA-2,0\nA-3,3\nNONE,2\nA-1,many\nNADA,2\nA-2,"lots, really"\nA-3,more\n';

  test('of a dry run are totals, reasons of failures, and rows with the values before and after', async () => {
    const uuid = await dryRun(MIXED, '&strict=true');
    const all = await effects(uuid, '?limit=1');
    expect(all).toEqual({
      totals: { rows: 8, failed: 5, changed: 2, unchanged: 1, to_zero: 1, zeroed: null },
      failures: [
        {
          reason: 'Column "qty": "…" is not a whole number from 0 to 2147483647, or NULL',
          status_code: 400,
          count: 3,
          example_row: 6,
          example_message: textMatching(/"many"/),
          candidates: [],
        },
        {
          reason: 'No SKU has these identifiers',
          status_code: 404,
          count: 2,
          example_row: 5,
          example_message: textMatching(/'NONE'/),
          candidates: [],
        },
      ],
      pagination: { total_count: 8, start: 0, limit: 1, next_start_index: 1 },
      rows: [
        {
          row: 2,
          status_code: 200,
          message: 'Would change quantity_in_stock from 1 to 9',
          sku_id: 'A-1',
          sku_uuid: textMatching(/./),
          candidates: [],
          changes: { quantity_in_stock: { from: 1, to: 9 } },
        },
      ],
    });
  });

  test.each([
    ['failed', [5, 6, 7, 8, 9]],
    ['changed', [2, 3]],
    ['to_zero', [3]],
  ])('list only the rows that are %s', async (only, rows) => {
    const uuid = await dryRun(MIXED, '&strict=true');
    const all = await effects(uuid, `?only=${only}`);
    expect(rowsOf(all)).toEqual(rows);
    expect(at(all, 'pagination', 'total_count')).toBe(rows.length);
    const second = await effects(uuid, `?only=${only}&start=1&limit=1`);
    expect(rowsOf(second)).toEqual(rows.slice(1, 2));
  });

  test('name the SKUs that an ambiguous row may mean', async () => {
    const product = { ean13: '4006381333931' };
    const name = `Ambiguous ${suppliers}`;
    const entries = ['B-1', 'B-2'].map((skuId) => entry(skuId, { product }));
    client = new FileClient(server, (await server.createSupplier(name, entries)).token);
    const uuid = await dryRun('ean13,qty\n4006381333931,1\n');
    expect(await effects(uuid)).toMatchObject({
      failures: [{ reason: 'More than one SKU matches', candidates: ['B-1', 'B-2'] }],
      rows: [{ row: 2, candidates: ['B-1', 'B-2'] }],
    });
  });

  test('of a dry run of a snapshot count the SKUs that no row names', async () => {
    const uuid = await dryRun('sku_id,qty\nA-1,1\n', '&mode=snapshot');
    expect(at(await effects(uuid), 'totals')).toMatchObject({ rows: 1, changed: 0, zeroed: 2 });
  });

  test('of a catalogue are the SKUs that it would create and the rows that it would reject', async () => {
    const catalogue = 'sku_id,item_id,title\nA-1,1,Pan\nC-1,1,Pot\n,1,Lid\nC-2,1,Cup\n';
    const uuid = await dryRun(catalogue);
    const found = await effects(uuid);
    expect(at(found, 'totals')).toMatchObject({ rows: 4, failed: 1 });
    expect(rowsOf(await effects(uuid, '?only=failed'))).toEqual([4]);
    expect(rowsOf(await effects(uuid, '?only=changed'))).toContain(3);
    const failed = await client.ask('GET', `${FILES}${uuid}/failed.csv`);
    expect(failed.text).toBe('sku_id,item_id,title\n,1,Lid\n');
  });

  test('are known without the file, as its results say, if no row has a warning', async () => {
    const uuid = await dryRun('sku_id,qty,note\nNO,1,"a\nb"\n\nA-1,0,\nA-2,x,\n\nNO,,\nA-3,9,\n');
    const results = (await client.ask('GET', `${FILES}${uuid}/results.csv`)).text;
    for (const name of await readdir(server.filesDirectory, { recursive: true }))
      if (name.includes(uuid)) await writeFile(join(server.filesDirectory, name), '\0');
    const failed = await effects(uuid, '?only=failed');
    expect(rowsOf(failed)).toEqual([2, 5, 7]);
    for (const { message } of listOf(at(failed, 'rows')))
      expect(results.replaceAll('""', '"')).toContain(message);
    expect(at(failed, 'totals')).toMatchObject({ rows: 5, failed: 3, changed: 2, to_zero: 1 });
    expect(rowsOf(await effects(uuid, '?only=changed&start=1'))).toEqual([8]);
    expect((await client.ask('GET', `${FILES}${uuid}/effects/`)).status).not.toBe(200);
  });

  test('list the warnings of rows, which are read again', async () => {
    const uuid = await dryRun(
      'sku_id,warehouse,qty\nA-1,NJ,4\nA-1,CA,5\nA-2,NJ,2\n',
      '&locations=sum',
    );
    const changed = await effects(uuid, '?only=changed&limit=1');
    expect(at(changed, 'pagination', 'total_count')).toBe(1);
    expect(changed).toMatchObject({
      rows: [{ message: textMatching(/from 1 to 9.*; 2 rows of this SKU add up to 9\.$/) }],
    });
  });

  test('of a real run group its failures, and claim nothing about changes', async () => {
    const uuid = await client.upload('sku_id,qty\nA-1,0\nNONE,2\n');
    await client.processed(uuid);
    expect(await effects(uuid, '?only=failed')).toMatchObject({
      totals: { rows: 2, failed: 1, changed: null, unchanged: null, to_zero: null },
      failures: [{ reason: 'No SKU has these identifiers', count: 1, example_row: 3 }],
      rows: [{ row: 3, sku_id: 'NONE', changes: {} }],
    });
  });

  test('are refused for an unknown filter and a page that is too large', async () => {
    const uuid = await dryRun('sku_id,qty\nA-1,1\n');
    for (const query of ['?only=some', '?limit=1001', '?rows=1']) {
      const answer = await client.ask('GET', `${FILES}${uuid}/effects/${query}`);
      problemOf(answer, 400, 'parameter_invalid');
    }
  });
});

describe('the failed rows of a file', () => {
  test('are a file in its own columns, which can be mended and sent again', async () => {
    const uuid = await dryRun('note;Artikelnummer;qty\nx;A-1;9\ny;NONE;2\nz;NADA;3\n');
    const csv = await client.ask('GET', `${FILES}${uuid}/failed.csv`);
    expect(csv.status).toBe(200);
    expect(csv.text).toBe('note,Artikelnummer,qty\ny,NONE,2\nz,NADA,3\n');
    expect(csv.headers.get('content-disposition')).toBe(
      `attachment; filename="failed-${uuid}.csv"`,
    );
    const mended = csv.text.replace('NONE', 'A-2').replace('NADA', 'A-3');
    expect(await client.processed(await client.upload(mended))).toMatchObject({
      status_counts: { '200': 2 },
    });
    const workbook = await client.ask('GET', `${FILES}${uuid}/failed.xlsx`);
    expect(workbook.text.startsWith('PK')).toBe(true);
  });

  test('are refused for a file that could not be read at all, and no browser stores the problem as a file', async () => {
    const uuid = await client.upload('note,colour\nx,red\n');
    await client.processed(uuid);
    for (const kind of ['csv', 'xlsx']) {
      const answer = await client.ask('GET', `${FILES}${uuid}/failed.${kind}`);
      problemOf(answer, 409, 'file_state_wrong');
      expect(answer.headers.get('content-disposition')).toBeNull();
    }
  });
});

describe('the preview of a file', () => {
  test('shows its first rows, its columns, and rows that cannot be read', async () => {
    const uuid = await client.upload('sku_id,qty,colour\nA-1,9,red\nA-2,many,blue\nA-3,1,red\n');
    const answer = await client.ask('GET', `${FILES}${uuid}/preview/?rows=2&strict=true`);
    expect(answer.json).toEqual({
      kind: 'inventory',
      format: 'csv',
      sheet: null,
      other_sheets: [],
      header: ['sku_id', 'qty', 'colour'],
      header_problem: null,
      mapping: [
        { header: 'sku_id', column: 'sku_id', by: 'name' },
        { header: 'qty', column: 'quantity_in_stock', by: 'alias' },
      ],
      unknown_columns: ['colour'],
      rows: [
        { row: 2, cells: ['A-1', '9', 'red'], problem: null },
        { row: 3, cells: ['A-2', 'many', 'blue'], problem: textMatching(/./) },
      ],
    });
  });

  test('tries a mapping without saving it', async () => {
    const uuid = await client.upload('sku_id,Vrij\nA-1,9\n', '?mapping=Vrij=ignore');
    await client.processed(uuid);
    const path = `${FILES}${uuid}/preview/?mapping=Vrij=quantity_in_stock`;
    expect(at((await client.ask('GET', path)).json, 'mapping', 1)).toEqual({
      header: 'Vrij',
      column: 'quantity_in_stock',
      by: 'map',
    });
    const { json } = await client.ask('GET', `${FILES}mapping/`);
    expect(json).toEqual({ columns: {} });
  });

  test('names the sheet of a workbook', async () => {
    const uuid = await client.upload(
      workbookOf({
        sheets: [
          {
            name: 'Stock',
            rows: [
              ['sku_id', 'qty'],
              ['A-1', '9'],
            ],
          },
        ],
      }),
    );
    const { json } = await client.ask('GET', `${FILES}${uuid}/preview/`);
    expect(json).toMatchObject({
      format: 'xlsx',
      sheet: 'Stock',
      rows: [{ row: 2, cells: ['A-1', '9'] }],
    });
  });

  test('of a file without a usable header shows the columns and rows to map, and why it is refused', async () => {
    const uuid = await client.upload('Stock list\n\nThing;On the shelf\nA-1;9\nA-2;4\n');
    await client.processed(uuid);
    const { json } = await client.ask('GET', `${FILES}${uuid}/preview/`);
    expect(json).toMatchObject({
      header: ['Thing', 'On the shelf'],
      header_problem: { code: 'body_malformed', detail: textMatching(/mapping=/) },
      mapping: [],
      unknown_columns: ['Thing', 'On the shelf'],
      rows: [
        { row: 4, cells: ['A-1', '9'], problem: null },
        { row: 5, cells: ['A-2', '4'], problem: null },
      ],
    });
    const mapped = `${FILES}${uuid}/preview/?mapping=Thing=sku_id,On%20the%20shelf=quantity_in_stock`;
    expect((await client.ask('GET', mapped)).json).toMatchObject({ header_problem: null });
  });

  test('of a workbook keeps the columns that are known, and shows the sheet', async () => {
    const rows = [
      ['sku_id', 'Vrij'],
      ['A-1', '9'],
    ];
    const uuid = await client.upload(workbookOf({ sheets: [{ name: 'Stock', rows }] }));
    const { json } = await client.ask('GET', `${FILES}${uuid}/preview/`);
    expect(json).toMatchObject({
      sheet: 'Stock',
      header_problem: { detail: textMatching(/Sheet "Stock"/) },
      mapping: [{ header: 'sku_id', column: 'sku_id', by: 'name' }],
      rows: [{ row: 2, cells: ['A-1', '9'] }],
    });
  });
});

describe('checking a file again', () => {
  test('reads the same content by other rules, as a dry run', async () => {
    const uuid = await client.upload('Article;On the shelf\nA-1;9\nA-2;none\n', '?filename=a.csv');
    expect(await client.processed(uuid)).toMatchObject({ state: 'refused' });
    const check = async (rules: object, of: string) => {
      const answer = await client.ask('POST', `${FILES}${of}/check/`, { body: rules });
      return textAt(answer.json, 'uuid');
    };
    const columns = { Article: 'sku_id', 'On the shelf': 'quantity_in_stock' };
    const first = await check({ columns, words: { none: 0 } }, uuid);
    expect(await client.processed(first)).toMatchObject({
      state: 'done',
      dry_run: true,
      filename: 'a.csv',
      status_counts: { 200: 2 },
    });
    // What is not given stays, null resets.
    const second = await check({ words: null }, first);
    expect(await client.processed(second)).toMatchObject({
      rules: { mapping: 'Article=sku_id,On the shelf=quantity_in_stock' },
      status_counts: { 200: 1, 400: 1 },
    });
  });

  test('refuses rules that cannot be, and saves none', async () => {
    const uuid = await client.upload('sku_id,qty\nA-1,9\n');
    await client.processed(uuid);
    const answer = await client.ask('POST', `${FILES}${uuid}/check/`, {
      body: { negative: 'one' },
    });
    problemOf(answer, 400, 'member_invalid');
    const settings = (await client.ask('GET', `${FILES}settings/`)).json;
    expect(settings).toMatchObject({ columns: {}, words: {}, negative: null });
  });
});

describe('applying a file after its dry run', () => {
  test('adds one job of the same content and options, however often it is asked for', async () => {
    const headers = { 'batch-reason': 'Monday' };
    const uuid = await client.upload(
      'sku_id,qty\nA-1,9\n',
      '?dry_run=true&filename=a.csv',
      headers,
    );
    await client.processed(uuid);
    const answers = await Promise.all(
      [1, 2, 3].map(() => client.ask('POST', `${FILES}${uuid}/apply/`)),
    );
    const [applied = ''] = answers.map(({ json }) => textAt(json, 'uuid'));
    expect(answers.map(({ json }) => textAt(json, 'uuid'))).toEqual([applied, applied, applied]);
    expect(await client.processed(applied)).toMatchObject({
      state: 'done',
      dry_run: false,
      filename: 'a.csv',
      reason: 'Monday',
      status_counts: { '200': 1 },
    });
    expect(await client.stock()).toMatchObject({ 'A-1': 9 });
    expect(await client.listed()).toHaveLength(3);
    // Each has content of its own.
    expect((await client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(200);
    expect(await client.results(applied)).toEqual([
      'sku_id,qty,status_code,message',
      'A-1,9,200,success',
    ]);
    expect((await client.ask('POST', `${FILES}${uuid}/apply/`)).json).toEqual({ uuid: applied });
  });

  test('is refused for a real run, and once the dry run is deleted', async () => {
    const real = await client.upload('sku_id,qty\nA-1,9\n');
    await client.processed(real);
    expect((await client.ask('POST', `${FILES}${real}/apply/`)).status).toBe(409);
    const uuid = await dryRun('sku_id,qty\nA-1,8\n');
    await client.ask('DELETE', `${FILES}${uuid}/`);
    expect((await client.ask('POST', `${FILES}${uuid}/apply/`)).status).toBe(410);
  });

  test('counts towards the quota of files', async () => {
    const small = await TestServer.start({ supplierFilesMax: 1 });
    try {
      const { token } = await small.createSupplier('Quota', [entry('A-1')]);
      client = new FileClient(small, token);
      const uuid = await dryRun('sku_id,qty\nA-1,8\n');
      const answer = await client.ask('POST', `${FILES}${uuid}/apply/`);
      problemOf(answer, 429, 'file_quota_exceeded');
    } finally {
      await small.stop();
    }
  });
});

test('another supplier finds nothing of a file', async () => {
  const uuid = await dryRun('sku_id,qty\nA-1,1\nNONE,1\n');
  const other = await supplierWith(['A-1']);
  for (const path of ['effects/', 'preview/', 'failed.csv', 'failed.xlsx']) {
    const answer = await other.ask('GET', `${FILES}${uuid}/${path}`);
    problemOf(answer, 404, 'file_not_found');
  }
  expect((await other.ask('POST', `${FILES}${uuid}/apply/`)).status).toBe(404);
});

function listOf(value: unknown): readonly { readonly message: string }[] {
  return Array.isArray(value) ? value.map((one) => ({ message: textAt(one, 'message') })) : [];
}

function rowsOf(answer: unknown): readonly unknown[] {
  const rows = at(answer, 'rows');
  return Array.isArray(rows) ? rows.map((row: unknown) => at(row, 'row')) : [];
}
