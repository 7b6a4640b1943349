import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSupplier, openTestStore, type TestDatabase } from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { OPERATIONS as OF_A_SUPPLIER, SHARED_OPERATIONS, Target } from './operations.ts';
import { StatementRecorder, withPlanNotices } from './plans.ts';
import { alterPostgres, fillFiles, fillSupplier, queryPostgres } from './rows.ts';

const OPERATIONS = { ...OF_A_SUPPLIER, ...SHARED_OPERATIONS };
const SKUS = 1500;
const FILES = 1000;

/**
 * What a statement may do, in rows that its plan handles: a few for each that it is about. A plan that reads the
 * whole catalogue for each line handles more than a hundred times as many.
 */
const ROWS_PER_SKU_MAX = 15;
const ROWS_MAX = 1000;

/** Operations on a large part of the catalogue. All others are about a few rows. */
const LARGE: readonly string[] = [
  'a thousand lines by sku_id',
  'a thousand lines by GTIN',
  'a thousand lines with both',
  'a thousand lines as of a time',
  'a snapshot',
  'an undo',
  'an undo of an undone batch',
  'a new catalogue',
  'a catalogue with other titles',
  'shared GTINs',
  'SKUs by quantity and time',
  'changes',
  'freshness',
];

const GROWING = ['skus', 'gtins', 'inventory', 'changes', 'feeds'];

const UNCOUNTED = { analyze: false };

/** How the tables were filled, and when statistics were gathered. The first supplier is the one that is tested. */
const FILL: Readonly<
  Record<string, (database: TestDatabase, ids: readonly number[]) => Promise<void>>
> = {
  'that are missing': (database, [tested = 0]) => fillSupplier(database, tested, SKUS, UNCOUNTED),
  'of an almost empty table': async (database, [tested = 0, other = 0]) => {
    await fillSupplier(database, other, 3);
    await fillSupplier(database, tested, SKUS, UNCOUNTED);
  },
  'from before the supplier had SKUs': async (database, [tested = 0, other = 0]) => {
    await fillSupplier(database, other, SKUS);
    await fillSupplier(database, tested, SKUS, UNCOUNTED);
  },
  'that are fresh': async (database, [tested = 0, other = 0]) => {
    await fillSupplier(database, other, SKUS, UNCOUNTED);
    await fillSupplier(database, tested, SKUS);
  },
};

describe.for(Object.keys(FILL))('with statistics %s', (state) => {
  let database: TestDatabase;
  let recorder: StatementRecorder;
  let target: Target;

  beforeAll(async () => {
    database = await postgresDatabase();
    await alterPostgres(database, NO_AUTOVACUUM);
    const quiet = await openTestStore(database);
    const ids = [await createSupplier(quiet, 'Tested'), await createSupplier(quiet, 'Other')];
    await FILL[state]?.(database, ids);
    await fillFiles(database, ids[0] ?? 0, FILES);
    await quiet.close();
    recorder = new StatementRecorder();
    target = await Target.of(await openTestStore(withPlanNotices(database)), ids[0] ?? 0);
  });

  afterAll(async () => {
    await target.store.close();
    recorder.stop();
    await database.remove();
  });

  test.for(Object.entries(OPERATIONS))('%s reads no more than its rows', async ([name, run]) => {
    recorder.take();
    await run(target);
    const rowsMax = LARGE.includes(name) ? SKUS * ROWS_PER_SKU_MAX : ROWS_MAX;
    const { runs } = recorder.take();
    expect(runs.filter(({ rowsHandled }) => rowsHandled > rowsMax)).toEqual([]);
    expect(runs.filter(({ scanned }) => scanned.some((name) => GROWING.includes(name)))).toEqual(
      [],
    );
  });
});

test('an import that makes the catalogue grow much gathers statistics, another does not', async () => {
  const database = await postgresDatabase();
  await alterPostgres(database, NO_AUTOVACUUM);
  const store = await openTestStore(database);
  await fillSupplier(database, await createSupplier(store, 'Acme'), 100, { analyze: false });
  const skusCounted = async () => {
    const sql = `SELECT reltuples AS count FROM pg_class WHERE oid = 'inventory'::regclass`;
    return (await queryPostgres<{ count: number }>(database, sql))[0]?.count;
  };
  await store.imported(100);
  expect(await skusCounted()).toBe(100);
  await fillSupplier(database, await createSupplier(store, 'Small'), 5, { analyze: false });
  await store.imported(5);
  expect(await skusCounted()).toBe(100);
  await store.close();
  await database.remove();
});

/** Statistics stay as they were gathered. */
const NO_AUTOVACUUM = `DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name); END LOOP;
  END $$`;
