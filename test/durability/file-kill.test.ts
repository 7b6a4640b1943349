import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { Random } from '../random.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';
import { at, textAt } from '../http/answers.ts';
import { ServerProcess } from './server-process.ts';

const KILLS = 2;
const FILES_DROPPED = 2;
const SUPPLIER = 'Acme';
const SKUS = 100;
/** Several pieces each. */
const LINES_OF_FILE = 12_000;
const KILL_WITHIN_MS = 300;
const FILES = '/timp/organizations/files/';
const SKU_LIST = '/timp/products/skus/?limit=500';

/** Each line adds one: what is applied twice, or not at all, shows in the sum. */
const COUNTING_FILE = Array.from(
  { length: LINES_OF_FILE },
  (_, i) => `{"sku_id":"C-${i % SKUS}","quantity_in_stock_change":1}\n`,
).join('');

test('a server killed while files come and are applied loses none that it took, and applies no piece twice', async () => {
  const database = await sqliteDatabase();
  try {
    const token = await prepare(database);
    const random = new Random(846_997);
    const taken = new Set<string>();
    for (let round = 0; round < KILLS; round += 1) {
      const server = await ServerProcess.start(database);
      const sending = sendFiles(server.url, token, taken);
      await delay(random.below(KILL_WITHIN_MS));
      await server.kill();
      await sending;
    }
    const server = await ServerProcess.start(database);
    const files = await filesOf(server.url, token);
    expect([...taken].filter((uuid) => !files.includes(uuid))).toEqual([]);
    for (const uuid of files) {
      const file = await ask(`${server.url}${FILES}${uuid}/?wait=30`, token);
      expect(file).toMatchObject({ state: 'done', status_counts: { '200': LINES_OF_FILE } });
    }
    expect(taken.size).toBeGreaterThan(0);
    expect(await sumOfStock(server.url, token)).toBe(files.length * LINES_OF_FILE);
    expect(await server.stop()).toBe(0);
    expect(await problemsOf(database)).toEqual([]);
  } finally {
    await database.remove();
  }
});

test('a server killed while files lie in the drop folder takes each once', async () => {
  const database = await sqliteDatabase();
  const inbox = await mkdtemp(join(tmpdir(), 'onhand-inbox-'));
  const folder = join(inbox, SUPPLIER, 'in');
  await mkdir(folder, { recursive: true });
  const environment = { ONHAND_INBOX: inbox, ONHAND_INBOX_SETTLE_SECONDS: '0' };
  const done = async (): Promise<readonly string[]> =>
    (await readdir(join(inbox, SUPPLIER, 'done')).catch(() => [])).map((name) =>
      name.slice(name.indexOf('-') + 1),
    );
  try {
    const token = await prepare(database);
    const random = new Random(4010);
    const dropped: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      const server = await ServerProcess.start(database, environment);
      for (let file = 0; file < FILES_DROPPED; file += 1) {
        const name = `${round}-${file}.ndjson`;
        await writeFile(join(folder, `${name}.part`), COUNTING_FILE);
        await rename(join(folder, `${name}.part`), join(folder, name));
        dropped.push(name);
        await delay(random.below(KILL_WITHIN_MS));
      }
      await server.kill();
    }
    const server = await ServerProcess.start(database, environment);
    while ((await done()).length < dropped.length) await delay(50);
    expect((await done()).toSorted()).toEqual(dropped.toSorted());
    expect(await filesOf(server.url, token)).toHaveLength(dropped.length);
    expect(await sumOfStock(server.url, token)).toBe(dropped.length * LINES_OF_FILE);
    expect(await server.stop()).toBe(0);
  } finally {
    await database.remove();
    await rm(inbox, { recursive: true });
  }
});

async function prepare(database: TestDatabase): Promise<string> {
  const store = await openTestStore(database);
  const supplierId = await createSupplier(store, SUPPLIER);
  const inventory = { quantityInStock: 0 };
  const entries = Array.from({ length: SKUS }, (_, i) => entry(`C-${i}`, { inventory }));
  await importSkus(store, supplierId, entries);
  const { id: userId } = await store.accounts.findServiceUser(supplierId);
  const token = newToken();
  await store.accounts.createToken({
    userId,
    tokenHash: hashToken(token),
    permissions: ['view_items', 'edit_items'],
    expiresAtMs: null,
  });
  await store.close();
  return token;
}

/** Sends files one after another until the server is gone; keeps the uuids that it gave. */
async function sendFiles(url: string, token: string, taken: Set<string>): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`${url}${FILES}upload/`, {
        method: 'POST',
        headers: { authorization: `Token ${token}`, 'content-type': 'application/x-ndjson' },
        body: COUNTING_FILE,
      });
      const answer: unknown = await response.json();
      expect(response.status).toBe(200);
      taken.add(textAt(answer, 'uuid'));
      // Time to be applied, now and then.
      await delay(150);
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

async function ask(url: string, token: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization: `Token ${token}` } });
  return response.json();
}

async function filesOf(url: string, token: string): Promise<readonly string[]> {
  const files = at(await ask(`${url}${FILES}?limit=500`, token), 'files');
  return Array.isArray(files) ? files.map((file: unknown) => textAt(file, 'uuid')) : [];
}

async function sumOfStock(url: string, token: string): Promise<number> {
  const skus = at(await ask(url + SKU_LIST, token), 'skus');
  if (!Array.isArray(skus)) throw new Error('no skus');
  return skus.reduce((sum: number, sku: unknown) => sum + Number(at(sku, 'quantity_in_stock')), 0);
}
