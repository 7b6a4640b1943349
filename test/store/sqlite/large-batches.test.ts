import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Batch, BatchOptions, RevertRequest } from '../../../src/domain/batches.ts';
import { Instruments } from '../../../src/metrics/instruments.ts';
import { measuredStore } from '../../../src/metrics/measured-store.ts';
import { Recorder } from '../../../src/metrics/recorder.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../fixtures.ts';

/** A batch of more lines is written in slices of two. */
const LARGE = 10;
const SKUS = Array.from({ length: 60 }, (_, i) => `sku-${i}`);
const EXPIRES_AT_MS = Date.now() + 3_600_000;

let database: TestDatabase;
let store: Store;
let large: number;
let small: number;

beforeEach(async () => {
  database = { ...(await sqliteDatabase()), settings: { largeBatchLines: LARGE } };
  store = await openTestStore(database);
  large = await createSupplier(store, 'Large');
  small = await createSupplier(store, 'Small');
  await importSkus(
    store,
    large,
    SKUS.map((skuId) => entry(skuId, { inventory: { quantityInStock: 1 } })),
  );
  await importSkus(store, small, [entry('x')]);
});
afterEach(async () => {
  await store.close();
  await database.remove();
});

/** A batch that sets the stock of all SKUs. */
function batch(quantityInStock: number, options: BatchOptions = {}): Batch {
  const lines = SKUS.map((skuId) => ({ skuId, fields: { quantityInStock } }));
  return { ...batchOf(large, lines), options };
}

function withKey(key: string, named = key): BatchOptions {
  const fingerprint = new TextEncoder().encode(named);
  return { idempotency: { key, fingerprint, requestId: key, expiresAtMs: EXPIRES_AT_MS } };
}

async function quantities(of: Store = store): Promise<ReadonlySet<number | null>> {
  const page = { supplierIds: [large], filter: {}, from: { start: 0 }, limit: 500 };
  const { skus } = await of.skus.list(page);
  return new Set(skus.map(({ inventory }) => inventory.quantityInStock));
}

function revertOf(uuid: string | null, dryRun = false): RevertRequest {
  return { supplierId: large, userId: null, uuid: uuid ?? '', force: false, dryRun };
}

function revert(uuid: string | null, dryRun = false) {
  return store.batches.revert(revertOf(uuid, dryRun));
}

function onFile(work: (db: Sqlite.Database) => void): void {
  const db = new Sqlite(database.url.replace(/^sqlite:/, ''));
  try {
    work(db);
  } finally {
    db.close();
  }
}

/** How many changes are beyond their supplier's last sequence. */
function stagedChanges(): number {
  let count = 0;
  onFile((db) => {
    count = Number(
      db
        .prepare<[], number>(
          'SELECT count(*) FROM changes JOIN suppliers ON id = supplier_id WHERE sequence > last_sequence',
        )
        .pluck()
        .get(),
    );
  });
  return count;
}

/** What ends first: the work, or a batch of another supplier that was sent after it. */
async function firstOf(work: Promise<unknown>): Promise<string> {
  const other = applyOne(store, batchOf(small, [{ skuId: 'x', fields: { quantityInStock: 1 } }]));
  const first = await Promise.race([work.then(() => 'the work'), other.then(() => 'the other')]);
  await Promise.all([work, other]);
  return first;
}

describe("another supplier's batch, sent later, is committed before", () => {
  test('a large batch', async () => {
    expect(await firstOf(store.apply([batch(2)]))).toBe('the other');
    expect(await quantities()).toEqual(new Set([2]));
  });

  test('a dry run of a large batch', async () => {
    // Lines of unknown SKUs, so that deciding takes many steps though nothing is written.
    const unknown = Array.from({ length: 30_000 }, (_, i) => ({
      skuId: `unknown-${i}`,
      fields: { quantityInStock: 2 },
    }));
    const lines = [...SKUS.map((skuId) => ({ skuId, fields: { quantityInStock: 2 } })), ...unknown];
    const dryRun = store.apply([
      { ...batchOf(large, lines), options: { dryRun: true, withEffects: true } },
    ]);
    expect(await firstOf(dryRun)).toBe('the other');
    const [outcome] = await dryRun;
    expect(outcome).toMatchObject({ uuid: null, effects: { size: SKUS.length } });
    expect(await quantities()).toEqual(new Set([1]));
  });

  test('the undo of a large batch', async () => {
    const { uuid } = await applyOne(store, batch(2));
    expect(await firstOf(revert(uuid))).toBe('the other');
    expect(await quantities()).toEqual(new Set([1]));
  });
});

describe('a dry run of a large batch', () => {
  const lines = SKUS.slice(0, 2 * LARGE).map((skuId) => ({
    skuId,
    fields: { quantityInStock: 0 },
  }));

  test('counts the SKUs that a snapshot would set to zero', async () => {
    const snapshot = { asOfUs: null, defaultSafetyLimit: { percentMax: 100, skusMin: 1 } };
    const options = { snapshot, dryRun: true };
    const outcome = await applyOne(store, { ...batchOf(large, lines), options });
    expect(outcome).toMatchObject({ uuid: null, zeroedCount: SKUS.length - lines.length });
    expect(await quantities()).toEqual(new Set([1]));
  });

  test('rejects an invalid confirmation code and does not use up a valid one', async () => {
    await store.batches.setSafetyLimit(large, { percentMax: 1, skusMin: 1 });
    const fingerprint = new TextEncoder().encode('request');
    const code = await store.batches.confirm(large, fingerprint, EXPIRES_AT_MS);
    const apply = async (options: BatchOptions) =>
      (await store.apply([{ ...batchOf(large, lines), options }]))[0];
    const invalid = { confirmation: { code: 'other', fingerprint }, dryRun: true };
    expect(await apply(invalid)).toMatchObject({ code: 'confirmation_invalid' });
    const confirmation = { code, fingerprint };
    expect(await apply({ confirmation, dryRun: true })).not.toBeInstanceOf(Error);
    expect(await apply({ confirmation })).not.toBeInstanceOf(Error);
  });
});

test('readers see all of a large batch or nothing', async () => {
  const over = new AbortController();
  const work = store.apply([batch(2)]).finally(() => over.abort());
  while (!over.signal.aborted) {
    const [held, changes, heads] = await Promise.all([
      quantities(),
      store.changes.read(large, SKUS.length, 100),
      store.changes.heads([large]),
    ]);
    expect(held.size).toBe(1);
    expect([0, SKUS.length]).toContain(changes.length);
    expect([1, 2]).toContain((heads.get(large)?.lastSequence ?? 0) / SKUS.length);
  }
  await work;
  expect(stagedChanges()).toBe(0);
});

test('batches and undos of a supplier take effect in the order in which they were sent, large ones included', async () => {
  const first = store.apply([batch(2, { withEffects: true })]);
  const second = store.apply([batch(3, { withEffects: true })]);
  const single = store.apply([
    {
      ...batchOf(large, [{ skuId: 'sku-0', fields: { quantityInStock: 4 } }]),
      options: { withEffects: true },
    },
  ]);
  const befores = (await Promise.all([first, second, single])).map(([outcome]) =>
    outcome instanceof Error ? outcome : outcome?.effects.get(0)?.before.quantityInStock,
  );
  expect(befores).toEqual([1, 2, 3]);
});

describe('a large batch that was interrupted', () => {
  /** As a kill leaves it: its changes are appended, and its row is not. The kill runs do that for real. */
  beforeEach(async () => {
    await store.close();
    onFile((db) => {
      db.exec(`INSERT INTO changes (supplier_id, sequence, sku_number, previous_sequence, batch_number,
          before_quantity_in_stock, after_quantity_in_stock)
        SELECT supplier_id, sequence + ${SKUS.length}, sku_number, sequence, 2, 1, 2 FROM changes
          WHERE supplier_id = ${large};
        UPDATE suppliers SET staged_sequence = 2 * ${SKUS.length} WHERE id = ${large}`);
    });
    store = await openTestStore(database);
  });

  test('leaves nothing that a reader or onhand doctor sees', async () => {
    expect(stagedChanges()).toBeGreaterThan(0);
    expect(await quantities()).toEqual(new Set([1]));
    expect(await store.changes.read(large, SKUS.length, 100)).toEqual([]);
    expect(await problemsOf(database)).toEqual([]);
  });

  test.for([
    ['a small batch', LARGE],
    ['another large batch', SKUS.length],
  ] as const)('does not disturb %s', async ([, count]) => {
    const skuIds = SKUS.slice(0, count);
    const lines = skuIds.map((skuId) => ({ skuId, fields: { quantityInStock: 5 } }));
    await applyOne(store, batchOf(large, lines));
    const changes = await store.changes.read(large, SKUS.length, 100);
    expect(changes.map(({ after }) => after.quantityInStock)).toEqual(skuIds.map(() => 5));
    expect(stagedChanges()).toBe(0);
    expect(await problemsOf(database)).toEqual([]);
  });

  test('is applied once when it is sent again with its key, and then repeated', async () => {
    const again = await applyOne(store, batch(2, withKey('k')));
    expect(again.repeats).toBeNull();
    const repeated = await applyOne(store, batch(2, withKey('k')));
    expect(repeated).toMatchObject({ uuid: again.uuid, repeats: 'k' });
    expect(await store.changes.read(large, SKUS.length, 100)).toHaveLength(SKUS.length);
  });
});

test('a large batch is decided anew if another process changes its supplier meanwhile', async () => {
  await store.close();
  store = await openTestStore(database, { busyTimeoutMs: 60_000 });
  const db = new Sqlite(database.url.replace(/^sqlite:/, ''));
  db.exec(`BEGIN IMMEDIATE;
    UPDATE suppliers SET breaker_percent_max = 1, breaker_skus_min = 1 WHERE id = ${large}`);
  const work = store.apply([batch(0)]);
  // Meanwhile it is decided, for which it needs no lock.
  for (let read = 0; read < 5; read += 1) await quantities();
  db.exec('COMMIT');
  db.close();
  const [outcome] = await work;
  expect(outcome).toMatchObject({ code: 'breaker_tripped' });
  expect(await quantities()).toEqual(new Set([1]));
  expect(stagedChanges()).toBe(0);
});

test('a store that is closed first finishes a large batch and what waits for it', async () => {
  const works = [store.apply([batch(2)]), store.apply([batch(3)])];
  await store.close();
  for (const [outcome] of await Promise.all(works)) expect(outcome).not.toBeInstanceOf(Error);
  store = await openTestStore(database);
  expect(await quantities()).toEqual(new Set([3]));
});

test('an undo names at most a thousand SKUs of each kind; it and the metrics count all', async () => {
  const entries = Array.from({ length: 1200 }, (_, i) => entry(`more-${i}`));
  await importSkus(store, large, entries);
  const lines = entries.map(({ skuId }) => ({ skuId, fields: { quantityInStock: 9 } }));
  const { uuid } = await applyOne(store, batchOf(large, lines));
  const outcome = await revert(uuid, true);
  expect(outcome?.counts).toEqual({ reverted: 1200, moved_on: 0, confirmed: 0 });
  expect(outcome?.skus).toHaveLength(1000);
  expect(outcome?.uuid).toBeNull();

  const instruments = new Instruments();
  const measured = measuredStore(store, new Recorder(instruments));
  await measured.batches.revert(revertOf(uuid));
  const { text } = await instruments.print();
  expect(text).toContain('onhand_lines_total{result="applied",source="revert"} 1200\n');
});
