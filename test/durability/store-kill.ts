import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Settings } from '../../src/config.ts';
import { Random } from '../random.ts';
import { createSupplier, entry, importSkus, openTestStore, problemsOf } from '../store/fixtures.ts';
import type { TestDatabase } from '../store/fixtures.ts';

/** More than one block of adjacent SKUs. */
const SKUS = 1500;
const WRITER = fileURLToPath(new URL('store-writer.ts', import.meta.url));
const KILL_WITHIN_MS = 30;

/** How many changes the table may lack: swept in every batch, every few, and never while the store is open. */
const LACKING = [1, 300, 2000, 1_000_000];

/** Batches of more lines are written in slices, of two lines at least. */
const LARGE = [10, 300, 1_000_000];

/** A batch that the store's process reports: the SKUs from `first` on hold `value`. */
export interface WrittenBatch {
  readonly first: number;
  readonly count: number;
  readonly value: number;
}

export interface WriterTask {
  readonly url: string;
  readonly settings: Partial<Settings>;
  readonly skus: number;
  readonly seed: number;
  /** The value of the first batch; each later one is one more. */
  readonly value: number;
}

/** What the process of a store says: the batch that it begins, and whether its last one was committed. */
export type WriterMessage = { readonly begins: WrittenBatch } | { readonly isCommitted: true };

/** A database whose store is killed again and again, without a server. */
export class StoreKills {
  readonly #database: TestDatabase;
  readonly #supplierId: number;
  readonly #random: Random;
  readonly #held: number[] = Array<number>(SKUS).fill(0);
  #value = 1;

  private constructor(database: TestDatabase, supplierId: number, seed: number) {
    this.#database = database;
    this.#supplierId = supplierId;
    this.#random = new Random(seed);
  }

  static async prepare(database: TestDatabase, seed: number): Promise<StoreKills> {
    const store = await openTestStore(database);
    const supplierId = await createSupplier(store, 'Acme');
    const entries = Array.from({ length: SKUS }, (_, i) =>
      entry(`S${i}`, { inventory: { quantityInStock: 0 } }),
    );
    await importSkus(store, supplierId, entries);
    await store.close();
    return new StoreKills(database, supplierId, seed);
  }

  /** Kills a store that writes, then expects what it committed, and a database without problems. */
  async round(): Promise<void> {
    const random = this.#random;
    const task: WriterTask = {
      url: this.#database.url,
      settings: { recentChangesMax: random.pick(LACKING), largeBatchLines: random.pick(LARGE) },
      skus: SKUS,
      seed: random.below(1_000_000),
      value: this.#value,
    };
    const begun = await killed(task, random.below(40), random.below(KILL_WITHIN_MS));
    expect(await problemsOf(this.#database)).toEqual([]);
    const store = await openTestStore(this.#database, {
      recentChangesMax: random.pick(LACKING),
    });
    try {
      const held: (number | null)[] = [];
      for (const start of [0, 500, 1000]) {
        const page = { supplierIds: [this.#supplierId], filter: {}, limit: 500 };
        const { skus } = await store.skus.list({ ...page, from: { start } });
        held.push(...skus.map(({ inventory }) => inventory.quantityInStock));
      }
      this.#settle(begun, held);
      expect(held).toEqual(this.#held);
    } finally {
      await store.close();
    }
  }

  /** Applies what was committed; the last batch may have been, without saying so. */
  #settle(
    begun: readonly { readonly batch: WrittenBatch; readonly isCommitted: boolean }[],
    held: readonly (number | null)[],
  ): void {
    for (const { batch, isCommitted } of begun) {
      this.#value = batch.value + 1;
      if (isCommitted || held[batch.first] === batch.value) {
        this.#held.fill(batch.value, batch.first, batch.first + batch.count);
      }
    }
  }
}

/** The batches that a store began before it was killed, after a number of commits and some milliseconds. */
async function killed(task: WriterTask, commits: number, afterMs: number) {
  const begun: { readonly batch: WrittenBatch; isCommitted: boolean }[] = [];
  const child = fork(WRITER, [], { stdio: 'ignore' });
  let left = commits;
  const reached = Promise.withResolvers<undefined>();
  const exited = once(child, 'exit');
  child.on('message', (message: WriterMessage) => {
    if ('begins' in message) {
      begun.push({ batch: message.begins, isCommitted: false });
      return;
    }
    const last = begun.at(-1);
    if (last !== undefined) last.isCommitted = true;
    left -= 1;
    if (left <= 0) reached.resolve(undefined);
  });
  child.send(task);
  await Promise.race([reached.promise, exited]);
  expect(child.exitCode, 'the store ended by itself').toBeNull();
  await delay(afterMs);
  child.kill('SIGKILL');
  await exited;
  return begun;
}
