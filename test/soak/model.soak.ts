import { expect, test } from 'vitest';
import { openTestStore, problemsOf, sqliteDatabase } from '../store/fixtures.ts';
import { readPostgresChanges } from '../store/postgres/rows.ts';
import { postgresDatabase } from '../store/postgres/database.ts';
import { simulate } from '../store/simulation.ts';
import { readSqliteChanges } from '../store/sqlite/stored-changes.ts';

const SEEDS = 3000;
const POSTGRES_SEEDS = 1000;
/** `npm test` runs the first 40 seeds on SQLite, and 12 on PostgreSQL. */
const FIRST_SEED = 1000;
const POSTGRES_FIRST_SEED = 1;
const SEEDS_OF_DATABASE = 250;

test(`random batches have the same results as in the model on SQLite, for ${SEEDS} seeds`, async () => {
  for (let first = FIRST_SEED; first < FIRST_SEED + SEEDS; first += SEEDS_OF_DATABASE) {
    const database = await sqliteDatabase();
    const store = await openTestStore(database);
    try {
      for (let seed = first; seed < first + SEEDS_OF_DATABASE; seed += 1) {
        await simulate(store, seed, (supplierId) => readSqliteChanges(database, supplierId));
      }
    } finally {
      await store.close();
    }
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
    process.stderr.write(`model: ${first + SEEDS_OF_DATABASE - FIRST_SEED} of ${SEEDS} seeds\n`);
  }
});

test(`random batches have the same results as in the model on PostgreSQL, for ${POSTGRES_SEEDS} seeds`, async () => {
  for (
    let first = POSTGRES_FIRST_SEED;
    first < POSTGRES_FIRST_SEED + POSTGRES_SEEDS;
    first += SEEDS_OF_DATABASE
  ) {
    const database = await postgresDatabase();
    const store = await openTestStore(database);
    try {
      for (let seed = first; seed < first + SEEDS_OF_DATABASE; seed += 1) {
        await simulate(store, seed, (supplierId) => readPostgresChanges(database, supplierId));
      }
    } finally {
      await store.close();
    }
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
    process.stderr.write(
      `model on PostgreSQL: ${first + SEEDS_OF_DATABASE - POSTGRES_FIRST_SEED} seeds\n`,
    );
  }
});
