import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import { applyOne, batchOf, entry, importSkus, succeeded, type TestDatabase } from '../fixtures.ts';
import type { SkuFilter } from '../../../src/store/store.ts';
import { useSupplier } from './tested-supplier.ts';

const UPCA = 12_345_678_905;
const ISBN = 9_780_306_406_157;

/** The contract of inventory: applying lines and reading SKUs. */
export function describeInventory(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`inventory of a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('applying lines', () => {
      test('sets the fields of a line and leaves the others', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { inventory: { quantityInStock: 3, restrictions: 2 } }),
        ]);
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'a', fields: { quantityInStock: 512, backorderDate: 20_270_131 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([200]);
        expect(await supplier.inventoryOf('a')).toEqual({
          quantityInStock: 512,
          quantityOnBackorder: null,
          backorderDate: 20_270_131,
          restrictions: 2,
        });
      });

      test('sets null, and stores the largest quantity exactly', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { inventory: { quantityInStock: 3 } }),
        ]);
        await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'a', fields: { quantityInStock: null, quantityOnBackorder: 2_147_483_647 } },
          ]),
        );
        expect(await supplier.inventoryOf('a')).toEqual({
          ...NOTHING_KNOWN,
          quantityOnBackorder: 2_147_483_647,
        });
      });

      test('applies lines for one SKU in order', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905' } }),
        ]);
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'a', fields: { quantityInStock: 1, quantityOnBackorder: 9 } },
            { gtins: [UPCA], fields: { quantityInStock: 2 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([200, 200]);
        expect(await supplier.inventoryOf('a')).toEqual({
          ...NOTHING_KNOWN,
          quantityInStock: 2,
          quantityOnBackorder: 9,
        });
      });

      test('a line that matches no SKU does not affect others', async () => {
        await importSkus(supplier.store, supplier.id, [entry('a')]);
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'missing', fields: { quantityInStock: 1 } },
            { skuId: 'a', fields: { quantityInStock: 2 } },
            { gtins: [UPCA], fields: { quantityInStock: 3 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 200, 404]);
        expect(await supplier.inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 2 });
      });

      test('a line matches only a SKU that has all its identifiers', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
          entry('b', { product: { ean13: '4006381333931' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'a', gtins: [UPCA], fields },
            { skuId: 'a', gtins: [UPCA, ISBN], fields },
            { gtins: [UPCA, ISBN], fields },
            { skuId: 'b', gtins: [UPCA], fields },
            { gtins: [UPCA, 4_006_381_333_931], fields },
          ]),
        );
        expect([...outcome.statuses]).toEqual([200, 200, 200, 404, 404]);
        expect([...outcome.details]).toEqual([[3, { kind: 'misfit', gtins: [UPCA] }]]);
      });

      test('a line whose sku_id counts first is applied, and its other identifiers are named', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
          entry('b', { product: { ean13: '4006381333931' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const batch = batchOf(supplier.id, [
          { skuId: 'a', gtins: [UPCA, ISBN], fields },
          { skuId: 'b', gtins: [UPCA, 4_006_381_333_931], fields },
          { skuId: 'missing', gtins: [UPCA], fields },
          { gtins: [UPCA, 4_006_381_333_931], fields },
        ]);
        const { statuses, details } = await applyOne(supplier.store, {
          ...batch,
          options: { ...batch.options, skuIdFirst: true },
        });
        expect([...statuses]).toEqual([200, 200, 404, 404]);
        expect([...details]).toEqual([[1, { kind: 'misfit', gtins: [UPCA] }]]);
        expect(await supplier.inventoryOf('b')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 1 });
      });

      test('details that are long arrive unchanged, whatever kinds and names are in them', async () => {
        // The text looks like the end of one detail and the beginning of the next.
        const [a, b] = ['"}],[}],[{"kind":', 'b'];
        await importSkus(supplier.store, supplier.id, [
          entry(a, { product: { upca: '012345678905' } }),
          entry(b, { product: { upca: '012345678905' } }),
        ]);
        const rounds = 1000;
        const fields = { quantityInStock: 1 };
        const lines = Array.from({ length: rounds }, () => [
          { skuId: a, gtins: [ISBN], fields },
          { gtins: [UPCA], fields },
          { skuId: b, fields, expectedQuantity: 7 },
        ]).flat();
        const { details } = await applyOne(supplier.store, batchOf(supplier.id, lines));
        const ofRound = [
          { kind: 'misfit', gtins: [ISBN] },
          { kind: 'ambiguous', skuIds: [a, b] },
          { kind: 'unexpected', quantityInStock: null },
        ] as const;
        const all = Array.from({ length: rounds }, () => ofRound).flat();
        expect(details).toEqual(new Map(all.entries()));
      });

      test('an unknown sku_id gives way to the first alternative that exists', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905' } }),
          entry('b', { product: { isbn: '0306406152' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const batch = batchOf(supplier.id, [
          { skuId: 'x', alternatives: ['y', 'a', 'b'], fields },
          { skuId: 'x', alternatives: ['b'], gtins: [ISBN], fields },
          { skuId: 'b', alternatives: ['a'], gtins: [UPCA], fields },
          { skuId: 'x', alternatives: ['y'], fields },
          { skuId: 'x', fields },
        ]);
        const [outcome, joined] = (await supplier.store.apply([batch, batch])).map(succeeded);
        expect([...(outcome?.statuses ?? [])]).toEqual([200, 200, 404, 404, 404]);
        expect([...(joined?.statuses ?? [])]).toEqual([200, 200, 404, 404, 404]);
        expect((await supplier.skus()).map(({ inventory }) => inventory.quantityInStock)).toEqual([
          1, 1,
        ]);
      });

      test('a GTIN of several SKUs is ambiguous: the line lists at most five and is not applied', async () => {
        const names = ['s1', 's2', 's3', 's4', 's5', 's6', 's7'];
        await importSkus(
          supplier.store,
          supplier.id,
          names.map((name) => entry(name, { product: { upca: '012345678905' } })),
        );
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { gtins: [UPCA], fields: { quantityInStock: 1 } },
            { skuId: 's2', gtins: [UPCA], fields: { quantityInStock: 5 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([422, 200]);
        expect([...outcome.details]).toEqual([
          [0, { kind: 'ambiguous', skuIds: names.slice(0, 5) }],
        ]);
        expect((await supplier.skus()).map((sku) => sku.inventory.quantityInStock)).toEqual([
          null,
          5,
          null,
          null,
          null,
          null,
          null,
        ]);
      });

      test('compares a sku_id code point by code point', async () => {
        const composed = 'caf\u00e9';
        const decomposed = 'cafe\u0301';
        await importSkus(supplier.store, supplier.id, [
          entry(composed),
          entry('A'),
          entry('😀'),
          entry(' padded '),
        ]);
        const fields = { quantityInStock: 1 };
        const named = [
          composed,
          decomposed,
          'a',
          'A',
          '😀',
          '\ud83d',
          'padded',
          ' padded ',
          'A\0',
          "'; --",
        ];
        const outcome = await applyOne(
          supplier.store,
          batchOf(
            supplier.id,
            named.map((skuId) => ({ skuId, fields })),
          ),
        );
        expect([...outcome.statuses]).toEqual([200, 404, 404, 200, 200, 404, 404, 200, 404, 404]);
      });

      test('does not find SKUs of another supplier', async () => {
        const other = await supplier.createOther();
        await importSkus(supplier.store, other, [
          entry('theirs', { product: { upca: '012345678905' } }),
        ]);
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [
            { skuId: 'theirs', fields: { quantityInStock: 1 } },
            { gtins: [UPCA], fields: { quantityInStock: 1 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 404]);
        expect((await supplier.skus({}, [other]))[0]?.inventory).toEqual(NOTHING_KNOWN);
      });

      test('applies the batches of a group in order, each with its own results', async () => {
        const other = await supplier.createOther();
        await importSkus(supplier.store, supplier.id, [entry('a')]);
        await importSkus(supplier.store, other, [entry('a')]);
        const outcomes = await supplier.store.apply([
          batchOf(supplier.id, [{ skuId: 'a', fields: { quantityInStock: 1 } }]),
          batchOf(other, [{ skuId: 'a', fields: { quantityInStock: 2 } }]),
          batchOf(supplier.id, [{ skuId: 'x', fields: { quantityInStock: 3 } }]),
          batchOf(supplier.id, [{ skuId: 'a', fields: { quantityInStock: 4 } }]),
        ]);
        expect(outcomes.map((outcome) => [...succeeded(outcome).statuses])).toEqual([
          [200],
          [200],
          [404],
          [200],
        ]);
        expect(await supplier.inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 4 });
        expect((await supplier.skus({}, [other]))[0]?.inventory).toEqual({
          ...NOTHING_KNOWN,
          quantityInStock: 2,
        });
      });

      test('a line that changes nothing succeeds and leaves the SKU unchanged', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { inventory: { quantityInStock: 3 } }),
        ]);
        const [before] = await supplier.skus();
        const outcome = await applyOne(
          supplier.store,
          batchOf(supplier.id, [{ skuId: 'a', fields: { quantityInStock: 3 } }]),
        );
        expect([...outcome.statuses]).toEqual([200]);
        expect((await supplier.skus())[0]).toEqual(before);
      });

      test('acknowledged lines survive reopening the database', async () => {
        await importSkus(supplier.store, supplier.id, [entry('a')]);
        await applyOne(
          supplier.store,
          batchOf(supplier.id, [{ skuId: 'a', fields: { quantityInStock: 77 } }]),
        );
        await supplier.reopen();
        expect(await supplier.inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 77 });
      });
    });

    describe('reading SKUs', () => {
      test('lists SKUs by supplier, then creation, from any start', async () => {
        const other = await supplier.createOther();
        await importSkus(supplier.store, other, [entry('o1'), entry('o2')]);
        await importSkus(supplier.store, supplier.id, [entry('z'), entry('y'), entry('x')]);
        const page = async (start: number, limit: number) => {
          const { totalCount, skus, hasMore } = await supplier.store.skus.list({
            supplierIds: [supplier.id, other],
            filter: {},
            from: { start },
            limit,
          });
          return { totalCount, skuIds: skus.map((sku) => sku.skuId), hasMore };
        };
        expect(await page(0, 2)).toEqual({ totalCount: 5, skuIds: ['z', 'y'], hasMore: true });
        expect(await page(2, 2)).toEqual({ totalCount: 5, skuIds: ['x', 'o1'], hasMore: true });
        expect(await page(4, 2)).toEqual({ totalCount: 5, skuIds: ['o2'], hasMore: false });
        expect(await page(5, 2)).toEqual({ totalCount: 5, skuIds: [], hasMore: false });
      });

      test('pages through all SKUs without gaps or repetitions', async () => {
        const other = await supplier.createOther();
        await importSkus(
          supplier.store,
          supplier.id,
          ['a', 'b', 'c'].map((skuId) => entry(skuId)),
        );
        await importSkus(
          supplier.store,
          other,
          ['d', 'e'].map((skuId) => entry(skuId)),
        );
        const seen: string[] = [];
        let afterUuid: string | null = null;
        for (let hasMore = true; hasMore;) {
          const page = await supplier.store.skus.list({
            supplierIds: [supplier.id, other],
            filter: {},
            from: { afterUuid },
            limit: 2,
          });
          seen.push(...page.skus.map((sku) => sku.skuId));
          afterUuid = page.skus.at(-1)?.uuid ?? null;
          ({ hasMore } = page);
        }
        expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
      });

      test('filters by any form of identifier and by restriction, and counts the matches', async () => {
        await importSkus(supplier.store, supplier.id, [
          entry('a', { product: { upca: '012345678905' }, inventory: { restrictions: 1 } }),
          entry('b', { product: { isbn: '0306406152' } }),
          entry('c', { product: { ean13: '9780306406157' }, inventory: { restrictions: 2 } }),
        ]);
        const found = async (filter: SkuFilter) => {
          const page = await supplier.store.skus.list({
            supplierIds: [supplier.id],
            filter,
            from: { start: 0 },
            limit: 1,
          });
          return [page.totalCount, page.hasMore, ...page.skus.map((sku) => sku.skuId)];
        };
        expect(await found({ skuId: 'b' })).toEqual([1, false, 'b']);
        expect(await found({ gtins: [UPCA] })).toEqual([1, false, 'a']);
        expect(await found({ gtins: [ISBN] })).toEqual([2, true, 'b']);
        expect(await found({ gtins: [ISBN], restrictions: 2 })).toEqual([1, false, 'c']);
        expect(await found({ restrictions: null })).toEqual([1, false, 'b']);
        expect(await found({ skuId: 'a', gtins: [ISBN] })).toEqual([0, false]);
        const paged = await supplier.store.skus.list({
          supplierIds: [supplier.id],
          filter: { gtins: [ISBN] },
          from: { start: 1 },
          limit: 5,
        });
        expect(paged.skus.map((sku) => sku.skuId)).toEqual(['c']);
      });

      test('finds a SKU by its uuid if its supplier is visible', async () => {
        const other = await supplier.createOther();
        const made = await importSkus(supplier.store, supplier.id, [entry('a')]);
        const uuid = made.entries[0]?.uuid ?? '';
        expect((await supplier.store.skus.find([supplier.id], uuid))?.skuId).toBe('a');
        expect(await supplier.store.skus.find([other], uuid)).toBeUndefined();
        expect(await supplier.store.skus.find([], uuid)).toBeUndefined();
      });

      test('finds nothing if no supplier is visible', async () => {
        await importSkus(supplier.store, supplier.id, [entry('a')]);
        expect(
          await supplier.store.skus.list({
            supplierIds: [],
            filter: {},
            from: { start: 0 },
            limit: 5,
          }),
        ).toEqual({
          totalCount: 0,
          skus: [],
          hasMore: false,
        });
      });
    });

    describe('closing', () => {
      supplier.useOwnDatabase();

      test('is ready while it can write, and reports after closing that it is closed', async () => {
        await supplier.store.probe();
        await supplier.store.close();
        await expect(supplier.store.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
        await expect(applyOne(supplier.store, batchOf(supplier.id, []))).rejects.toMatchObject({
          code: 'store_unavailable',
        });
      });
    });
  });
}
