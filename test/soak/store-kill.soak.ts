import { test } from 'vitest';
import { StoreKills } from '../durability/store-kill.ts';
import { sqliteDatabase } from '../store/fixtures.ts';

const KILLS = 1000;

test(`${KILLS} kills of a store between append, sweep and replay lose no committed batch`, async () => {
  const database = await sqliteDatabase();
  const kills = await StoreKills.prepare(database, 20_261_127);
  for (let round = 1; round <= KILLS; round += 1) {
    await kills.round();
    if (round % 50 === 0) process.stderr.write(`store kill: ${round} of ${KILLS}\n`);
  }
  await database.remove();
});
