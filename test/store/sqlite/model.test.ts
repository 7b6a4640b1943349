import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import {
  crashImage,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  sweptDatabase,
  type TestDatabase,
} from '../fixtures.ts';
import { simulate } from '../simulation.ts';
import { readSqliteChanges } from './stored-changes.ts';

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

describe.each([
  { name: 'a database', create: sqliteDatabase, firstSeed: 0 },
  { name: 'a database that is swept every few changes', create: sweptDatabase, firstSeed: 20 },
])('$name', ({ create, firstSeed }) => {
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await create();
    store = await openTestStore(database);
  });

  afterAll(async () => {
    await store.close();
    await database.remove();
  });

  test.for(SEEDS)('answers random batches as the model does (seed %i)', async (seed) => {
    await simulate(store, firstSeed + seed, (supplierId) =>
      readSqliteChanges(database, supplierId),
    );
  });

  test('has no problems after the random batches', async () => {
    expect(await problemsOf(database)).toEqual([]);
  });

  test('has no problems if it crashes after the random batches, and none once it is opened again', async () => {
    const image = await crashImage(database);
    expect(await problemsOf(image)).toEqual([]);
    await (await openTestStore(image)).close();
    expect(await problemsOf(image)).toEqual([]);
    await image.remove();
  });
});
