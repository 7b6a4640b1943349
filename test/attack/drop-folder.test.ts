import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DropFolder } from '../../src/files/drop-folder.ts';
import type { FileService } from '../../src/files/service.ts';
import { Intake } from '../../src/intake/intake.ts';
import { fileServiceOf } from '../../src/server.ts';
import { FileClient, FILES } from '../http/files/file-client.ts';
import { TestServer } from '../http/harness.ts';
import { entry, testSettings } from '../store/fixtures.ts';

const POLL = { interval: 20 };

let server: TestServer;
let inbox: string;
let victim: FileClient;
let services: FileService[];

beforeEach(async () => {
  services = [];
  inbox = await mkdtemp(join(tmpdir(), 'onhand-inbox-'));
  for (const name of ['Attacker', 'Victim'])
    await mkdir(join(inbox, name, 'in'), { recursive: true });
  server = await TestServer.start();
  await server.createSupplier('Attacker', [entry('A-1')]);
  const { token } = await server.createSupplier('Victim', [entry('A-1')]);
  victim = new FileClient(server, token);
});
afterEach(async () => {
  for (const service of services) await service.stop();
  await server.stop();
  await rm(inbox, { recursive: true, force: true });
});

/** A drop folder on the server's own database and files. */
function newDropFolder(failures: unknown[] = []): DropFolder {
  const { store, database, filesDirectory } = server;
  const settings = testSettings(database, { filesDirectory });
  const onFailure = (error: unknown): void => {
    failures.push(error);
  };
  const service = fileServiceOf({
    store,
    intake: new Intake(store, settings),
    settings,
    onEnded: () => Promise.resolve(),
    onFailure,
  });
  services.push(service);
  return new DropFolder({
    directory: inbox,
    service,
    accounts: store.accounts,
    settleSeconds: 0,
    fileBytesMax: 1e6,
    onIgnored: () => undefined,
    onFailure,
  });
}

async function visible(supplier: string, folder: string): Promise<readonly string[]> {
  const names = await readdir(join(inbox, supplier, folder)).catch(() => []);
  return names.filter((name) => !name.startsWith('.'));
}

test("a forged name does not replace another supplier's stored file", async () => {
  const uuid = await victim.upload('sku_id,qty\nA-1,5\n');
  await victim.processed(uuid);
  const before = await victim.results(uuid);
  await writeFile(join(inbox, 'Attacker', 'in', `.taken-${uuid}-x.csv`), 'sku_id,qty\nA-1,666\n');
  await mkdir(join(inbox, 'Attacker', 'done', '.taken'), { recursive: true });
  await writeFile(
    join(inbox, 'Attacker', 'done', '.taken', `${uuid}-y.csv`),
    'sku_id,qty\nA-1,9\n',
  );
  const failures: unknown[] = [];
  const dropFolder = newDropFolder(failures);
  dropFolder.start();
  // Both are the attacker's own files.
  await expect.poll(() => visible('Attacker', 'out'), POLL).toHaveLength(2);
  await dropFolder.stop();
  expect(failures).toEqual([]);
  expect(await victim.results(uuid)).toEqual(before);
  expect((await victim.ask('GET', `${FILES}${uuid}/`)).json).toMatchObject({ bytes: 17 });
  expect(await victim.stock()).toEqual({ 'A-1': 5 });
});

test('a file that an earlier version had accepted is finished; what is no file is left alone', async () => {
  const inside = join(inbox, 'Victim', 'in');
  const uuid = await victim.upload('sku_id,qty\nA-1,5\n');
  await victim.processed(uuid);
  await writeFile(join(inside, `.taken-${uuid}-old.csv`), 'sku_id,qty\nA-1,5\n');
  const outside = join(inbox, 'outside.csv');
  await writeFile(outside, 'sku_id,qty\nA-1,666\n');
  await symlink(outside, join(inside, 'link.csv'));
  await link(outside, join(inside, 'second-name.csv'));
  await mkdir(join(inside, 'folder.csv'));
  execFileSync('mkfifo', [join(inside, 'pipe.csv')]);
  await writeFile(join(inside, `${'x'.repeat(250)}.csv`), 'sku_id,qty\nA-1,6\n');
  await writeFile(join(inside, 'line\nbreak.csv'), 'sku_id,qty\nA-1,6\n');
  const failures: unknown[] = [];
  const dropFolder = newDropFolder(failures);
  dropFolder.start();
  await expect.poll(() => visible('Victim', 'out')).toHaveLength(3);
  await dropFolder.stop();
  expect(failures).toEqual([]);
  const ignored = ['folder.csv', 'link.csv', 'pipe.csv', 'second-name.csv'];
  expect((await readdir(inside)).toSorted()).toEqual(ignored);
  const done = await visible('Victim', 'done');
  expect(done.filter((name) => name.endsWith('-old.csv'))).toHaveLength(1);
  expect(await victim.stock()).toEqual({ 'A-1': 6 });
});

test("a supplier with many files does not delay another one's", async () => {
  const FILES_COUNT = 150;
  const staged = join(inbox, 'Attacker', 'staged');
  await mkdir(staged);
  for (let i = 0; i < FILES_COUNT; i += 1)
    await writeFile(join(staged, `${i}.csv`), 'sku_id,qty\nA-1,1\n');
  await rm(join(inbox, 'Attacker', 'in'), { recursive: true });
  await rename(staged, join(inbox, 'Attacker', 'in'));
  const dropFolder = newDropFolder();
  dropFolder.start();
  try {
    await expect.poll(() => visible('Attacker', 'out'), POLL).not.toEqual([]);
    await writeFile(join(inbox, 'Victim', 'in', 'x.csv'), 'sku_id,qty\nA-1,5\n');
    await expect.poll(() => visible('Victim', 'out'), POLL).toHaveLength(1);
    expect((await visible('Attacker', 'out')).length).toBeLessThan(FILES_COUNT * 0.8);
  } finally {
    await dropFolder.stop();
  }
});

test('a folder that cannot be used is reported once, and does not stop the others', async () => {
  await rm(join(inbox, 'Attacker', 'in'), { recursive: true });
  await writeFile(join(inbox, 'Attacker', 'in'), 'not a folder');
  const failures: unknown[] = [];
  const dropFolder = newDropFolder(failures);
  dropFolder.start();
  for (const name of ['x.csv', 'y.csv']) {
    await writeFile(join(inbox, 'Victim', 'in', name), 'sku_id,qty\nA-1,5\n');
    await expect.poll(() => visible('Victim', 'in'), POLL).toEqual([]);
  }
  await expect.poll(() => visible('Victim', 'out'), POLL).toHaveLength(2);
  await dropFolder.stop();
  expect(failures).toHaveLength(1);
});
