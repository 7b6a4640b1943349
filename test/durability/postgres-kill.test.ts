import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../random.ts';
import type { TestDatabase } from '../store/fixtures.ts';
import { killRound, prepareKillTarget } from './kill.ts';
import { keyedKillRound, prepareCountingTarget } from './keyed-kill.ts';
import { databaseKillRound } from './postgres-kill.ts';
import { PostgresProcess } from './postgres-process.ts';
import { ServerProcess } from './server-process.ts';

/** `npm run soak` kills nodes and database 30 times each. */
const ROUNDS = 1;

describe('on a PostgreSQL whose commits wait for the disk', () => {
  let postgres: PostgresProcess;
  let database: TestDatabase;

  beforeAll(async () => {
    postgres = await PostgresProcess.start({ isDurable: true });
    database = { url: postgres.url('postgres'), remove: () => Promise.resolve() };
  });
  afterAll(() => postgres.remove());

  test('a node killed under load loses no acknowledged line and applies no batch partly', async () => {
    const target = await prepareKillTarget(database);
    const random = new Random(31);
    let lines = 0;
    for (let round = 0; round < ROUNDS; round += 1) lines += await killRound(target, random);
    expect(lines).toBeGreaterThan(0);
  });

  test('requests that a killed node did not answer are retried with their keys and applied once', async () => {
    const target = await prepareCountingTarget(database);
    const random = new Random(32);
    for (let round = 0; round < ROUNDS; round += 1) await keyedKillRound(target, random);
  });

  test('two nodes under load recover when their database is killed and restarted', async () => {
    const target = await prepareCountingTarget(database, 'Counted by two');
    const nodes = [await ServerProcess.start(database), await ServerProcess.start(database)];
    const random = new Random(33);
    let sentAgain = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      sentAgain += await databaseKillRound(postgres, nodes, target, random);
    }
    expect(sentAgain).toBeGreaterThan(0);
    for (const node of nodes) expect(await node.stop()).toBe(0);
  });
});
