import { test } from 'vitest';
import { sqliteDatabase } from '../store/fixtures.ts';
import { StoreKills } from './store-kill.ts';

/** `npm run soak` kills a thousand times. */
const KILLS = 3;

test('a store that is killed between append, commit, sweep and replay loses no committed batch', async () => {
  const database = await sqliteDatabase();
  const kills = await StoreKills.prepare(database, 7);
  for (let round = 1; round <= KILLS; round += 1) await kills.round();
  await database.remove();
});
