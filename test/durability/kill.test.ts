import { expect, test } from 'vitest';
import { Random } from '../random.ts';
import { sqliteDatabase } from '../store/fixtures.ts';
import { keyedKillRound, prepareCountingTarget } from './keyed-kill.ts';
import { killRound, prepareKillTarget } from './kill.ts';
import { ServerProcess } from './server-process.ts';

/** Starting a server is what these tests spend their time on. `npm run soak` kills 60 times. */
const KILLS = 1;

test('a server killed under load loses no acknowledged line and applies no batch partly', async () => {
  const database = await sqliteDatabase();
  try {
    const target = await prepareKillTarget(database);
    const random = new Random(20_261_123);
    let lines = 0;
    for (let round = 0; round < KILLS; round += 1) lines += await killRound(target, random);
    expect(lines).toBeGreaterThan(0);
  } finally {
    await database.remove();
  }
});

test('requests without a reply before a kill are retried with their keys and applied once', async () => {
  const database = await sqliteDatabase();
  try {
    const target = await prepareCountingTarget(database);
    const random = new Random(4711);
    let retries = 0;
    for (let round = 0; round < KILLS; round += 1) retries += await keyedKillRound(target, random);
    expect(retries).toBeGreaterThan(0);
  } finally {
    await database.remove();
  }
});

test('a second server on the same SQLite file exits and names the first', async () => {
  const database = await sqliteDatabase();
  try {
    const first = await ServerProcess.start(database);
    await expect(ServerProcess.start(database)).rejects.toThrow(
      /Another server is running.*process \d+ on 127\.0\.0\.1/s,
    );
    expect(await first.stop()).toBe(0);
    const next = await ServerProcess.start(database);
    await next.kill();
    const afterKill = await ServerProcess.start(database);
    expect(await afterKill.stop()).toBe(0);
  } finally {
    await database.remove();
  }
});
