import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';

let server: TestServer;
let inbox: string;
let supplierId: number;

beforeEach(async () => {
  inbox = await mkdtemp(join(tmpdir(), 'onhand-inbox-'));
  await mkdir(join(inbox, 'Acme'));
  server = await TestServer.start({ inbox, inboxSettleSeconds: 0, logLevel: 'info' });
  const created = await server.createSupplier('Acme', [entry('A-1'), entry('A-2')]);
  supplierId = created.supplier.id;
  await until(async () => (await names('in')) !== undefined);
});
afterEach(async () => {
  await server.stop();
  await rm(inbox, { recursive: true, force: true });
});

function at(...path: readonly string[]): string {
  return join(inbox, 'Acme', ...path);
}

async function names(folder: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(at(folder))).filter((name) => !name.startsWith('.')).toSorted();
  } catch {
    return undefined;
  }
}

/** Polls, since changes of a folder give no event. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(20);
}

/** Drops a file the recommended way: written under another name, then renamed. */
async function drop(name: string, content: string): Promise<void> {
  await writeFile(at(`.${name}`), content);
  await rename(at(`.${name}`), at('in', name));
}

async function stock(): Promise<readonly (number | null)[]> {
  const { skus } = await server.store.skus.list({
    supplierIds: [supplierId],
    filter: {},
    from: { start: 0 },
    limit: 10,
  });
  return skus.map(({ inventory }) => inventory.quantityInStock);
}

test('a file in the folder `catalogue` creates SKUs', async () => {
  await writeFile(at('.part'), 'sku_id,title,qty\nN-1,New,7\n');
  await rename(at('.part'), at('catalogue', 'products.csv'));
  await until(async () => (await names('done'))?.length === 1);
  expect(await names('catalogue')).toEqual([]);
  expect(await stock()).toEqual([null, null, 7]);
});

test('a dropped file is applied, moved to done, and gets a result per row', async () => {
  await drop('stock.csv', 'sku_id,qty\nA-1,5\nNONE,1\n');
  await until(async () => (await names('done'))?.length === 1);
  expect(await names('in')).toEqual([]);
  expect(await names('done')).toEqual([expect.stringMatching(/^\d{8}T\d{6}\.\d{3}Z-stock\.csv$/)]);
  expect(await names('out')).toEqual([
    expect.stringMatching(/^\d{8}T\d{6}\.\d{3}Z-stock\.csv\.results\.csv$/),
  ]);
  const [result = ''] = (await names('out')) ?? [];
  expect((await readFile(at('out', result), 'utf8')).split(/\r?\n/)).toEqual([
    'sku_id,qty,status_code,message',
    'A-1,5,200,success',
    expect.stringMatching(/^NONE,1,404,/),
    '',
  ]);
  expect(await stock()).toEqual([5, null]);
});

test('an unreadable file is moved to failed, with the reason', async () => {
  await drop('stock.csv', 'a,b\n1,2\n');
  await until(async () => (await names('failed'))?.length === 1);
  const [result = ''] = (await names('out')) ?? [];
  expect(await readFile(at('out', result), 'utf8')).toMatch(/400,"?No column says/);
});

test('partial, hidden and linked files, and those of unknown suppliers, are ignored', async () => {
  await mkdir(join(inbox, 'Nobody', 'in'), { recursive: true });
  await writeFile(join(inbox, 'Nobody', 'in', 'x.csv'), 'sku_id,qty\nA-1,5\n');
  const elsewhere = at('elsewhere.csv');
  await writeFile(elsewhere, 'sku_id,qty\nA-1,6\n');
  await symlink(elsewhere, at('in', 'link.csv'));
  await link(elsewhere, at('in', 'hard.csv'));
  for (const name of ['.hidden.csv', 'a.csv.part', 'b.TMP', 'c.filepart'])
    await writeFile(at('in', name), 'sku_id,qty\nA-1,7\n');
  const before = await readdir(at('in'));
  await drop('last.csv', 'sku_id,qty\nA-2,8\n');
  await until(async () => (await names('done'))?.length === 1);
  expect(await readdir(at('in'))).toEqual(before);
  expect(await stock()).toEqual([null, 8]);
});

test('a link to a folder is not followed', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'onhand-elsewhere-'));
  await server.createSupplier('Other', [entry('A-1')]);
  await writeFile(join(elsewhere, 'x.csv'), 'sku_id,qty\nA-1,5\n');
  await mkdir(join(inbox, 'Other'));
  await symlink(elsewhere, join(inbox, 'Other', 'in'));
  await drop('last.csv', 'sku_id,qty\nA-2,8\n');
  await until(async () => (await names('done'))?.length === 1);
  expect(await readdir(elsewhere)).toEqual(['x.csv']);
  await rm(elsewhere, { recursive: true });
});

test('files with the same name are all applied, in the order of arrival', async () => {
  for (const quantity of [1, 2, 3]) {
    await drop('stock.csv', `sku_id,qty\nA-1,${quantity}\n`);
    await until(async () => (await names('in'))?.length === 0);
  }
  await until(async () => (await stock())[0] === 3);
});

function logged(text: string): readonly unknown[] {
  return server.log.filter((entry) => JSON.stringify(entry).includes(text));
}

test('a folder of no supplier is logged once, and its files are taken when there is one', async () => {
  await mkdir(join(inbox, 'Later', 'in'), { recursive: true });
  await writeFile(join(inbox, 'Later', 'in', 'x.csv'), 'sku_id,qty\nB-1,5\n');
  await until(() => Promise.resolve(logged('Later').length > 0));
  await drop('stock.csv', 'sku_id,qty\nA-1,5\n');
  await until(async () => (await names('done'))?.length === 1);
  expect(logged('Later')).toMatchObject([{ folder: 'Later', reason: 'no supplier has this name' }]);
  await server.createSupplier('Later', [entry('B-1')]);
  await until(async () => (await readdir(join(inbox, 'Later', 'in'))).length === 0);
});

test('files of a disabled supplier stay until it is enabled, and are logged once', async () => {
  await server.store.accounts.setOrganizationDisabled(supplierId, true);
  await drop('stock.csv', 'sku_id,qty\nA-1,5\n');
  await until(() => Promise.resolve(logged('the supplier is disabled').length > 0));
  await drop('next.csv', 'sku_id,qty\nA-2,6\n');
  expect(await names('in')).toEqual(['next.csv', 'stock.csv']);
  await server.store.accounts.setOrganizationDisabled(supplierId, false);
  await until(async () => (await names('done'))?.length === 2);
  expect(await stock()).toEqual([5, 6]);
  expect(logged('the supplier is disabled')).toHaveLength(1);
});

test('a refused, a held and an applied file are logged once each, with supplier, counts and error', async () => {
  await drop('wrong.csv', 'a,b\n1,2\n');
  await until(async () => (await names('failed'))?.length === 1);
  await drop('asks.csv', 'sku_id,qty\nA-1,5\nA-1,6\n');
  await until(
    async () => (await names('out'))?.some((name) => name.endsWith('.held.txt')) === true,
  );
  await drop('stock.csv', 'sku_id,qty\nA-1,5\nNONE,1\n');
  await until(async () => (await names('done'))?.length === 1);
  await until(() => Promise.resolve(logged('stock.csv').length > 0));
  expect(logged('asks.csv')).toMatchObject([
    { msg: 'file held', organization: 'Acme', lines: 0, error: 'duplicate_skus' },
  ]);
  expect(logged('wrong.csv')).toMatchObject([
    { msg: 'file refused', organization: 'Acme', lines: 0, error: 'body_malformed' },
  ]);
  expect(logged('stock.csv')).toMatchObject([
    { msg: 'file done', organization: 'Acme', lines: 2, failed: 1 },
  ]);
});
