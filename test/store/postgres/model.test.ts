import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { readPostgresChanges } from './rows.ts';
import { simulate } from '../simulation.ts';

/** `npm run soak` runs thousands. Each one takes half a second here, mostly for commits. */
const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await postgresDatabase();
  store = await openTestStore(database);
});

afterAll(async () => {
  await store.close();
  await database.remove();
});

test.for(SEEDS)('random batches have the same results as in the model (seed %i)', async (seed) => {
  await simulate(store, seed, (supplierId) => readPostgresChanges(database, supplierId));
});

test('a check of the database finds no problems after the random batches', async () => {
  expect(await problemsOf(database)).toEqual([]);
});
