import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { at, membersAt } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { SupplierClient } from '../http/inventory/written.ts';
import { entry } from '../store/fixtures.ts';
import { textMatching } from '../matching.ts';
import { ended, Workplace, type Ended } from './onhand.ts';

const FILES = '/timp/organizations/files/';
const SUCCESS = { code: 0, stderr: '' };

let work: Workplace;
let server: TestServer;
let acme: SupplierClient;
let supplierId: number;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  work = await Workplace.make();
  suppliers += 1;
  const entries = ['A', 'B', 'C'].map((id) => entry(id, { inventory: { quantityInStock: 10 } }));
  const { token, supplier } = await server.createSupplier(`Push ${suppliers}`, entries);
  supplierId = supplier.id;
  acme = new SupplierClient(server, token);
  return () => work.remove();
});

async function push(args: readonly string[], stdin?: string): Promise<Ended> {
  const result = await work.run(['push', '--url', server.url, ...args], {
    environment: { ONHAND_TOKEN: acme.token },
    ...(stdin !== undefined && { stdin }),
  });
  // A slow machine gets a row of progress every ten seconds.
  return { ...result, stderr: result.stderr.replaceAll(/^.*: \d+ rows, \w+ failed\n/gm, '') };
}

const put = (name: string, text: string): Promise<void> => writeFile(work.path(name), text);
const read = (name: string): Promise<string> => readFile(work.path(name), 'utf8');

/** The files that the server received, oldest first. */
async function receivedFiles(): Promise<readonly unknown[]> {
  const { json } = await acme.get(FILES);
  return membersAt(json, 'files')
    .map(([, file]) => file)
    .toReversed();
}

/** The saved state of unfinished pushes. */
async function savedStates(): Promise<readonly string[]> {
  return readdir(work.path('state/onhand/push'));
}

describe('onhand push', () => {
  test('applies all rows: exit 0, results beside the file, no saved state left behind', async () => {
    await put('stock.csv', 'sku_id;qty\nA;5\nB;6\n');
    const { code, stdout, stderr } = await push(['stock.csv']);
    expect({ code, stderr }).toEqual(SUCCESS);
    expect(stdout).toMatch(
      /^stock\.csv: done\n +2 {2}200 applied\n {2}results: stock\.csv\.results\.csv\n {2}2 rows in [\d.]+ s, [\d,]+ rows\/s\n$/,
    );
    expect(await read('stock.csv.results.csv')).toBe(
      'sku_id,qty,status_code,message\nA,5,200,success\nB,6,200,success\n',
    );
    expect(await acme.stockOf('A')).toBe(5);
    expect(await savedStates()).toEqual([]);
    expect((await readdir(work.folder)).toSorted()).toEqual([
      'state',
      'stock.csv',
      'stock.csv.results.csv',
    ]);
  });

  test('prints which rows failed, by row number in the results: exit 3', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\nNONE,6\nB,many\n');
    const { code, stdout } = await push(['stock.csv', '--results', 'out.csv']);
    expect(code).toBe(3);
    expect(stdout).toContain(
      'failed rows, all, by row number in out.csv:\n    3    404     No sku',
    );
    expect(stdout).toMatch(/^ {4}4 {4}400 {5}Row 4, column "qty": "many" is not a whole number/m);
    const rows = (await read('out.csv')).trimEnd().split('\n');
    expect(rows[2]).toMatch(/^NONE,6,404,/);
    expect(rows[3]).toMatch(/^B,many,400,/);
    expect(await acme.stockOf('A')).toBe(5);
  });

  test('sends several files one after another: the last one wins', async () => {
    await put('one.csv', 'sku_id,qty\nA,1\nB,1\n');
    await put('two.ndjson', '{"sku_id":"A","quantity_in_stock":2}\n');
    const { code } = await push(['one.csv', 'two.ndjson', 'one.csv', 'two.ndjson']);
    expect(code).toBe(0);
    expect(await acme.stockOf('A')).toBe(2);
    const files = await receivedFiles();
    expect(files.map((file) => at(file, 'filename'))).toEqual([
      'one.csv',
      'two.ndjson',
      'one.csv',
      'two.ndjson',
    ]);
  });

  test('does not send the results of an earlier push', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    await put('stock.csv.results.csv', 'sku_id,qty\nA,99\n');
    const { code, stderr } = await push(['stock.csv', 'stock.csv.results.csv']);
    expect(code).toBe(0);
    expect(stderr).toBe(
      'onhand: skipped stock.csv.results.csv: it contains the results of an earlier push.\n',
    );
    expect(await acme.stockOf('A')).toBe(5);
  });

  test('sends its options with the file', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    const { code, stdout } = await push([
      'stock.csv',
      '--atomic',
      '--as-of',
      '2026-01-01T00:00:00Z',
      '--reason',
      'Inventur, groß',
      '--reference',
      '17/4',
      '--no-results',
      '--json',
    ]);
    // The stored inventory is newer.
    expect(code).toBe(4);
    expect(existsSync(work.path('stock.csv.results.csv'))).toBe(false);
    const printed: unknown = JSON.parse(stdout);
    expect(printed).toMatchObject({
      exit_code: 4,
      files: [
        {
          path: 'stock.csv',
          state: 'refused',
          dry_run: false,
          rows: 1,
          status_counts: { '412': 1 },
          failures: [{ row: 2, status: '412' }],
          results: null,
        },
      ],
    });
    expect(await receivedFiles()).toMatchObject([
      {
        uuid: at(printed, 'files', 0, 'uuid'),
        atomic: true,
        as_of: '2026-01-01T00:00:00.000000Z',
        reason: 'Inventur, groß',
        reference: '17/4',
      },
    ]);
  });

  test('--as-of mtime: a file older than the stored inventory changes nothing', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    await acme.single({ sku_id: 'A', quantity_in_stock: 7 });
    const { code } = await push(['stock.csv', '--as-of', 'mtime']);
    expect([code, await acme.stockOf('A')]).toEqual([3, 7]);
  });

  test('writes the results as a workbook if the name ends in .xlsx', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\nNONE,1\n');
    const { code, stdout } = await push(['stock.csv', '--results', 'out.xlsx']);
    expect(code).toBe(3);
    expect(stdout).toContain('by row number in out.xlsx:\n    3    404 ');
    expect((await readFile(work.path('out.xlsx'))).subarray(0, 2).toString()).toBe('PK');
  });

  test('--dry-run changes nothing and shows what would change', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\nB,10\nNONE,1\n');
    const { code, stdout } = await push(['stock.csv', '--dry-run']);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^stock\.csv: dry run, nothing was applied\n +2 {2}200 would be applied\n/,
    );
    expect(stdout).toContain(
      '  1 row would change inventory\n    2  Would change quantity_in_stock from 10 to 5\n',
    );
    expect(await acme.stockOf('A')).toBe(10);
  });

  test('--quiet prints nothing if all rows were applied, and only then', async () => {
    await put('good.csv', 'sku_id,qty\nA,5\n');
    await put('bad.csv', 'sku_id,qty\nNONE,5\n');
    expect(await push(['good.csv', '--quiet'])).toEqual({ ...SUCCESS, stdout: '' });
    const { stdout } = await push(['good.csv', 'bad.csv', '--quiet']);
    expect(stdout).toMatch(/^bad\.csv: done\n/);
  });
});

describe('onhand push with reading rules', () => {
  test('sends each option as the parameter of an upload', async () => {
    await put('stock.csv', 'Code;Free;Wert\nA;1.234;x\n');
    const options = [
      ['--map', 'Code=sku_id'],
      ['--map', 'Free=quantity_in_stock'],
      ['--kind', 'inventory'],
      ['--locations', 'last'],
      ['--decimal', 'comma'],
      ['--dates', 'day_first'],
      ['--words', 'in stock=10'],
      ['--negative', 'zero'],
      ['--identifiers', 'sku_id_first'],
      ['--strict'],
    ];
    const { code, stdout } = await push(['stock.csv', ...options.flat()]);
    expect(code).toBe(0);
    expect(stdout).toContain('\n  columns not used: Wert\n');
    const [file] = await receivedFiles();
    expect(at(file, 'rules')).toEqual({
      mapping: 'Code=sku_id,Free=quantity_in_stock',
      kind: 'inventory',
      locations: 'last',
      decimal: 'comma',
      dates: 'day_first',
      words: 'in stock=10',
      negative: 'zero',
      identifiers: 'sku_id_first',
      strict: 'true',
    });
    expect(await acme.stockOf('A')).toBe(1234);
  });

  test('--no-strict overrides a saved rule; --catalogue reads a catalogue', async () => {
    await server.ask('PATCH', `${FILES}settings/`, { token: acme.token, body: { strict: true } });
    await put('stock.csv', 'sku_id,title,qty\nA,Apple,5\n');
    await push(['stock.csv', '--no-strict']);
    await push(['stock.csv', '--catalogue']);
    expect(await receivedFiles()).toMatchObject([
      { rules: {} },
      { kind: 'catalogue', rules: { kind: 'catalogue', strict: 'true' } },
    ]);
  });

  test('names columns that look like a quantity and are not read, and the option that maps them', async () => {
    await put('stock.csv', 'sku_id,qty,Qty shop\nA,5,1\n');
    const { code, stdout } = await push(['stock.csv']);
    expect(code).toBe(0);
    expect(stdout).toContain('  columns not used: Qty shop\n  note: Column "Qty shop" looks');
    expect(stdout).toContain('  In this command, mapping= is the option --map.\n');
  });
});

describe('onhand push of a file that asks', () => {
  const ASKS = 'sku_id,qty\nA,5\nA,6\n';

  test('prints the question and how to answer it: exit 4; either answer applies the file', async () => {
    await put('ware houses.csv', ASKS);
    const { code, stdout } = await push(['ware houses.csv', '--reason', "week 48's"]);
    expect(code).toBe(4);
    expect(stdout).toContain(
      'ware houses.csv: held back, nothing was applied\n  1 SKU has several rows with different quantities: "A" has 5 in row 2 and 6 in row 3. ',
    );
    const command = String.raw`    onhand push 'ware houses.csv' --reason 'week 48'\''s' --url ${server.url} --locations sum`;
    expect(stdout.split('\n')).toContain(command);
    const confirm = /POST (\S+=sum)\n {4}POST \S+=last\n/.exec(stdout)?.[1] ?? '';
    expect((await acme.post(confirm.replace(server.url, ''))).status).toBe(200);
    await expect.poll(() => acme.stockOf('A')).toBe(11);
    expect((await push(['ware houses.csv', '--locations', 'last'])).code).toBe(0);
    expect(await acme.stockOf('A')).toBe(6);
  });

  test('lists every combination of answers to two questions, and repeats no token', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\nA,6\nB,12.000\n');
    const { stdout } = await push(['stock.csv', '--token', acme.token, '--json']);
    expect(stdout).not.toContain(acme.token);
    const answers = at(JSON.parse(stdout), 'files', 0, 'answers');
    expect(answers).toHaveLength(4);
    expect(at(answers, 1)).toEqual({
      confirm: textMatching(/\/confirm\/\?decimal=point&locations=last$/),
      command: `onhand push stock.csv --json --url ${server.url} --decimal point --locations last`,
    });
  });

  test('sends the file again if an option about reading differs', async () => {
    await put('stock.csv', ASKS);
    await push(['stock.csv']);
    await push(['stock.csv', '--locations', 'sum']);
    expect(await receivedFiles()).toMatchObject([{ state: 'held' }, { state: 'done' }]);
  });
});

describe('onhand push rejects', () => {
  test('a file that the server rejects, with its reason, and sends the next one: exit 4', async () => {
    await put('page.csv', '<!doctype html><p>Error</p>');
    await put('empty.csv', '');
    await put('good.csv', 'sku_id,qty\nA,5\n');
    const { code, stdout } = await push(['page.csv', 'empty.csv', 'good.csv']);
    expect(code).toBe(4);
    expect(stdout).toMatch(
      /^page\.csv: rejected, nothing was applied\n {2}The file is XML or a web page/,
    );
    expect(stdout).toMatch(
      /^empty\.csv: rejected, nothing was applied\n {2}The request has no file/m,
    );
    expect(await acme.stockOf('A')).toBe(5);
    expect(await savedStates()).toEqual([]);
  });

  test('the files after one that is held back: exit 4, and how to confirm that one', async () => {
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 10, skusMin: 1 });
    await put('low.csv', 'sku_id,qty\nA,0\n');
    await put('next.csv', 'sku_id,qty\nB,5\n');
    const { code, stdout, stderr } = await push(['low.csv', 'next.csv']);
    expect(code).toBe(4);
    expect(stdout).toContain('low.csv: held back, nothing was applied\n');
    const path = /POST (\S+)/.exec(stdout)?.[1]?.replace(server.url, '') ?? '';
    expect(stderr).toBe('onhand: not sent: next.csv\n');
    expect((await acme.post(path)).status).toBe(200);
    await expect.poll(() => acme.stockOf('A')).toBe(0);
  });

  test('an unauthorized token: exit 1', async () => {
    await put('stock.csv', `sku_id,qty\n${'A,5\n'.repeat(500_000)}`);
    const run = await work.run([
      'push',
      'stock.csv',
      '--url',
      server.url,
      '--token',
      'f'.repeat(40),
    ]);
    expect([run.code, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toBe(
      'onhand: The server answered 401: The token is unknown, expired or revoked; ask the operator of this server for a new one.\n',
    );
  });

  test.for([
    ['no file', []],
    ['an invalid time', ['x.csv', '--as-of', 'yesterday']],
    ['an invalid number', ['x.csv', '--retry-minutes', 'many']],
    ['stdin twice', ['-', '-']],
    ['one results file for two files', ['x.csv', 'y.csv', '--results', 'out.csv']],
    ['results that would overwrite the file', ['x.csv', '--results', './x.csv']],
    ['a stream with an option that needs the whole file', ['-', '--stream', '--snapshot']],
    ['stdin with --watch', ['-', '--watch']],
    ['a rule with an unknown value', ['x.csv', '--locations', 'both']],
    ['a mapping to no column', ['x.csv', '--map', 'Free=nothing']],
    ['a stream with an option about reading files', ['-', '--stream', '--decimal', 'comma']],
    ['two kinds', ['x.csv', '--catalogue', '--kind', 'inventory']],
  ] as const)('%s: exit 2', async ([, args]) => {
    const { code, stdout, stderr } = await push(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: .+\n\(--help explains\)\n$/);
  });

  test('a file that does not exist: exit 1, and nothing is sent', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    const { code, stderr } = await push(['stock.csv', 'other.csv']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^onhand: The file other\.csv cannot be read: ENOENT/);
    expect(await receivedFiles()).toEqual([]);
  });

  test('a stream whose file does not exist: exit 1', async () => {
    const { code, stderr } = await push(['other.ndjson', '--stream']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^onhand: The input cannot be read: ENOENT.*\n$/);
  });

  test('results in a directory that does not exist: exit 1, and nothing is sent', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    const { code, stderr } = await push(['stock.csv', '--results', 'no/such/folder.csv']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^onhand: Results cannot be written to the folder .*no\/such/);
    expect(await receivedFiles()).toEqual([]);
  });
});

describe('stdin', () => {
  test('is sent as a file', async () => {
    const { code, stdout } = await push(['-'], 'sku_id,qty\nA,5\n');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^stdin: done\n/);
    expect(await receivedFiles()).toMatchObject([{ format: 'csv', filename: null }]);
    expect(await acme.stockOf('A')).toBe(5);
  });

  const ROWS =
    '{"sku_id":"A","quantity_in_stock":5}\n\n{"sku_id":"NONE","quantity_in_stock":6}\r\nnothing\n{"sku_id":"B","quantity_in_stock":7}';

  test('that is NDJSON is streamed: each row has a result, also the last one without a line feed', async () => {
    const { code, stdout } = await push(['-', '--results', 'out.csv'], ROWS);
    expect(code).toBe(3);
    expect(await receivedFiles()).toEqual([]);
    expect([await acme.stockOf('A'), await acme.stockOf('B')]).toEqual([5, 7]);
    expect(stdout).toMatch(/^stdin: done\n +2 {2}200 applied\n +1 {2}400 .*\n +1 {2}404 /);
    const rows = (await read('out.csv')).trimEnd().split('\n');
    expect(rows.map((row) => row.replace(/^(\w+),.*,(\d+|status_code),.*/, '$1 $2'))).toEqual([
      'row status_code',
      '1 200',
      '3 404',
      '4 400',
      '5 200',
    ]);
  });

  test('that is NDJSON is sent as a file with --no-stream', async () => {
    expect((await push(['-', '--no-stream'], ROWS)).code).toBe(3);
    expect(await receivedFiles()).toMatchObject([{ format: 'ndjson', rows: 4 }]);
  });

  test('is applied row by row while it arrives', async () => {
    const child = work.start(['push', '-', '--url', server.url], { ONHAND_TOKEN: acme.token });
    const end = ended(child);
    child.stdin?.write('{"sku_id":"A","quantity_in_stock":1}\n');
    await expect.poll(() => acme.stockOf('A')).toBe(1);
    child.stdin?.write('{"sku_id":"A","quantity_in_stock":2}\n{"sku_id":"B",');
    await expect.poll(() => acme.stockOf('A')).toBe(2);
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(code).toBe(130);
    expect(stderr).toBe('onhand: interrupted; 2 rows have a result. Resume from row 3.\n');
  });

  test('with --dry-run shows what the rows would change', async () => {
    const { code, stdout } = await push(
      ['-', '--dry-run'],
      '{"sku_id":"A","quantity_in_stock":5}\n{"sku_id":"B","quantity_in_stock":10}\n',
    );
    expect(code).toBe(0);
    expect(stdout).toContain(
      '  1 row would change inventory\n    1  {"sku_id":"A","quantity_in_stock":5}: quantity_in_stock from 10 to 5\n',
    );
    expect(await acme.stockOf('A')).toBe(10);
  });
});

describe('onhand push --watch', () => {
  test('sends a file once it exists, and whenever it changes', async () => {
    const child = work.start(
      ['push', 'stock.csv', '--watch', '--settle-seconds', '0', '--json', '--url', server.url],
      { ONHAND_TOKEN: acme.token },
    );
    const end = ended(child);
    await put('a.csv', 'sku_id,qty\nA,1\n');
    await rename(work.path('a.csv'), work.path('stock.csv'));
    await expect.poll(() => acme.stockOf('A')).toBe(1);
    await put('stock.csv', 'sku_id,qty\nA,22\n');
    await expect.poll(() => acme.stockOf('A')).toBe(22);
    await expect.poll(() => existsSync(work.path('stock.csv.results.csv'))).toBe(true);
    await expect.poll(savedStates).toEqual([]);
    child.kill('SIGINT');
    const { stdout, stderr } = await end;
    expect(stderr).not.toContain('onhand: No server');
    const rounds = stdout.trimEnd().split('\n');
    expect(rounds.map((round) => at(JSON.parse(round), 'exit_code'))).toEqual(rounds.map(() => 0));
    expect((await receivedFiles()).length).toBe(rounds.length);
  });
});
