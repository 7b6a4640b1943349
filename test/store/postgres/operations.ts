import type { BatchOptions } from '../../../src/domain/batches.ts';
import type { Store } from '../../../src/store/store.ts';
import { applyOne, batchOf, entry, importSkus, type Draft } from '../fixtures.ts';

const FAR_MS = Date.now() + 3_600_000;
const fields = { quantityInStock: 1 };
const breaker = { percentMax: 100, skusMin: 1 };

/** A supplier that `fillSupplier` has filled. */
export class Target {
  readonly store: Store;
  readonly supplierId: number;
  /** The UUID of its SKU `S7`. */
  readonly skuUuid: string;

  private constructor(store: Store, supplierId: number, skuUuid: string) {
    this.store = store;
    this.supplierId = supplierId;
    this.skuUuid = skuUuid;
  }

  static async of(store: Store, supplierId: number): Promise<Target> {
    const query = {
      supplierIds: [supplierId],
      filter: { skuId: 'S7' },
      from: { start: 0 },
      limit: 1,
    };
    const { skus } = await store.skus.list(query);
    return new Target(store, supplierId, skus[0]?.uuid ?? '');
  }

  apply(drafts: readonly Draft[], options: BatchOptions = {}) {
    return applyOne(this.store, { ...batchOf(this.supplierId, drafts), options });
  }

  list(filter: object, start = 0) {
    return this.store.skus.list({
      supplierIds: [this.supplierId],
      filter,
      from: { start },
      limit: 50,
    });
  }

  async lastBatch(): Promise<string> {
    const { batches } = await this.store.batches.list(this.supplierId, { start: 0, limit: 1 });
    return batches[0]?.uuid ?? '';
  }
}

const key = (text: string) => ({
  key: text,
  fingerprint: new TextEncoder().encode(text),
  requestId: text,
  expiresAtMs: FAR_MS,
});
const catalogue = (title: string) =>
  Array.from({ length: 500 }, (_, i) => {
    const inventory = { quantityInStock: i };
    return entry(`N${i}`, { product: { upca: '012345678905', title }, inventory });
  });

/** Every frequent operation, on one supplier. */
export const OPERATIONS: Readonly<Record<string, (on: Target) => Promise<unknown>>> = {
  'a line by sku_id': (on) => on.apply([{ skuId: 'S1', fields }]),
  'a thousand lines by sku_id': (on) =>
    on.apply(
      Array.from({ length: 1000 }, (_, i) => ({ skuId: `S${i}`, fields: { quantityInStock: 9 } })),
    ),
  'a thousand lines by GTIN': (on) =>
    on.apply(Array.from({ length: 1000 }, (_, i) => ({ gtins: [4_000_000_000_000 + i], fields }))),
  'a thousand lines with both': (on) =>
    on.apply(
      Array.from({ length: 1000 }, (_, i) => ({
        skuId: `S${i}`,
        gtins: [4_000_000_000_000 + i],
        fields,
      })),
    ),
  'a thousand lines as of a time': (on) =>
    on.apply(
      Array.from({ length: 1000 }, (_, i) => ({ skuId: `S${i}`, fields, asOfUs: 1000 * FAR_MS })),
    ),
  'lines with both': (on) => on.apply([{ skuId: 'S1', gtins: [4_000_000_000_001], fields }]),
  'a line with an unknown sku_id': (on) => on.apply([{ skuId: 'unknown', fields }]),
  'a line as of a time': (on) => on.apply([{ skuId: 'S1', fields, asOfUs: FAR_MS * 1000 }]),
  'a relative line': (on) => on.apply([{ skuId: 'S2', fields: {}, stockChange: 1 }]),
  'a batch with a key': (on) => on.apply([{ skuId: 'S3', fields }], { idempotency: key('k') }),
  'a batch sent again': (on) => on.apply([{ skuId: 'S3', fields }], { idempotency: key('k') }),
  'a batch with effects': (on) => on.apply([{ skuId: 'S4', fields }], { withEffects: true }),
  'a dry run': (on) => on.apply([{ skuId: 'S5', fields }], { dryRun: true }),
  'a snapshot': (on) =>
    on.apply([{ skuId: 'S6', fields }], {
      snapshot: { asOfUs: null, defaultSafetyLimit: breaker },
    }),
  'an undo': async (on) =>
    on.store.batches.revert({
      supplierId: on.supplierId,
      uuid: await on.lastBatch(),
      force: false,
      dryRun: false,
      userId: null,
    }),
  'an undo of an undone batch': async (on) => {
    const { batches: last } = await on.store.batches.list(on.supplierId, { start: 0, limit: 2 });
    const uuid = last.at(1)?.uuid ?? '';
    await on.store.batches.revert({
      supplierId: on.supplierId,
      uuid,
      force: false,
      dryRun: false,
      userId: null,
    });
  },
  'a new catalogue': (on) => importSkus(on.store, on.supplierId, catalogue('one')),
  'a catalogue with other titles': (on) => importSkus(on.store, on.supplierId, catalogue('other')),
  'shared GTINs': (on) => on.store.sharedGtins(on.supplierId, 0, 100),
  'a list': (on) => on.list({}),
  'a page deep in a list': (on) => on.list({}, 1500),
  'a SKU by sku_id': (on) => on.list({ skuId: 'S7' }),
  'a SKU by GTIN': (on) => on.list({ gtins: [4_000_000_000_007] }),
  'SKUs by title': (on) => on.list({ titlePrefix: 'Kettle 77' }),
  'SKUs by quantity and time': (on) =>
    on.list({ quantityInStockMin: 1, updatedSinceMs: 1, restrictions: null }),
  'a SKU by uuid': (on) => on.store.skus.find([on.supplierId], on.skuUuid),
  batches: (on) => on.store.batches.list(on.supplierId, { start: 0, limit: 50 }),
  'a batch': async (on) => on.store.batches.find(on.supplierId, await on.lastBatch()),
  'lines that failed': async (on) => on.store.batches.failures(on.supplierId, await on.lastBatch()),
  changes: (on) => on.store.changes.read(on.supplierId, 100, 500),
  'the history of a SKU': (on) =>
    on.store.changes.history({
      supplierIds: [on.supplierId],
      skuUuid: on.skuUuid,
      fromMs: null,
      toMs: null,
      beforeSequence: null,
      limit: 50,
    }),
  'a SKU at a past time': (on) => on.store.changes.inventoryAt([on.supplierId], on.skuUuid, 1000),
  freshness: (on) => on.store.changes.freshness(on.supplierId, Date.now()),
};

/** Frequent operations on all suppliers. */
export const SHARED_OPERATIONS: typeof OPERATIONS = {
  'the files to process': (on) => on.store.files.next(),
};
