import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import { BATCHES, batchIdOf, SupplierClient } from '../http/inventory/written.ts';
import { entry } from '../store/fixtures.ts';
import { Workplace, type Ended } from './onhand.ts';

let work: Workplace;
let server: TestServer;
let acme: SupplierClient;
let uuid: string;

beforeAll(async () => {
  [work, server] = await Promise.all([Workplace.make(), TestServer.start()]);
  const entries = ['A', 'B'].map((skuId) => entry(skuId, { inventory: { quantityInStock: 10 } }));
  acme = new SupplierClient(server, (await server.createSupplier('Acme', entries)).token);
  await writeFile(work.path('token.txt'), `${acme.token}\n`);
  const answer = await acme.bulk(
    [
      { sku_id: 'A', quantity_in_stock: 1 },
      { sku_id: 'NONE', quantity_in_stock: 1 },
    ],
    { headers: { 'batch-reason': 'stocktaking' } },
  );
  uuid = batchIdOf(answer);
});
afterAll(async () => {
  await server.stop();
  await work.remove();
});

const onhand = (...args: readonly string[]): Promise<Ended> =>
  work.run([...args, '--url', server.url, '--token-file', 'token.txt']);

describe('onhand batches', () => {
  test('lists the batches of the supplier, newest first', async () => {
    const { code, stdout, stderr } = await onhand('batches');
    expect([code, stderr]).toEqual([0, '']);
    const [head, first, second] = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(head?.slice(0, 4)).toEqual(['UUID', 'APPLIED', 'SOURCE', 'USERNAME']);
    expect([first?.[0], first?.[2], first?.[4], first?.[5], first?.[6], first?.[7]]).toEqual([
      uuid,
      'bulk',
      '2',
      '1',
      '1',
      'stocktaking',
    ]);
    expect(second?.[2]).toBe('import');
  });

  test('reports that there are more batches', async () => {
    const { stdout, stderr } = await onhand('batches', '--limit', '1');
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stderr).toBe('There are more batches: use --start 1.\n');
    const rest = await onhand('batches', '--limit', '1', '--start', '1');
    expect(rest.stdout).toContain('import');
  });

  test('shows a batch with the lines that failed', async () => {
    const { code, stdout } = await onhand('batches', uuid);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^reason +stocktaking$/m);
    expect(stdout).toMatch(/^status_counts +200: 1,404: 1$/m);
    expect(stdout).toMatch(/^1 +404 +No sku found with sku identifier: \{'sku_id': 'NONE'\}/m);
  });

  test('prints the server’s JSON', async () => {
    const list = await onhand('batches', '--json');
    expect(JSON.parse(list.stdout)).toEqual((await acme.get(`${BATCHES}?limit=25`)).json);
    const one = await onhand('batches', uuid, '--json');
    const shown: unknown = JSON.parse(one.stdout);
    expect(at(shown, 'batch')).toEqual((await acme.get(`${BATCHES}${uuid}/`)).json);
    expect(at(shown, 'results', 0, 'index')).toBe(1);
  });

  test('reads the token from the environment, and from stdin', async () => {
    const environment = { ONHAND_TOKEN: acme.token };
    const { code } = await work.run(['batches', '--url', `${server.url}/`], { environment });
    expect(code).toBe(0);
    const fromStdin = await work.runProcess(['batches', '--url', server.url, '--token-file', '-'], {
      stdin: `${acme.token}\n`,
    });
    expect(fromStdin.code).toBe(0);
  });
});

describe('onhand revert', () => {
  test('shows with --dry-run what would happen, then undoes the batch and prints what changed', async () => {
    const dry = await onhand('revert', uuid, '--dry-run');
    expect(dry).toEqual({
      code: 0,
      stdout: 'Dry run: nothing was changed. This would happen:\n1 SKUs restored: A\n',
      stderr: '',
    });
    expect(await acme.stockOf('A')).toBe(1);

    const done = await onhand('revert', uuid, '--reason', 'Grüße', '--reference', '17/4');
    expect(done.stdout).toMatch(/^1 SKUs restored: A\nThe undo is batch [0-9a-f-]{36}\.\n$/);
    expect(await acme.stockOf('A')).toBe(10);
    const latest = (await acme.get(`${BATCHES}?limit=1`)).json;
    expect(at(latest, 'batches', 0)).toMatchObject({ reason: 'Grüße', reference: '17/4' });

    const again = await onhand('revert', uuid);
    expect(again.stdout).toBe('1 SKUs skipped, because they have changed since: A\n');
  });

  test('skips SKUs that a later batch confirmed, unless --force is given', async () => {
    const line = [{ sku_id: 'B', quantity_in_stock: 3 }];
    const batch = batchIdOf(await acme.bulk(line));
    await acme.bulk(line);
    expect((await onhand('revert', batch)).stdout).toContain('a later batch has confirmed them');
    expect((await onhand('revert', batch, '--force')).stdout).toContain('1 SKUs restored: B');
  });
});

describe('an error is reported in one line', () => {
  const UNKNOWN_UUID = '905c3e4b-ef10-7f77-b07e-03d4ecb743a0';

  test.for([
    [
      ['revert', UNKNOWN_UUID],
      /^onhand: The server answered 404: You have no batch with this uuid/,
    ],
    [['batches', 'x'], /^onhand: The server answered 404: /],
    [['batches', '--limit', '0'], /^onhand: The server answered 400: .*limit must be /],
    [['batches', '--limit', 'x'], /Must be a whole number/],
    [['batches', '--url', 'ftp://x'], /A URL starts with http/],
    [
      ['batches', '--url', 'http://127.0.0.1:1'],
      /^onhand: No server responds at http:\/\/127\.0\.0\.1:1: /,
    ],
    [['batches', '--token-file', 'none.txt'], /^onhand: .*none\.txt/],
  ] as const)('%j', async ([args, expected]) => {
    const { code, stdout, stderr } = await work.run([
      args[0],
      '--url',
      server.url,
      '--token-file',
      'token.txt',
      ...args.slice(1),
    ]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(expected);
  });

  test('for a missing token, and for an unknown one', async () => {
    const none = await work.run(['batches', '--url', server.url], {
      environment: { ONHAND_TOKEN: '' },
    });
    expect([none.code, none.stderr]).toEqual([
      1,
      'onhand: There is no token: name a file that contains it with --token-file, or set ONHAND_TOKEN.\n',
    ]);
    const environment = { ONHAND_TOKEN: '0'.repeat(40) };
    const unknown = await work.run(['batches', '--url', server.url], { environment });
    expect(unknown.stderr).toMatch(/^onhand: The server answered 401: The token is unknown/);
  });
});

const zero = () => acme.bulk([{ sku_id: 'A', quantity_in_stock: 0 }], { query: '?dry_run=true' });

test('onhand breaker sets, shows and clears a limit, effective in a running server', async () => {
  const breaker = async (...args: readonly string[]) =>
    work.run(['breaker', ...args, '--supplier', 'Acme', '--database', server.database.url]);

  expect((await breaker('show')).stdout).toMatch(/^"Acme" has no breaker/);
  expect((await breaker('set', '--percent', '12.5', '--skus-min', '1')).code).toBe(0);
  expect((await breaker('show')).stdout).toBe(
    'Batches of "Acme" are held back if they take more than 12.5 % of its SKUs, and at least 1, out of stock.\n',
  );
  expect((await zero()).status).toBe(422);
  expect((await breaker('clear')).stdout).toMatch(/^"Acme" has no breaker/);
  expect((await zero()).status).toBe(200);

  for (const bounds of [
    ['--percent', '101', '--skus-min', '1'],
    ['--percent', '5', '--skus-min', '0'],
    ['--percent', '5'],
  ]) {
    expect((await breaker('set', ...bounds)).code).toBe(1);
  }
  const retailer = await work.run([
    'breaker',
    'show',
    '--supplier',
    'X',
    '--database',
    server.database.url,
  ]);
  expect(retailer.stderr).toMatch(/^onhand: There is no organization "X"/);
});
