import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workplace } from '../cli/onhand.ts';
import { TestServer } from '../http/harness.ts';
import { ROOT } from '../house/sources.ts';
import { entry } from '../store/fixtures.ts';

let server: TestServer;
let folder: Workplace;
let supplierId: number;
let token: string;

beforeAll(async () => {
  [server, folder] = await Promise.all([TestServer.start(), Workplace.make()]);
  const created = await server.createSupplier('Acme', [entry('A-1'), entry('A-2')]);
  ({ token } = created);
  supplierId = created.supplier.id;
});
afterAll(async () => {
  await server.stop();
  await folder.remove();
});

interface ExitedScript {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function runScript(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ExitedScript> {
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: folder.folder, no_proxy: '127.0.0.1', ...environment };
  return new Promise((resolve) => {
    const options = { cwd: folder.folder, env };
    execFile(join(ROOT, 'examples', path), args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

async function stockBySku(): Promise<Readonly<Record<string, number | null>>> {
  const query = { supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 10 };
  const { skus } = await server.store.skus.list(query);
  return Object.fromEntries(skus.map((sku) => [sku.skuId, sku.inventory.quantityInStock]));
}

test('curl/send-stock.sh applies the good lines, prints the failed ones and exits 3', async () => {
  const lines = [
    { sku_id: 'A-1', quantity_in_stock: 5 },
    { sku_id: 'MISSING', quantity_in_stock: 6 },
  ];
  await writeFile(folder.path('stock.json'), JSON.stringify(lines));
  const sent = await runScript('curl/send-stock.sh', ['stock.json', server.url], {
    ONHAND_TOKEN: token,
  });
  expect(sent).toMatchObject({ code: 3, stderr: '' });
  expect(JSON.parse(sent.stdout)).toMatchObject([{ index: 1, status_code: 404 }]);
  expect(await stockBySku()).toMatchObject({ 'A-1': 5 });
});

test('curl/send-stock.sh prints nothing and exits 0 if every line was applied', async () => {
  await writeFile(folder.path('stock.json'), '[{"sku_id": "A-1", "quantity_in_stock": 8}]');
  const sent = await runScript('curl/send-stock.sh', ['stock.json', server.url], {
    ONHAND_TOKEN: token,
  });
  expect(sent).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await stockBySku()).toMatchObject({ 'A-1': 8 });
});

test('curl/send-stock.sh shows why a request was rejected', async () => {
  await writeFile(folder.path('stock.json'), '[]');
  const sent = await runScript('curl/send-stock.sh', ['stock.json', server.url], {
    ONHAND_TOKEN: 'unknown',
  });
  expect(sent.code).toBe(22);
  expect(sent.stderr).toContain('"status":401');
});

test('cron/push-stock.sh pushes a CSV export quietly', async () => {
  await writeFile(folder.path('stock.csv'), 'sku_id,quantity_in_stock\nA-1,12\nA-2,13\n');
  await writeFile(folder.path('token'), token);
  const pushed = await runScript('cron/push-stock.sh', ['stock.csv', 'token'], {
    ONHAND: `${process.execPath} ${join(ROOT, 'bin', 'onhand.js')}`,
    ONHAND_URL: server.url,
  });
  expect(pushed).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await stockBySku()).toEqual({ 'A-1': 12, 'A-2': 13 });
});

test('cron/onhand-stock.cron runs push-stock.sh, which is executable, with its two arguments', async () => {
  const crontab = await readFile(join(ROOT, 'examples/cron/onhand-stock.cron'), 'utf8');
  expect(crontab).toMatch(/^\d+ \*\/2 \* \* \* \w+ \S+\/push-stock\.sh \S+ \S+$/m);
  expect(crontab).toMatch(/^ONHAND_URL=https:/m);
  expect((await stat(join(ROOT, 'examples/cron/push-stock.sh'))).mode & 0o111).toBe(0o111);
});
