import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import {
  openTestStore,
  problemsOf,
  sqliteDatabase,
  sweptDatabase,
  type TestDatabase,
} from '../fixtures.ts';
import { simulate } from '../simulation.ts';
import { CrashingStore } from './crashing-store.ts';
import { readSqliteChanges } from './stored-changes.ts';

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

describe('a SQLite database', () => {
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

  test.for(SEEDS)('answers random batches as the model does (seed %i)', async (seed) => {
    await simulate(store, seed, (supplierId) => readSqliteChanges(database, supplierId));
  });

  test('has no problems after the random batches', async () => {
    expect(await problemsOf(database)).toEqual([]);
  });
});

test.each([
  { create: sqliteDatabase, when: 'before its table is swept', seeds: [21, 22, 23, 24] },
  { create: sweptDatabase, when: 'while its table is swept', seeds: [25, 26, 27, 28, 29, 30] },
])(
  'a SQLite database that crashes $when answers random batches as the model does',
  async ({ create, seeds }) => {
    const crashing = await CrashingStore.open(await create());
    try {
      for (const seed of seeds) {
        await simulate(
          crashing.store,
          seed,
          (supplierId) => readSqliteChanges(crashing.database, supplierId),
          () => crashing.crash(),
        );
      }
      expect(crashing.crashes).toBeGreaterThan(0);
    } finally {
      await crashing.close();
    }
  },
);
