import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contentOf, openSource } from '../../src/cli/push/source.ts';
import { CuttingProxy } from '../durability/cutting-proxy.ts';
import { at, membersAt } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { SupplierClient } from '../http/inventory/written.ts';
import { entry } from '../store/fixtures.ts';
import { ended, Workplace, type Ended } from './onhand.ts';

const FILES = '/timp/organizations/files/';
/** Occurs in the head of an upload request only. */
const UPLOAD = 'idempotency-key: push-';
const RETRYING = /^onhand: No server responds at .*\. Check --url\. Retrying in/m;

let work: Workplace;
let server: TestServer;
let proxy: CuttingProxy;
let acme: SupplierClient;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
  proxy = await CuttingProxy.start(Number(new URL(server.url).port));
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
});
beforeEach(async () => {
  work = await Workplace.make();
  suppliers += 1;
  const entries = ['A', 'B', 'C'].map((id) => entry(id, { inventory: { quantityInStock: 10 } }));
  const { token } = await server.createSupplier(`Push ${suppliers}`, entries);
  acme = new SupplierClient(server, token);
  return () => work.remove();
});

const pushArguments = (...more: readonly string[]): readonly string[] => [
  'push',
  '--url',
  `http://127.0.0.1:${proxy.port}`,
  ...more,
];
const environment = () => ({ ONHAND_TOKEN: acme.token });

function push(...args: readonly string[]): Promise<Ended> {
  return work.run(pushArguments(...args), { environment: environment() });
}

const put = (name: string, text: string): Promise<void> => writeFile(work.path(name), text);

async function receivedFiles(): Promise<readonly unknown[]> {
  const { json } = await acme.get(FILES);
  return membersAt(json, 'files').map(([, file]) => at(file, 'filename'));
}

async function savedUuids(): Promise<readonly unknown[]> {
  const folder = work.path('state/onhand/push');
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  const note: unknown = JSON.parse(await readFile(`${folder}/${name}`, 'utf8'));
  return membersAt(note, 'uuids').map(([, uuid]) => uuid);
}

const rows = (from: number, to: number, member: string): string =>
  Array.from({ length: to - from }, (_, i) => `{"sku_id":"A","${member}":${from + i}}\n`).join('');

describe('a file', () => {
  test('is sent again if the connection breaks during the upload', async () => {
    await put('stock.csv', `sku_id,qty\n${'A,5\n'.repeat(200_000)}B,77\n`);
    proxy.cutNext('B,77', 'request');
    const { code, stderr } = await push('stock.csv', '--no-results');
    expect(code).toBe(0);
    expect(stderr).toMatch(RETRYING);
    expect(await receivedFiles()).toEqual(['stock.csv']);
    expect(await acme.stockOf('B')).toBe(77);
  });

  test('is applied once if the response to its upload is lost', async () => {
    await put('stock.ndjson', '{"sku_id":"A","quantity_in_stock_change":-3}\n');
    proxy.cutNext(UPLOAD, 'answer');
    const { code, stderr } = await push('stock.ndjson');
    expect(code).toBe(0);
    expect(stderr).toMatch(RETRYING);
    expect(await receivedFiles()).toEqual(['stock.ndjson']);
    expect(await acme.stockOf('A')).toBe(7);
  });

  test('is waited for across broken connections', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    proxy.cutNext('?wait=', 'answer');
    expect((await push('stock.csv')).code).toBe(0);
    proxy.cutNext('results.csv', 'answer');
    expect((await push('stock.csv')).code).toBe(0);
    expect(await readFile(work.path('stock.csv.results.csv'), 'utf8')).toContain('A,5,200,success');
    expect(await receivedFiles()).toEqual(['stock.csv', 'stock.csv']);
  });

  test('is not sent again by the same command after the first one gave up waiting for the response', async () => {
    await put('stock.ndjson', '{"sku_id":"A","quantity_in_stock_change":-3}\n');
    proxy.cutNext(UPLOAD, 'answer');
    const first = await push('stock.ndjson', '--retry-minutes', '0');
    expect([first.code, first.stdout]).toEqual([1, '']);
    expect(first.stderr).toContain(
      'Run the same command again to resume; nothing is applied twice.\n',
    );
    const again = await push('stock.ndjson', '--retry-minutes', '0');
    expect(again.code).toBe(0);
    expect(again.stderr).toBe('onhand: resuming an interrupted push.\n');
    expect(await receivedFiles()).toEqual(['stock.ndjson']);
    expect(await acme.stockOf('A')).toBe(7);
    // The push is complete: the next one is new.
    expect((await push('stock.ndjson')).stderr).toBe('');
    expect(await acme.stockOf('A')).toBe(4);
  });

  test('is sent again with --restart, or if it has changed', async () => {
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    proxy.cutNext(UPLOAD, 'answer');
    await push('stock.csv', '--retry-minutes', '0');
    await put('stock.csv', 'sku_id,qty\nA,6\n');
    expect((await push('stock.csv')).stderr).toBe('');
    await put('stock.csv', 'sku_id,qty\nA,5\n');
    expect((await push('stock.csv', '--restart')).stderr).toBe('');
    expect(await receivedFiles()).toHaveLength(3);
    expect(await acme.stockOf('A')).toBe(5);
  });

  test('that was sent before an interrupted one is not sent again after it', async () => {
    await put('one.csv', 'sku_id,qty\nA,1\n');
    await put('two.csv', 'sku_id,qty\nA,2\nB,424242\n');
    proxy.cutNext('B,424242', 'request');
    const first = await push('one.csv', 'two.csv', '--retry-minutes', '0');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('onhand: gave up; nothing of two.csv was applied');
    const { code, stdout } = await push('one.csv', 'two.csv');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^one\.csv: done\n[^]*^two\.csv: done\n/m);
    expect(await receivedFiles()).toEqual(['two.csv', 'one.csv']);
    expect(await acme.stockOf('A')).toBe(2);
  });

  test('is resumed after Ctrl-C', async () => {
    await put('stock.csv', `sku_id,qty\n${'A,5\nB,6\n'.repeat(100_000)}`);
    const child = work.start(pushArguments('stock.csv'), environment());
    const end = ended(child);
    await expect.poll(receivedFiles, { interval: 10 }).toEqual(['stock.csv']);
    // Its UUID is saved shortly after the server received the file.
    await expect.poll(savedUuids, { interval: 5 }).toHaveLength(1);
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(code).toBe(130);
    const [uuid] = await savedUuids();
    expect(stderr).toBe(
      `onhand: interrupted; the server has received stock.csv as file ${String(uuid)} and keeps processing it. Run the same command again to resume; nothing is applied twice.\n`,
    );
    const again = await push('stock.csv', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ files: [{ uuid, rows: 200_000 }] });
    expect(await receivedFiles()).toEqual(['stock.csv']);
    expect(await readdir(work.path('state/onhand/push'))).toEqual([]);
  });

  test('that changes during the upload is not sent completely', async () => {
    await put('stock.csv', 'A'.repeat(600_000));
    const source = await openSource(work.path('stock.csv'));
    await put('stock.csv', 'B'.repeat(600_000));
    let bytes = 0;
    const sending = async (): Promise<void> => {
      for await (const chunk of contentOf(source, () => undefined)) bytes += chunk.length;
    };
    await expect(sending()).rejects.toThrow('changed while it was sent');
    expect(bytes).toBeLessThan(600_000);
  });
});

describe('a stream', () => {
  test('resumes from the first row without a result after the connection breaks', async () => {
    proxy.cutNext('"quantity_in_stock":40000}', 'request');
    const { code, stdout, stderr } = await work.run(pushArguments('-', '--results', 'out.csv'), {
      stdin: rows(0, 50_000, 'quantity_in_stock'),
      environment: environment(),
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(RETRYING);
    expect(stdout).toMatch(/^ +50,000 {2}200 applied$/m);
    expect(await acme.stockOf('A')).toBe(49_999);
    const results = (await readFile(work.path('out.csv'), 'utf8')).trimEnd().split('\n').slice(1);
    expect(results.map((row) => Number.parseInt(row, 10))).toEqual(results.map((_, i) => i + 1));
    expect(results).toHaveLength(50_000);
  });

  test('of relative rows resumes too, and applies each row once', async () => {
    const child = work.start(pushArguments('-'), environment());
    const end = ended(child);
    child.stdin?.write('{"sku_id":"A","quantity_in_stock":100}\n');
    await expect.poll(() => acme.stockOf('A')).toBe(100);
    proxy.cutNext('"quantity_in_stock_change":1}', 'answer');
    child.stdin?.end('{"sku_id":"A","quantity_in_stock_change":1}\n');
    const { code, stderr } = await end;
    expect(code).toBe(0);
    expect(stderr).toMatch(RETRYING);
    expect(await acme.stockOf('A')).toBe(101);
  });

  test('keeps the rows of a group together, though they arrive one by one', async () => {
    const child = work.start(pushArguments('-'), environment());
    const end = ended(child);
    child.stdin?.write('{"sku_id":"B","quantity_in_stock":3}\n');
    child.stdin?.write('{"sku_id":"A","quantity_in_stock":5,"group":"g"}\n');
    await expect.poll(() => acme.stockOf('B')).toBe(3);
    child.stdin?.end('{"sku_id":"NONE","quantity_in_stock":5,"group":"g"}\n');
    const { code, stdout } = await end;
    expect(code).toBe(3);
    expect(stdout).toContain('1  424 not applied because other rows failed');
    expect(await acme.stockOf('A')).toBe(10);
  });
});
