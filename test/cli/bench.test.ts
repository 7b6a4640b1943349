import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, membersAt } from '../http/answers.ts';
import { SKUS, TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';
import { ended, Workplace } from './onhand.ts';

const BENCH_SKUS = 50;
const OWN = 'A';

let work: Workplace;
let server: TestServer;
let token: string;

beforeAll(async () => {
  [work, server] = await Promise.all([Workplace.make(), TestServer.start()]);
  const own = entry(OWN, { inventory: { quantityInStock: 7 } });
  ({ token } = await server.createSupplier('Acme', [own]));
  await writeFile(work.path('token.txt'), `${token}\n`);
});
afterAll(async () => {
  await server.stop();
  await work.remove();
});

const arguments_ = (...more: readonly string[]): readonly string[] => [
  'bench',
  '--url',
  server.url,
  '--skus',
  String(BENCH_SKUS),
  '--seconds',
  '0.1',
  ...more,
];

async function listedSkus(): Promise<readonly unknown[]> {
  const { json } = await server.ask('GET', `${SKUS}?limit=500`, { token });
  return membersAt(json, 'skus').map(([, sku]) => sku);
}

/** Expects the SKUs of benches to be at zero and discontinued, and no other SKU to have changed. */
async function expectDiscontinued(count: number): Promise<void> {
  const skus = await listedSkus();
  const [own, ...others] = skus;
  expect([at(own, 'sku_id'), at(own, 'quantity_in_stock'), at(own, 'restrictions')]).toEqual([
    OWN,
    7,
    null,
  ]);
  expect(others).toHaveLength(count);
  for (const sku of others) {
    expect(at(sku, 'sku_id')).toMatch(/^onhand-bench-\d{7}$/);
    expect([at(sku, 'quantity_in_stock'), at(sku, 'restrictions')]).toEqual([0, 'discontd']);
  }
}

describe('onhand bench', () => {
  test('measures each size of request, prints JSON, and discontinues its SKUs', async () => {
    const environment = { ONHAND_TOKEN: token };
    const { code, stdout, stderr } = await work.run(arguments_('--json'), { environment });
    expect(code).toBe(0);
    // A warning may follow: on a busy machine the command itself can be what limits the load.
    expect(stderr).toMatch(
      /^The SKUs onhand-bench-… remain, at zero and discontinued\. The next run reuses them\.\n(?:At [0-9, and]+ lines? per request this command used nearly a whole core: [^\n]+\n)?$/,
    );
    const rows = membersAt(JSON.parse(stdout)).map(([, row]) => row);
    expect(rows.map((row) => at(row, 'lines_per_request'))).toEqual([0, 1, 100, 1000, 10_000]);
    for (const row of rows) {
      const lines = Number(at(row, 'lines_per_request'));
      const requests = Number(at(row, 'requests_per_second'));
      expect(requests).toBeGreaterThan(0);
      expect(Math.abs(Number(at(row, 'lines_per_second')) - lines * requests)).toBeLessThan(
        lines + 1,
      );
      expect(Number(at(row, 'p50_ms'))).toBeGreaterThan(0);
      expect(Number(at(row, 'p99_ms'))).toBeGreaterThanOrEqual(Number(at(row, 'p50_ms')));
      expect(at(row, 'load_core_percent')).toBeTypeOf('number');
    }
    await expectDiscontinued(BENCH_SKUS);
  });

  test('reuses its SKUs, reads the token from stdin, and prints a table', async () => {
    const { code, stdout } = await work.run(arguments_('--token-file', '-'), {
      stdin: `${token}\n`,
    });
    expect(code).toBe(0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head.split(/ {2,}/)).toEqual([
      'LINES PER REQUEST',
      'CONNECTIONS',
      'LINES PER SECOND',
      'REQUESTS PER SECOND',
      'P50 MS',
      'P99 MS',
      'LOAD CORE PERCENT',
    ]);
    expect(rows.map((row) => row.split(/ {2,}/).length)).toEqual(rows.map(() => 7));
    expect(rows).toHaveLength(5);
    await expectDiscontinued(BENCH_SKUS);
  });

  test('discontinues its SKUs on SIGINT, and exits 1', async () => {
    const child = work.start(
      ['bench', '--url', server.url, '--skus', String(BENCH_SKUS + 10), '--seconds', '600'],
      { ONHAND_TOKEN: token },
    );
    const end = ended(child);
    await expect
      .poll(async () => (await listedSkus()).length, { timeout: 30_000 })
      .toBe(1 + BENCH_SKUS + 10);
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(code).toBe(1);
    expect(stderr).toContain('onhand: stopping; the SKUs are discontinued first\n');
    await expectDiscontinued(BENCH_SKUS + 10);
  });

  test('prints why the server rejects it, and changes nothing', async () => {
    const { id } = await server.createOrganization('retailer', 'Shop');
    const ofRetailer = await server.createToken(id, []);
    const { code, stdout, stderr } = await work.run(arguments_(), {
      environment: { ONHAND_TOKEN: ofRetailer },
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^onhand: The server answered 409: Only a supplier .*\n$/);
  });

  test('reports that no server responds: exit 1, without a stack trace', async () => {
    const { code, stdout, stderr } = await work.run([
      'bench',
      '--url',
      'http://127.0.0.1:1',
      '--token-file',
      'token.txt',
    ]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^onhand: No server responds at http:\/\/127\.0\.0\.1:1: .*\n$/);
  });

  test.for([
    ['--seconds', '0', 'Must be a number above 0 and at most 3600.'],
    ['--skus', 'many', 'Must be a whole number from 1 to '],
  ])('rejects %s %s', async ([option = '', value = '', message = '']) => {
    const { code, stderr } = await work.run(['bench', option, value]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});
