import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { at, textAt } from '../http/answers.ts';
import type { Random } from '../random.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  type TestDatabase,
} from '../store/fixtures.ts';
import { ServerProcess } from './server-process.ts';

const SUPPLIER = 'Acme';
const SKUS = 100;
/** Two chunks. */
const LINES_OF_FILE = 12_000;
const KILL_WITHIN_MS = 300;
const FILES_DROPPED = 2;
const FILES = '/timp/organizations/files/';
const SKU_LIST = '/timp/products/skus/?limit=500';

/** Each line adds one, so the sum shows what was applied twice or not at all. */
const COUNTING_FILE = Array.from(
  { length: LINES_OF_FILE },
  (_, i) => `{"sku_id":"C-${i % SKUS}","quantity_in_stock_change":1}\n`,
).join('');

/** A database with a supplier whose files add to the stock, and whose servers are killed repeatedly. */
export interface FileTarget {
  readonly database: TestDatabase;
  /** The drop folder of its servers. */
  readonly inbox: string;
  readonly environment: Record<string, string>;
  readonly token: string;
  /** The uuids of the uploads that a server accepted. */
  readonly taken: Set<string>;
  /** The names of the files that were dropped. */
  readonly dropped: string[];
  /** Releases the claims of killed nodes, which other nodes would otherwise wait for. */
  readonly forgetKilled: () => Promise<void>;
}

/** @param folder for the drop folder and the files that are taken, on PostgreSQL shared by its nodes */
export async function prepareFileTarget(
  database: TestDatabase,
  folder: string,
  forgetKilled: () => Promise<void> = () => Promise.resolve(),
): Promise<FileTarget> {
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
  const inbox = join(folder, 'inbox');
  const environment = {
    ONHAND_INBOX: inbox,
    ONHAND_INBOX_SETTLE_SECONDS: '0',
    ONHAND_FILES_DIRECTORY: join(folder, 'files'),
  };
  await mkdir(join(inbox, SUPPLIER, 'in'), { recursive: true });
  return { database, inbox, environment, token, taken: new Set(), dropped: [], forgetKilled };
}

/** One round: a server is killed at a random moment after its first file, while it receives and applies others. */
export async function uploadKillRound(target: FileTarget, random: Random): Promise<void> {
  const server = await ServerProcess.start(target.database, target.environment);
  const accepted = Promise.withResolvers<void>();
  const sending = sendFiles(server.url, target, accepted.resolve);
  await Promise.race([accepted.promise, sending]);
  await delay(random.below(KILL_WITHIN_MS));
  await server.kill();
  await sending;
  await target.forgetKilled();
}

/**
 * Expects that another server finishes all files, including those whose upload got no reply, that each was
 * applied once, and that the results have every row. Returns the number of files.
 */
export async function expectFilesApplied(target: FileTarget): Promise<number> {
  const { token, taken, inbox, dropped } = target;
  const server = await ServerProcess.start(target.database, target.environment);
  await allDone(inbox, dropped);
  const files = await filesOf(server.url, token);
  expect([...taken].filter((uuid) => !files.includes(uuid))).toEqual([]);
  expect(files.length).toBeGreaterThanOrEqual(taken.size + dropped.length);
  for (const uuid of files) {
    const file = await ask(`${server.url}${FILES}${uuid}/?wait=30`, token);
    expect(file).toMatchObject({ state: 'done', status_counts: { '200': LINES_OF_FILE } });
    const results = await get(`${server.url}${FILES}${uuid}/results.csv`, token);
    expect((await results.text()).match(/,200,success/g)).toHaveLength(LINES_OF_FILE);
  }
  expect(await sumOfStock(server.url, token)).toBe(files.length * LINES_OF_FILE);
  expect(await server.stop()).toBe(0);
  return files.length;
}

/** One round: a server is killed while it accepts and applies files from its drop folder. */
export async function dropKillRound(target: FileTarget, random: Random): Promise<void> {
  const { inbox, dropped } = target;
  const folder = join(inbox, SUPPLIER, 'in');
  const server = await ServerProcess.start(target.database, target.environment);
  for (let file = 0; file < FILES_DROPPED; file += 1) {
    const name = `${dropped.length}.ndjson`;
    await writeFile(join(folder, `${name}.part`), COUNTING_FILE);
    await rename(join(folder, `${name}.part`), join(folder, name));
    dropped.push(name);
    await delay(random.below(KILL_WITHIN_MS));
  }
  await server.kill();
  await target.forgetKilled();
}

/** Resolves when each dropped file is in `done/`, once. */
async function allDone(inbox: string, dropped: readonly string[]): Promise<void> {
  const done = async (): Promise<readonly string[]> =>
    (await readdir(join(inbox, SUPPLIER, 'done')).catch(() => []))
      // `.taken` holds the files that are being processed.
      .filter((name) => !name.startsWith('.'))
      .map((name) => name.slice(name.indexOf('-') + 1));
  while ((await done()).length < dropped.length) await delay(50);
  expect((await done()).toSorted()).toEqual(dropped.toSorted());
}

/** Sends files one after another until the server is gone. */
async function sendFiles(
  url: string,
  { token, taken }: FileTarget,
  onAccepted: () => void,
): Promise<void> {
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
      onAccepted();
      // Gives the server time to apply some of them.
      await delay(150);
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

function get(url: string, token: string): Promise<Response> {
  return fetch(url, { headers: { authorization: `Token ${token}` } });
}

async function ask(url: string, token: string): Promise<unknown> {
  return (await get(url, token)).json();
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
