import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../random.ts';
import { problemsOf, sqliteDatabase, type TestDatabase } from '../store/fixtures.ts';
import { postgresDatabase } from '../store/postgres/database.ts';
import {
  dropKillRound,
  expectFilesApplied,
  prepareFileTarget,
  uploadKillRound,
} from './file-kill.ts';
import { forgetClaims } from './forgotten-claims.ts';

/** Each kill costs a start of a server. `npm run soak` kills 60 times on either database. */
const KILLS = 1;

let folder: string;
let database: TestDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onhand-files-'));
});
afterEach(async () => {
  expect(await problemsOf(database)).toEqual([]);
  await database.remove();
  await rm(folder, { recursive: true });
});

test('a server killed during uploads loses no accepted file and applies no chunk twice', async () => {
  database = await sqliteDatabase();
  const target = await prepareFileTarget(database, folder);
  const random = new Random(846_997);
  for (let round = 0; round < KILLS; round += 1) await uploadKillRound(target, random);
  expect(await expectFilesApplied(target)).toBeGreaterThan(0);
});

test('a server killed while it reads the drop folder applies each file once', async () => {
  database = await sqliteDatabase();
  const target = await prepareFileTarget(database, folder);
  const random = new Random(4010);
  for (let round = 0; round < KILLS; round += 1) await dropKillRound(target, random);
  expect(await expectFilesApplied(target)).toBe(target.dropped.length);
});

test('on PostgreSQL another node finishes the uploads and dropped files of a killed one', async () => {
  database = await postgresDatabase();
  const target = await prepareFileTarget(database, folder, () => forgetClaims(database));
  const random = new Random(5010);
  await uploadKillRound(target, random);
  await dropKillRound(target, random);
  await expectFilesApplied(target);
});
