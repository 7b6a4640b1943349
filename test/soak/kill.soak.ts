import { expect, test } from 'vitest';
import { keyedKillRound, prepareCountingTarget } from '../durability/keyed-kill.ts';
import { killRound, prepareKillTarget } from '../durability/kill.ts';
import { databaseKillRound } from '../durability/postgres-kill.ts';
import { PostgresProcess } from '../durability/postgres-process.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { Random } from '../random.ts';
import { sqliteDatabase } from '../store/fixtures.ts';

const KILLS = 60;
const DATABASE_KILLS = 30;

test(`${KILLS} kills of a server under load lose no acknowledged line`, async () => {
  const database = await sqliteDatabase();
  const target = await prepareKillTarget(database);
  const random = new Random(7);
  let lines = 0;
  for (let round = 1; round <= KILLS; round += 1) {
    lines += await killRound(target, random);
    if (round % 10 === 0) process.stderr.write(`kill: ${round} of ${KILLS}, ${lines} lines\n`);
  }
  expect(lines).toBeGreaterThan(0);
  await database.remove();
});

test(`requests with keys are applied once in spite of ${KILLS} kills between commit and reply`, async () => {
  const database = await sqliteDatabase();
  const target = await prepareCountingTarget(database);
  const random = new Random(11);
  let retries = 0;
  for (let round = 1; round <= KILLS; round += 1) {
    retries += await keyedKillRound(target, random);
    if (round % 10 === 0)
      process.stderr.write(`keyed kill: ${round} of ${KILLS}, ${retries} retries\n`);
  }
  expect(retries).toBeGreaterThan(0);
  await database.remove();
});

test(`${DATABASE_KILLS} kills each of nodes and of PostgreSQL lose no acknowledged line`, async () => {
  const postgres = await PostgresProcess.start({ isDurable: true });
  const database = { url: postgres.url('postgres'), remove: () => Promise.resolve() };
  try {
    const random = new Random(12);
    const target = await prepareKillTarget(database);
    for (let round = 1; round <= DATABASE_KILLS; round += 1) await killRound(target, random);
    const counted = await prepareCountingTarget(database);
    const nodes = [await ServerProcess.start(database), await ServerProcess.start(database)];
    let retries = 0;
    for (let round = 1; round <= DATABASE_KILLS; round += 1) {
      retries += await databaseKillRound(postgres, nodes, counted, random);
      if (round % 10 === 0) process.stderr.write(`database kill: ${round}, ${retries} retries\n`);
    }
    for (const node of nodes) expect(await node.stop()).toBe(0);
  } finally {
    await postgres.remove();
  }
});
