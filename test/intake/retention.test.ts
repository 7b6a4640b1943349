import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RetentionSweeper, sweepTimes } from '../../src/intake/retention.ts';
import type { Store } from '../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let store: Store;

beforeEach(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
  await database.remove();
});

test('data is deleted only after its retention', async () => {
  const supplierId = await createSupplier(store, 'Acme');
  const failing = batchOf(supplierId, [{ skuId: 'NONE', fields: { quantityInStock: 1 } }]);
  const { uuid } = await applyOne(store, failing);
  const kept = { idempotencyKeptHours: 1, resultsKeptHours: 1 };
  const failures = async () => store.batches.failures(supplierId, uuid ?? '');

  await store.batches.sweep(sweepTimes(kept, Date.now()), 10);
  expect(await failures()).toHaveLength(1);
  await store.batches.sweep(sweepTimes(kept, Date.now() + HOUR_MS + 1), 10);
  expect(await failures()).toBeUndefined();
});

test('failed lines are kept at least as long as idempotency keys', () => {
  const times = (idempotencyKeptHours: number, resultsKeptHours: number) =>
    sweepTimes({ idempotencyKeptHours, resultsKeptHours }, 100 * HOUR_MS).failuresBeforeMs;
  expect([times(24, 48), times(24, 2)]).toEqual([52 * HOUR_MS, 76 * HOUR_MS]);
});

test('sweeps in steps while there is more, continues after an error, and stops', async () => {
  vi.useFakeTimers();
  const answers = [true, true, new Error('busy'), false];
  const asked: number[] = [];
  const failed: unknown[] = [];
  const expiredBefore: number[] = [];
  const sweeper = new RetentionSweeper({
    accounts: {
      deleteSessions: (expiredBeforeMs) => {
        expiredBefore.push(expiredBeforeMs);
        return Promise.resolve(false);
      },
    },
    batches: {
      sweep: async (_times, limit) => {
        asked.push(limit);
        const answer = answers[asked.length - 1] ?? false;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      trimResults: () => Promise.resolve(false),
    },
    changes: { dropBefore: () => Promise.resolve(false) },
    files: { sweep: () => Promise.resolve(false) },
    kept: {
      idempotencyKeptHours: 1,
      resultsKeptHours: 1,
      organizationFailedResultsBytesMax: 1,
      refusedFilesKeptHours: 1,
      changesKeptDays: 1,
      statisticsKeptDays: 1,
    },
    onFailure: (error) => failed.push(error),
  });
  sweeper.start();
  await vi.advanceTimersByTimeAsync(62_000);
  expect(asked).toEqual([500, 500, 500]);
  expect(Date.now() - (expiredBefore[0] ?? 0)).toBeGreaterThanOrEqual(7 * 24 * HOUR_MS);
  expect(failed).toEqual([answers[2]]);
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  expect(asked).toHaveLength(4);
  await sweeper.stop();
  await vi.advanceTimersByTimeAsync(60 * 60_000);
  expect(asked).toHaveLength(4);
});

test('counts the stored results of a supplier as soon as it has stored an eighth of its quota', async () => {
  const asked: unknown[] = [];
  const answers = [true, false, false];
  const sweeper = new RetentionSweeper({
    accounts: { deleteSessions: () => Promise.resolve(false) },
    batches: {
      sweep: () => Promise.resolve(false),
      trimResults: (quota) => {
        asked.push(quota);
        return Promise.resolve(answers[asked.length - 1] ?? false);
      },
    },
    changes: { dropBefore: () => Promise.resolve(false) },
    files: { sweep: () => Promise.resolve(false) },
    kept: {
      idempotencyKeptHours: 1,
      resultsKeptHours: 1,
      organizationFailedResultsBytesMax: 800,
      refusedFilesKeptHours: 1,
      changesKeptDays: 1,
      statisticsKeptDays: 1,
    },
    onFailure: (error) => asked.push(error),
  });
  sweeper.noteStored(1, 60);
  sweeper.noteStored(2, 60);
  expect(asked).toEqual([]);
  sweeper.noteStored(1, 60);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked).toEqual([
    { bytesMax: 800, supplierId: 1 },
    { bytesMax: 800, supplierId: 1 },
  ]);
  await sweeper.stop();
});
