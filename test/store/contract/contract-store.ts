import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { createSupplier, openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';

/**
 * The store that the tests of a contract share, because opening and checking one for each test takes longer than
 * the tests. Each test has suppliers of its own.
 */
export class ContractStore {
  readonly #createDatabase: () => Promise<TestDatabase>;
  /** The shared store, and on top of it that of a test with a database of its own. */
  readonly #opened: { readonly database: TestDatabase; store: Store }[] = [];
  #supplierCount = 0;

  constructor(createDatabase: () => Promise<TestDatabase>) {
    this.#createDatabase = createDatabase;
  }

  get #current(): { readonly database: TestDatabase; store: Store } {
    const current = this.#opened.at(-1);
    if (current === undefined) throw new Error('no store is open');
    return current;
  }

  get database(): TestDatabase {
    return this.#current.database;
  }

  get store(): Store {
    return this.#current.store;
  }

  async newSupplier(): Promise<{ readonly id: number; readonly name: string }> {
    this.#supplierCount += 1;
    const name = `Supplier ${this.#supplierCount}`;
    return { id: await createSupplier(this.store, name), name };
  }

  async open(): Promise<void> {
    const database = await this.#createDatabase();
    this.#opened.push({ database, store: await openTestStore(database) });
  }

  async reopen(): Promise<Store> {
    await this.store.close();
    this.#current.store = await openTestStore(this.database);
    return this.store;
  }

  /** Closes the store and expects `onhand doctor` to find nothing wrong with its database. */
  async close(): Promise<void> {
    const { database, store } = this.#current;
    this.#opened.pop();
    await store.close();
    const problems = await problemsOf(database);
    await database.remove();
    expect(problems).toEqual([]);
  }
}

/** Opens a store for the tests of a describe; `begin` runs before each. */
export function useSharedStore(
  createDatabase: () => Promise<TestDatabase>,
  begin: (tested: ContractStore) => Promise<void>,
): ContractStore {
  const tested = new ContractStore(createDatabase);
  beforeAll(() => tested.open());
  beforeEach(() => begin(tested));
  afterAll(() => tested.close());
  return tested;
}

/** Gives each test of a describe a database of its own, for what concerns all suppliers of a database. */
export function useOwnDatabase(
  tested: ContractStore,
  begin: (tested: ContractStore) => Promise<void>,
): void {
  beforeEach(async () => {
    await tested.open();
    await begin(tested);
  });
  afterEach(() => tested.close());
}
