import { expect, test } from 'vitest';
import { killRound, prepareKillTarget } from '../durability/kill.ts';
import { Random } from '../random.ts';
import { sqliteDatabase } from '../store/fixtures.ts';

const KILLS = 60;

test(`a server killed ${KILLS} times under load loses no line that it answered`, async () => {
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
