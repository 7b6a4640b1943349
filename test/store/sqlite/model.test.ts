import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { openTestStore, problemsOf, sqliteDatabase, type TestDatabase } from '../fixtures.ts';
import { simulate } from '../simulation.ts';
import { readSqliteChanges } from './stored-changes.ts';

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
});

afterAll(async () => {
  await store.close();
  await database.remove();
});

test.for(SEEDS)('random batches have the same results as in the model (seed %i)', async (seed) => {
  await simulate(store, seed, (supplierId) => readSqliteChanges(database, supplierId));
});

test('a check of the database finds no problems after the random batches', async () => {
  expect(await problemsOf(database)).toEqual([]);
});
