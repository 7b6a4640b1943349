import { expect } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { crashImage, openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';

/** A store that crashes and is opened again on the files that it left. Each time, `onhand doctor` checks them. */
export class CrashingStore {
  database: TestDatabase;
  store: Store;
  crashes = 0;

  private constructor(database: TestDatabase, store: Store) {
    this.database = database;
    this.store = store;
  }

  static async open(database: TestDatabase): Promise<CrashingStore> {
    return new CrashingStore(database, await openTestStore(database));
  }

  async crash(): Promise<Store> {
    const image = await crashImage(this.database);
    await this.close();
    this.database = image;
    expect(await problemsOf(image)).toEqual([]);
    this.store = await openTestStore(image);
    this.crashes += 1;
    return this.store;
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.database.remove();
  }
}
