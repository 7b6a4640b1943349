import { expect, test } from 'vitest';
import { Random } from '../random.ts';
import { sqliteDatabase } from '../store/fixtures.ts';
import { prepareStreamTarget, streamKillRound } from './stream-kill.ts';

const ROUNDS = 2;

test('streams that are cut off leave whole chunks: every answered one, and perhaps more', async () => {
  const database = await sqliteDatabase();
  try {
    const target = await prepareStreamTarget(database);
    const random = new Random(17);
    let lines = 0;
    for (let round = 0; round < ROUNDS; round += 1) lines += await streamKillRound(target, random);
    expect(lines).toBeGreaterThan(0);
  } finally {
    await database.remove();
  }
});
