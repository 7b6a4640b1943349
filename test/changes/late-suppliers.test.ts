import { afterEach, beforeEach, expect, test } from 'vitest';
import { LateSuppliers } from '../../src/changes/late-suppliers.ts';
import type { Store } from '../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

let database: TestDatabase;
let store: Store;
let nowMs: number;
let told: string[];
let late: LateSuppliers;

beforeEach(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  nowMs = Date.now();
  told = [];
  late = new LateSuppliers({
    batches: store.batches,
    now: () => nowMs,
    onLate: ({ name }) => told.push(`${name} is late`),
    onHeard: ({ name }) => told.push(`${name} has reported`),
    onFailure: (error) => told.push(String(error)),
  });
});
afterEach(async () => {
  await store.close();
  await database.remove();
});

const checked = async (afterMinutes: number): Promise<readonly string[]> => {
  nowMs += afterMinutes * 60_000;
  told = [];
  await late.check();
  return told;
};

test('a late supplier is logged once, its next report is logged once, and then it can be late again', async () => {
  const acme = await createSupplier(store, 'Acme');
  await createSupplier(store, 'Bolt');
  const report = () => applyOne(store, batchOf(acme, []));
  await report();
  expect(await checked(61)).toEqual([]);
  await store.changes.setExpectedInterval(acme, 60);
  expect(await checked(0)).toEqual(['Acme is late']);
  expect(await checked(1)).toEqual([]);
  await report();
  nowMs = Date.now();
  expect(await checked(0)).toEqual(['Acme has reported']);
  expect(await checked(59)).toEqual([]);
  expect(await checked(2)).toEqual(['Acme is late']);
  // A supplier that is no longer expected to report is forgotten.
  await store.changes.setExpectedInterval(acme, null);
  expect(await checked(1)).toEqual([]);
  await store.changes.setExpectedInterval(acme, 60);
  expect(await checked(1)).toEqual(['Acme is late']);
});

test('a supplier that never reported is late, unless its organization is disabled', async () => {
  const acme = await createSupplier(store, 'Acme');
  await store.changes.setExpectedInterval(acme, 60);
  await store.accounts.setOrganizationDisabled(acme, true);
  expect(await checked(0)).toEqual([]);
  await store.accounts.setOrganizationDisabled(acme, false);
  expect(await checked(0)).toEqual(['Acme is late']);
});

test('a check that fails is reported, and the next one tries again', async () => {
  const lateSuppliers = new LateSuppliers({
    batches: { expectedReports: () => Promise.reject(new Error('busy')) },
    now: () => 0,
    onLate: () => undefined,
    onHeard: () => undefined,
    onFailure: (error) => told.push(String(error)),
  });
  await lateSuppliers.check();
  expect(told).toEqual(['Error: busy']);
});
