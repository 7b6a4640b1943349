import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import { applyOne, batchOf, entry, importSkus, type TestDatabase } from '../fixtures.ts';
import { useSupplier } from './tested-supplier.ts';

const UPCA = 12_345_678_905;
const ISBN = 9_780_306_406_157;

/** The contract of catalogues. */
export function describeCatalogues(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`catalogues on a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('applying a catalogue', () => {
      test('creates, updates or leaves each SKU, and reports which', async () => {
        const first = await importSkus(supplier.store, supplier.id, [
          entry('a', {
            product: { upca: '012345678905', title: 'Kettle' },
            inventory: { quantityInStock: 1 },
          }),
          entry('b', { product: { condition: 'new', unitsBundled: 2 } }),
        ]);
        expect(first.entries.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
        const second = await importSkus(supplier.store, supplier.id, [
          entry('b', { product: { condition: 'new' } }),
          entry('a', { product: { title: null, mpn: 'K-1' }, inventory: { restrictions: 1 } }),
          entry('c'),
        ]);
        expect(second.entries.map(({ outcome }) => outcome)).toEqual([
          'unchanged',
          'updated',
          'created',
        ]);
        const [a, b, c] = await supplier.skus();
        expect([a?.skuId, b?.skuId, c?.skuId]).toEqual(['a', 'b', 'c']);
        expect(a?.product).toMatchObject({ upca: '012345678905', title: null, mpn: 'K-1' });
        expect(a?.inventory).toEqual({ ...NOTHING_KNOWN, quantityInStock: 1, restrictions: 1 });
        expect(b?.product).toMatchObject({ condition: 'new', unitsBundled: 2 });
        expect(second.entries[0]?.uuid).toBe(b?.uuid);
      });

      test('refuses existing SKUs without changing them, if requested', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { title: 'Kettle' } }),
        ]);
        const before = await supplier.skus();
        const outcome = await supplier.store.applyCatalogue({
          supplierId: supplier.id,
          source: 'create',
          userId: null,
          existing: 'refuse',
          entries: [
            entry('a', { product: { title: 'Other' }, inventory: { quantityInStock: 9 } }),
            entry('b'),
          ],
        });
        expect(outcome.entries.map((made) => made.outcome)).toEqual(['refused', 'created']);
        expect((await supplier.skus())[0]).toEqual(before[0]);
      });

      test('records no batch if every entry is refused', async () => {
        await importSkus(supplier.store, supplier.id, [entry('a')]);
        const batches = () => supplier.store.batches.list(supplier.id, { start: 0, limit: 10 });
        const before = await batches();
        const outcome = await supplier.store.applyCatalogue({
          supplierId: supplier.id,
          source: 'create',
          userId: null,
          existing: 'refuse',
          entries: [entry('a')],
        });
        expect(outcome.batchUuid).toBeNull();
        expect(await batches()).toEqual(before);
      });

      test('a SKU is found by its new GTINs after they change', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
        ]);
        await importSkus(supplier.store, supplier.id, [entry('a', { product: { upca: null } })]);
        const fields = { quantityInStock: 1 };
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { gtins: [UPCA], fields },
            { gtins: [ISBN], fields },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 200]);
      });

      test('SKUs with the same item_id share an item, others have their own', async () => {
        const itemUuid = '2f7c1f0e-6f3a-4c53-9a53-0d9f6b3a9d11';
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { itemId: 'shirt' } }),
          entry('b', { product: { itemId: 'shirt' } }),
          entry('c'),
          entry('d'),
          entry('e', { itemUuid: itemUuid }),
        ]);
        const items = (await supplier.skus()).map((sku) => sku.itemUuid);
        expect(items[0]).toBe(items[1]);
        expect(new Set(items).size).toBe(4);
        expect(items[4]).toBe(itemUuid);
      });

      test('lists GTINs of several SKUs, page by page', async () => {
        const other = await supplier.createOther();
        await importSkus(supplier.store, other, [
          entry('x', { product: { upca: '012345678905' } }),
        ]);
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905', ean13: '4006381333931' } }),
          entry('b', { product: { gtin14: '00012345678905' } }),
          entry('c', { product: { ean13: '4006381333931' } }),
          entry('d', { product: { isbn: '0306406152' } }),
        ]);
        const first = await supplier.store.sharedGtins(supplier.id, 0, 1);
        expect(first).toEqual([{ gtin: UPCA, skuIds: ['a', 'b'] }]);
        expect(await supplier.store.sharedGtins(supplier.id, UPCA, 10)).toEqual([
          { gtin: 4_006_381_333_931, skuIds: ['a', 'c'] },
        ]);
      });
    });
  });
}
