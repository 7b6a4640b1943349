import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { readPostgresChanges } from './stored-changes.ts';
import { postgresDatabase } from './database.ts';
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

test.for(SEEDS)('does with random batches what the model does (seed %i)', async (seed) => {
  await simulate(store, seed, (supplierId) => readPostgresChanges(database, supplierId));
});

test('leaves a database in which everything agrees', async () => {
  expect(await problemsOf(database)).toEqual([]);
});
