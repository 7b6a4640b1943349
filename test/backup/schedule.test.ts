import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BackupMade } from '../../src/backup/backup.ts';
import { backupName } from '../../src/backup/folder.ts';
import { BackupSchedule } from '../../src/backup/schedule.ts';
import { startServer } from '../../src/server.ts';
import { textAt } from '../http/answers.ts';
import { TestServer } from '../http/harness.ts';
import {
  openTestStore,
  sqliteDatabase,
  testSettings,
  type TestDatabase,
} from '../store/fixtures.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let target: string;
let nowMs: number;
let made: BackupMade[];
let failures: unknown[];
let schedule: BackupSchedule;

beforeEach(async () => {
  database = await sqliteDatabase();
  await (await openTestStore(database)).close();
  target = join(database.url.slice('sqlite:'.length), '..', 'backups');
  await mkdir(target);
  nowMs = Date.now();
  made = [];
  failures = [];
  schedule = new BackupSchedule({
    order: {
      database: database.url,
      target,
      recipients: [],
      kept: { count: 2, days: 0 },
      settings: testSettings(database),
    },
    everyMs: 24 * HOUR_MS,
    now: () => nowMs,
    onMade: (backup) => made.push(backup),
    onFailure: (error) => failures.push(error),
  });
});
afterEach(async () => {
  await schedule.stop();
  await database.remove();
});

test('backs up in a thread when the latest backup is older than the interval, and only then', async () => {
  expect(schedule.state).toEqual({ latestAtMs: null, isUp: true });
  await schedule.check();
  expect(failures).toEqual([]);
  expect(made).toHaveLength(1);
  expect(await readdir(target)).toHaveLength(1);
  nowMs += 23 * HOUR_MS;
  await schedule.check();
  expect(made).toHaveLength(1);
  nowMs += 2 * HOUR_MS;
  await schedule.check();
  expect(made).toHaveLength(2);
  expect(schedule.state.isUp).toBe(true);
});

test('a failure is reported, is seen in the state until a backup succeeds, and is retried after 15 minutes', async () => {
  await rm(target, { recursive: true });
  await schedule.check();
  expect(failures).toHaveLength(1);
  expect(schedule.state.isUp).toBe(false);
  await writeFile(target, 'a file in the place of the directory');
  nowMs += 15 * 60_000;
  await schedule.check();
  expect(failures).toHaveLength(2);
  await rm(target);
  await mkdir(target);
  nowMs += 60_000;
  await schedule.check();
  expect(made, 'the next attempt waits').toHaveLength(0);
  expect(failures, 'and is not reported').toHaveLength(2);
  nowMs += 15 * 60_000;
  await schedule.check();
  expect(made).toHaveLength(1);
  expect(schedule.state.isUp).toBe(true);
});

test('a backup that is made by hand after a failure ends it in the state', async () => {
  await rm(target, { recursive: true });
  await schedule.check();
  await mkdir(target);
  nowMs += 15 * 60_000;
  await writeFile(join(target, backupName(database.url, new Date(nowMs), false)), '');
  await schedule.check();
  expect(made).toEqual([]);
  expect(schedule.state.isUp).toBe(true);
});

test('a backup that is overdue by a whole interval shows in the state', async () => {
  await schedule.check();
  nowMs += 47 * HOUR_MS;
  expect(schedule.state.isUp).toBe(true);
  nowMs += 2 * HOUR_MS;
  expect(schedule.state.isUp).toBe(false);
});

test('stopping ends a backup that is in progress, which leaves no incomplete file and no unencrypted copy', async () => {
  const watcher = watch(target);
  const begun = once(watcher, 'change');
  const checking = schedule.check();
  await begun;
  watcher.close();
  await schedule.stop();
  await checking;
  expect((await readdir(target)).filter((name) => name.includes('.unfinished'))).toEqual([]);
  expect(failures).toEqual([]);
});

test('a server backs up into the directory that its settings name, and its metrics say so', async () => {
  const server = await TestServer.start({
    backupDirectory: target,
    metricsPort: 0,
    logLevel: 'info',
  });
  try {
    const isBackedUp = (): boolean =>
      server.log.some((entry) => textAt(entry, 'msg') === 'backed up');
    await expect.poll(isBackedUp).toBe(true);
    expect(await readdir(target)).toHaveLength(1);
    const scrape = await (await fetch(server.metricsUrl)).text();
    expect(scrape).toContain('onhand_backup_up 1');
    expect(scrape).toMatch(/^onhand_backup_age_seconds \d/m);
  } finally {
    await server.stop();
  }
});

test('a server whose directory for backups is missing, or whose database is not SQLite, does not start', async () => {
  const missing = testSettings(database, { backupDirectory: join(target, 'missing') });
  await expect(startServer(missing)).rejects.toThrow('ONHAND_BACKUP_DIRECTORY) does not exist');
  const url = 'postgres://u@127.0.0.1:1/d';
  const postgres = { ...testSettings(database, { backupDirectory: target }), database: url };
  await expect(startServer(postgres)).rejects.toThrow('pg_dump or pgBackRest');
});
