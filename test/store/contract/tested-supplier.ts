import type { BatchOptions, BatchOutcome } from '../../../src/domain/batches.ts';
import type { OnhandError } from '../../../src/domain/errors.ts';
import type { Inventory } from '../../../src/domain/inventory.ts';
import type { Sku } from '../../../src/domain/sku.ts';
import type { SkuFilter, Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  entry,
  importSkus,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';
import { useOwnDatabase, useSharedStore, type ContractStore } from './contract-store.ts';

export const HOUR_MS = 3_600_000;
const DEFAULT_SAFETY_LIMIT = { percentMax: 50, skusMin: 100 };

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A line that sets the stock of a SKU. */
export const set = (
  skuId: string,
  quantityInStock: number | null,
  more: Partial<Draft> = {},
): Draft => ({ skuId, fields: { quantityInStock }, ...more });

export const statuses = (outcome: BatchOutcome): readonly number[] => [...outcome.statuses];

/** The options of a batch with an idempotency key. */
export const keyed = (
  key: string,
  request = 'r',
  expiresAtMs = Date.now() + HOUR_MS,
): BatchOptions => ({
  idempotency: {
    key,
    fingerprint: bytes(request),
    requestId: `id of ${request}`,
    expiresAtMs,
  },
  withEffects: true,
});

/** The options of a batch that sets the SKUs that it does not name to zero. */
export const snapshot = (asOfUs: number | null = null): BatchOptions => ({
  snapshot: { asOfUs, defaultSafetyLimit: DEFAULT_SAFETY_LIMIT },
});

interface Revert {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly among?: readonly string[];
}

/** The supplier of a test, in the store that the tests of a contract share. */
class TestedSupplier {
  readonly #tested: ContractStore;
  id = 0;
  name = '';

  constructor(createDatabase: () => Promise<TestDatabase>) {
    this.#tested = useSharedStore(createDatabase, (tested) => this.#begin(tested));
  }

  async #begin(tested: ContractStore): Promise<void> {
    ({ id: this.id, name: this.name } = await tested.newSupplier());
  }

  get database(): TestDatabase {
    return this.#tested.database;
  }

  get store(): Store {
    return this.#tested.store;
  }

  /** Gives each test of a describe a database of its own. */
  useOwnDatabase(): void {
    useOwnDatabase(this.#tested, (tested) => this.#begin(tested));
  }

  async reopen(): Promise<void> {
    await this.#tested.reopen();
  }

  async createOther(): Promise<number> {
    return (await this.#tested.newSupplier()).id;
  }

  /** Creates SKUs. */
  async stock(names: readonly string[], inventory: Partial<Inventory> = {}): Promise<void> {
    await importSkus(
      this.store,
      this.id,
      names.map((name) => entry(name, { inventory })),
    );
  }

  async skus(filter: SkuFilter = {}, supplierIds = [this.id]): Promise<readonly Sku[]> {
    const query = { supplierIds, filter, from: { start: 0 }, limit: 500 };
    return (await this.store.skus.list(query)).skus;
  }

  async inventoryOf(skuId: string): Promise<Inventory | undefined> {
    return (await this.skus({ skuId }))[0]?.inventory;
  }

  async stockOf(skuId: string): Promise<number | null | undefined> {
    return (await this.inventoryOf(skuId))?.quantityInStock;
  }

  async apply(drafts: readonly Draft[], options: BatchOptions = {}): Promise<BatchOutcome> {
    return applyOne(this.store, { ...batchOf(this.id, drafts), options });
  }

  /** Why a batch is refused. */
  async refusal(drafts: readonly Draft[], options: BatchOptions): Promise<OnhandError> {
    const [outcome] = await this.store.apply([{ ...batchOf(this.id, drafts), options }]);
    if (!(outcome instanceof Error)) throw new Error('the batch was not refused');
    return outcome;
  }

  async revert(uuid: string | null, more: Revert = {}) {
    const outcome = await this.store.batches.revert({
      supplierId: this.id,
      uuid: uuid ?? '',
      force: false,
      dryRun: false,
      userId: null,
      ...more,
    });
    if (outcome === undefined) throw new Error('there is no such batch');
    return outcome;
  }
}

/** Opens a store for the tests of a describe, with a new supplier for each. */
export function useSupplier(createDatabase: () => Promise<TestDatabase>): TestedSupplier {
  return new TestedSupplier(createDatabase);
}
