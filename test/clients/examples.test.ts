import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Onhand } from '../../client/src/index.ts';
import { mirror } from '../../examples/postgres-mirror/mirror.ts';
import { receiver, Shop } from '../../examples/webhook-receiver/receiver.ts';
import { POSTMAN_COLLECTION, postmanCollection } from '../../scripts/postman-collection.ts';
import { TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { runAppsScript } from './apps-script.ts';
import { urlOf } from './cutting-proxy.ts';
import { signedHeaders } from './programs.ts';

const CLIENT = new URL('../../client/src/', import.meta.url);
/** What a browser loads, in bytes. */
const SIZE_MAX = 15 * 1024;

let server: TestServer;
let token: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onhand-examples-'));
  server = await TestServer.start({
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  ({ token } = await server.createSupplier('Acme', [
    entry('xkuOwSQ3utl', { inventory: { quantityInStock: 40 } }),
  ]));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The TypeScript examples of a page, in order. */
async function examplesOf(page: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
}

async function outputOf(code: string): Promise<string> {
  const file = join(folder, 'example.ts');
  const importing = code
    .replaceAll("'onhand-client'", `'${new URL('index.ts', CLIENT).href}'`)
    .replaceAll("'onhand-client/node'", `'${new URL('node.ts', CLIENT).href}'`);
  await writeFile(file, importing);
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, ONHAND_URL: server.url, ONHAND_TOKEN: token },
  });
  return stdout;
}

describe('the TypeScript client', () => {
  test('does what the examples of its page say', async () => {
    const [update = '', again = '', follow = ''] = await examplesOf('docs/clients.md');
    expect(await outputOf(update)).toMatch(/^NON-EXISTENT No sku found .*\n$/);
    expect(await outputOf(again)).toBe('0 true\n');
    expect(await outputOf(follow)).toBe('change 1\nchange 2\nchange 3\n');
  });

  test('does what the example of the README says', async () => {
    const [update = ''] = await examplesOf('README.md');
    expect(await outputOf(update)).toMatch(/No sku found/);
  });

  test('is at most 15 KB, bundled and compressed', async () => {
    const { output } = await build({
      input: fileURLToPath(new URL('index.ts', CLIENT)),
      write: false,
      output: { format: 'esm', minify: true },
    });
    expect(gzipSync(output[0].code).length).toBeLessThan(SIZE_MAX);
  });
});

describe('examples/postgres-mirror', () => {
  test('copies the stock, follows its changes, and continues where it failed or was stopped', async () => {
    const supplier = await server.createSupplier('Mirrored', [entry('M-1'), entry('M-2')]);
    const onhand = new Onhand({ url: server.url, token: supplier.token });
    const database = await emptyPostgresDatabase();
    const reader = await connected(database.url);
    const stock = async (): Promise<unknown> => {
      const { rows } = await reader.query('SELECT sku_id, quantity_in_stock FROM stock ORDER BY 1');
      return rows;
    };
    const run = async (signal?: AbortSignal): Promise<void> => {
      const db = await connected(database.url);
      try {
        await mirror(onhand, db, signal);
      } finally {
        await db.end();
      }
    };

    const stop = new AbortController();
    const running = run(stop.signal);
    await onhand.inventory.set({ sku_id: 'M-1', quantity_in_stock: 7 });
    await expect
      .poll(() => stock().catch(() => 'no table yet'))
      .toMatchObject([{ sku_id: 'M-1', quantity_in_stock: '7' }, { sku_id: 'M-2' }]);
    stop.abort();
    await running;

    await reader.query('ALTER TABLE stock ADD CONSTRAINT small CHECK (quantity_in_stock < 100)');
    await onhand.inventory.set({ sku_id: 'M-1', quantity_in_stock: 500 });
    await expect(run()).rejects.toThrow('small');
    await reader.query('ALTER TABLE stock DROP CONSTRAINT small');

    const stopAgain = new AbortController();
    const runningAgain = run(stopAgain.signal);
    await expect.poll(stock).toMatchObject([{ quantity_in_stock: '500' }, { sku_id: 'M-2' }]);
    stopAgain.abort();
    await runningAgain;
    await reader.end();
    await database.remove();
  });
});

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}

describe('examples/webhook-receiver', () => {
  test('applies each delivery once, and refuses what onhand did not sign', async () => {
    const supplier = await server.createSupplier('Shop', [entry('W-1')]);
    const onhand = new Onhand({ url: server.url, token: supplier.token });
    const shop = new Shop(':memory:');
    const secrets: string[] = [];
    const listening = receiver(shop, secrets).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const url = urlOf(listening);
    const { uuid, secret = '' } = await onhand.webhooks.create({ url });
    secrets.push(secret);

    await onhand.inventory.set({ sku_id: 'W-1', quantity_in_stock: 9 });
    await expect.poll(() => shop.available('W-1')).toBe(9);
    await onhand.webhooks.delete(uuid);

    const deliver = async (id: string, quantity: number, signedBy = secret): Promise<number> => {
      const after = { quantity_in_stock: quantity, restrictions: null };
      const record = { kind: 'change', sku: { sku_id: 'W-1' }, after };
      const body = JSON.stringify({ type: 'inventory.changed', data: { records: [record] } });
      const headers = await signedHeaders(body, signedBy, Date.now(), id);
      return (await fetch(url, { method: 'POST', headers, body })).status;
    };
    expect(await deliver('msg_1', 5)).toBe(204);
    expect(await deliver('msg_2', 6)).toBe(204);
    expect(await deliver('msg_1', 5)).toBe(204);
    expect(await deliver('msg_3', 1, 'whsec_AAAA')).toBe(401);
    expect(shop.available('W-1')).toBe(6);
    listening.close();
    listening.closeAllConnections();
    shop.close();
  });
});

describe('examples/google-sheets', () => {
  test('sends the rows of a sheet, again if a request is lost, and writes the result of each', async () => {
    const supplier = await server.createSupplier('Sheet', [entry('00123'), entry('G-2')]);
    const properties = { ONHAND_URL: server.url, ONHAND_TOKEN: supplier.token };
    const script = await readFile(
      new URL('../../examples/google-sheets/send-stock.gs', import.meta.url),
      'utf8',
    );
    const sheet = [
      ['title', 'sku_id', 'quantity_in_stock', 'result'],
      ['Kettle', '00123', '7', ''],
      ['Total', '', '7', 'old'],
      ['Cup', 'UNKNOWN', '1', ''],
      ['Plate', 'G-2', 'many', ''],
    ];
    const run = { script, call: 'sendStock', properties, sheet };
    const outcome = await runAppsScript({ ...run, lost: 2 });
    expect(outcome.error).toBeUndefined();
    expect(outcome.slept).toHaveLength(2);
    expect(outcome.sheet.map((row) => row[3])).toEqual([
      'result',
      'success',
      '',
      expect.stringMatching(/^No sku found/),
      expect.stringMatching(/quantity_in_stock/),
    ]);
    const onhand = new Onhand({ url: server.url, token: supplier.token });
    expect(await onhand.skus.find({ sku_id: '00123' })).toMatchObject([{ quantity_in_stock: 7 }]);

    const refused = await runAppsScript({
      ...run,
      properties: { ...properties, ONHAND_TOKEN: '0'.repeat(40) },
      lost: 0,
    });
    expect(refused.error).toMatch(/onhand answered 401/);
    expect(refused.slept).toEqual([]);
  });
});

describe('examples/postman', () => {
  test('is the collection of the served OpenAPI document', async () => {
    const { text } = await server.ask('GET', '/openapi.json');
    // To update it: npx vitest run -u test/clients/examples.test.ts
    await expect(postmanCollection(text)).toMatchFileSnapshot(POSTMAN_COLLECTION);
  });
});
