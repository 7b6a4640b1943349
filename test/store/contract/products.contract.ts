import { describe, expect, test } from 'vitest';
import type { SkuFilter, Store } from '../../../src/store/store.ts';
import { entry, importSkus, type TestDatabase } from '../fixtures.ts';
import { useSharedStore } from './contract-store.ts';

const LONG = 'A very long title that goes beyond what the index of titles holds';

/** What a store does with titles and other product data of SKUs. */
export function describeProducts(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`a ${kind} store's products`, () => {
    let store: Store;
    let supplierId: number;

    const tested = useSharedStore(createDatabase, async (begun) => {
      ({ store } = begun);
      ({ id: supplierId } = await begun.newSupplier());
    });

    const found = async (filter: SkuFilter, supplierIds = [supplierId]) => {
      const query = { supplierIds, filter, from: { start: 0 }, limit: 9 };
      const page = await store.skus.list(query);
      expect(page.totalCount).toBe(page.skus.length);
      return page.skus.map((sku) => sku.skuId);
    };

    test('filter SKUs by what their title begins with, whatever the case of A to Z', async () => {
      await importSkus(store, supplierId, [
        titled('kettle', 'Kettle 1 l'),
        titled('upper', 'KETTLE 2 L'),
        titled('lid', 'Lid of a kettle'),
        titled('percent', '100% cotton_towel'),
        titled('umlaut', 'Öltuch'),
        titled('long', `${LONG} 1`),
        titled('last', '\u{10FFFF}\u{10FFFF}z'),
        titled('untitled', null),
      ]);
      expect(await found({ titlePrefix: 'kettle' })).toEqual(['kettle', 'upper']);
      expect(await found({ titlePrefix: 'KETTLE 1 l' })).toEqual(['kettle']);
      expect(await found({ titlePrefix: 'kettle 1 l and more' })).toEqual([]);
      expect(await found({ titlePrefix: '100%' })).toEqual(['percent']);
      expect(await found({ titlePrefix: '100_' })).toEqual([]);
      expect(await found({ titlePrefix: 'Öl' })).toEqual(['umlaut']);
      expect(await found({ titlePrefix: 'öl' })).toEqual([]);
      expect(await found({ titlePrefix: LONG })).toEqual(['long']);
      expect(await found({ titlePrefix: `${LONG} 2` })).toEqual([]);
      expect(await found({ titlePrefix: '\u{10FFFF}' })).toEqual(['last']);
      expect(await found({ titlePrefix: '\uD7FF' })).toEqual([]);
      expect(await found({ titlePrefix: 'a\0' })).toEqual([]);
    });

    test('change the product data that is given, and nothing else, as a batch of its own', async () => {
      await importSkus(store, supplierId, [
        entry('a', {
          product: { title: 'Jug', ean13: '4006381333931', asin: 'B0' },
          inventory: { quantityInStock: 3 },
        }),
      ]);
      await store.applyCatalogue({
        supplierId,
        userId: null,
        source: 'update',
        existing: 'update',
        entries: [entry('a', { product: { title: 'Mug', ean13: '5901234123457', asin: null } })],
      });
      expect(await found({ titlePrefix: 'jug' })).toEqual([]);
      expect(await found({ titlePrefix: 'mug', gtins: [5_901_234_123_457] })).toEqual(['a']);
      expect(await found({ gtins: [4_006_381_333_931] })).toEqual([]);
      expect(await found({ quantityInStockMin: 3, quantityInStockMax: 3 })).toEqual(['a']);
      const { batches } = await store.batches.list(supplierId, { start: 0, limit: 1 });
      expect(batches[0]).toMatchObject({ source: 'update', lineCount: 1, changedCount: 0 });
    });

    test('combine the filter by title with others', async () => {
      await importSkus(store, supplierId, [
        entry('a', {
          product: { title: 'Jug', ean13: '4006381333931' },
          inventory: { quantityInStock: 1 },
        }),
        entry('b', { product: { title: 'Jug' }, inventory: { quantityInStock: 2 } }),
      ]);
      expect(await found({ titlePrefix: 'jug', quantityInStockMin: 2 })).toEqual(['b']);
      expect(await found({ titlePrefix: 'jug', skuId: 'a' })).toEqual(['a']);
      expect(await found({ titlePrefix: 'mug', skuId: 'a' })).toEqual([]);
      expect(await found({ titlePrefix: 'jug', gtins: [4_006_381_333_931] })).toEqual(['a']);
      expect(await found({ titlePrefix: 'mug', gtins: [4_006_381_333_931] })).toEqual([]);
    });

    test('filter by title among several suppliers, and page through what is found', async () => {
      const { id: other } = await tested.newSupplier();
      await importSkus(store, other, [titled('other', 'Pot')]);
      await importSkus(store, supplierId, [titled('a', 'pot 1'), titled('b', 'POT 2')]);
      expect(await found({ titlePrefix: 'pot' }, [supplierId, other])).toEqual(['a', 'b', 'other']);
      const page = await store.skus.list({
        supplierIds: [supplierId, other],
        filter: { titlePrefix: 'pot' },
        from: { start: 1 },
        limit: 1,
      });
      expect(page.skus.map(({ skuId }) => skuId)).toEqual(['b']);
      expect(page).toMatchObject({ totalCount: 3, hasMore: true });
    });
  });
}

function titled(skuId: string, title: string | null) {
  return entry(skuId, { product: { title } });
}
