import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { OnhandError } from '../../src/domain/errors.ts';
import { Intake } from '../../src/intake/intake.ts';
import { KeyedMutex } from '../../src/intake/keyed-mutex.ts';
import type { Batch } from '../../src/domain/batches.ts';
import type { Store } from '../../src/store/store.ts';
import {
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  testSettings,
  type TestDatabase,
} from '../store/fixtures.ts';

let database: TestDatabase;
let store: Store;
let supplierId: number;

beforeAll(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  supplierId = await createSupplier(store, 'Acme');
  await importSkus(store, supplierId, [entry('A', { inventory: { quantityInStock: 0 } })]);
});
afterAll(async () => {
  await store.close();
  await database.remove();
});

/** The store behind a door: batches wait there until it is opened. */
class Door implements Pick<Store, 'apply' | 'grouping'> {
  readonly grouping = { isShared: true, groupsMax: 2 };
  /** How many batches have come to it. */
  arrived = 0;
  readonly #opened = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  async apply(group: readonly Batch[]): ReturnType<Store['apply']> {
    this.arrived += group.length;
    this.#reached.resolve();
    await this.#opened.promise;
    return store.apply(group);
  }

  /** Resolves when the first batch has come. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}

let door: Door;
beforeEach(() => {
  door = new Door();
});

const intakeThat = (waitMs: number): Intake =>
  new Intake(door, testSettings(database), new KeyedMutex(waitMs));

let requests = 0;
/** One unit more of A, under a key. */
function batchWith(key: string): Batch {
  requests += 1;
  return {
    ...batchOf(supplierId, [{ skuId: 'A', fields: {}, stockChange: 1 }]),
    options: {
      idempotency: {
        key,
        fingerprint: Uint8Array.of(1),
        requestId: `request ${requests}`,
        expiresAtMs: Date.now() + 60_000,
      },
    },
  };
}

test('a batch waits for another with the same key and repeats its result', async () => {
  const intake = intakeThat(60_000);
  const first = intake.submit(batchWith('a'));
  await door.reached;
  const rest = [intake.submit(batchWith('a')), intake.submit(batchWith('a'))];
  const other = intake.submit(batchWith('b'));
  door.open();
  const [done, ...repeats] = await Promise.all([first, ...rest]);
  expect(done?.repeats).toBeNull();
  expect(repeats.map(({ uuid }) => uuid)).toEqual([done?.uuid, done?.uuid]);
  expect(repeats.every((outcome) => outcome.repeats?.startsWith('request '))).toBe(true);
  expect((await other).repeats).toBeNull();
});

test('a batch that waits too long is refused with Retry-After; the earlier one is applied', async () => {
  const intake = intakeThat(1);
  const first = intake.submit(batchWith('c'));
  await door.reached;
  const [late, later] = await Promise.allSettled([
    intake.submit(batchWith('c')),
    intake.submit(batchWith('c')),
  ]);
  for (const refused of [late, later]) {
    if (refused?.status !== 'rejected') throw new Error('it was let through');
    const error: unknown = refused.reason;
    if (!(error instanceof OnhandError)) throw error;
    expect([error.code, error.retryAfterSeconds]).toEqual(['request_in_progress', 5]);
  }
  expect(door.arrived).toBe(1);
  door.open();
  expect((await first).repeats).toBeNull();
  expect((await intake.submit(batchWith('c'))).uuid).toBe((await first).uuid);
});

test('a batch that comes after a refusal still waits its turn', async () => {
  const intake = intakeThat(60_000);
  door.open();
  const tooMuch: Batch = {
    ...batchWith('d'),
    options: {
      ...batchWith('d').options,
      confirmation: { code: 'x', fingerprint: Uint8Array.of(2) },
    },
  };
  await store.batches.setSafetyLimit(supplierId, { percentMax: 0, skusMin: 1 });
  const fall = batchOf(supplierId, [{ skuId: 'A', fields: { quantityInStock: 0 } }]);
  const refused = intake.submit({ ...tooMuch, lines: fall.lines });
  const next = intake.submit(batchWith('d'));
  await expect(refused).rejects.toMatchObject({ code: 'confirmation_invalid' });
  expect((await next).repeats).toBeNull();
});
