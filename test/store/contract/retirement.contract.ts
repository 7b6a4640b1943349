import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '../../../src/domain/catalogue.ts';
import { isRetired } from '../../../src/domain/inventory.ts';
import type { SkuFilter, Store } from '../../../src/store/store.ts';
import { applyOne, batchOf, entry, type TestDatabase } from '../fixtures.ts';
import { useSharedStore } from './contract-store.ts';

const JUG = { title: 'Jug', ean13: '4006381333931' };
const JUG_GTIN = 4_006_381_333_931;

/** Retiring SKUs, and undoing what a catalogue did. */
export function describeRetirement(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`a ${kind} store`, () => {
    let store: Store;
    let supplierId: number;

    const tested = useSharedStore(createDatabase, async (begun) => {
      ({ store } = begun);
      ({ id: supplierId } = await begun.newSupplier());
    });

    const send = async (
      entries: readonly CatalogueEntry[],
      { existing, dryRun = false }: { existing?: 'refuse'; dryRun?: boolean } = {},
    ) =>
      store.applyCatalogue({
        supplierId,
        userId: null,
        source: 'file',
        existing: existing ?? 'update',
        entries,
        ...(dryRun && { dryRun }),
      });
    const retire = (skuId: string) => send([entry(skuId, { retires: true })]);
    const list = async (filter: SkuFilter = {}, start = 0) =>
      store.skus.list({ supplierIds: [supplierId], filter, from: { start }, limit: 9 });
    const listed = async (filter: SkuFilter = {}) => {
      const { skus, totalCount } = await list(filter);
      expect(totalCount).toBe(skus.length);
      return skus.map(({ skuId }) => skuId);
    };
    const revert = async (
      uuid: string | null,
      more: { among?: string[]; force?: boolean } = {},
    ) => {
      const request = { supplierId, userId: null, uuid: uuid ?? '', force: false, dryRun: false };
      const outcome = await store.batches.revert({ ...request, ...more });
      return {
        uuid: outcome?.uuid ?? null,
        skus: Object.fromEntries(outcome?.skus.map((sku) => [sku.skuId, sku.outcome]) ?? []),
      };
    };
    const stock = (skuId: string, quantityInStock: number) =>
      applyOne(store, batchOf(supplierId, [{ skuId, fields: { quantityInStock } }]));
    const lastChange = async () => (await store.changes.read(supplierId, 0, 99)).at(-1);

    test('hides a retired SKU from look-ups, lists and counts, and frees its GTINs', async () => {
      await send([
        entry('a', { product: JUG, inventory: { quantityInStock: 5 } }),
        entry('b', { inventory: { quantityInStock: 2 } }),
      ]);
      const [a] = (await list()).skus;
      await retire('a');
      expect(await listed()).toEqual(['b']);
      expect(await listed({ skuId: 'a' })).toEqual([]);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual([]);
      expect(await listed({ titlePrefix: 'jug' })).toEqual([]);
      expect(await listed({ quantityInStockMax: 9 })).toEqual(['b']);
      expect(await store.skus.find([supplierId], a?.uuid ?? '')).toBeUndefined();
      const lines = [
        { skuId: 'a', fields: { quantityInStock: 1 } },
        { gtins: [JUG_GTIN], fields: { quantityInStock: 1 } },
        { skuId: 'a', gtins: [JUG_GTIN], fields: { quantityInStock: 1 } },
        { skuId: 'b', fields: { quantityInStock: 3 } },
      ];
      const { statuses, details } = await applyOne(store, batchOf(supplierId, lines));
      expect([...statuses]).toEqual([404, 404, 404, 200]);
      expect(details.size).toBe(0);
      const { skusByAge } = await store.changes.freshness(supplierId, Date.now());
      expect(skusByAge.reduce((sum, { count }) => sum + count, 0)).toBe(1);
      await send([entry('c', { product: JUG })]);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual(['c']);
    });

    test('neither finds a retired SKU by its sku_id first, nor sets it to zero in a snapshot', async () => {
      await send([entry('a', { product: JUG, inventory: { quantityInStock: 5 } }), entry('b')]);
      await retire('a');
      const { lastSequence } = (await store.changes.heads([supplierId])).get(supplierId) ?? {};
      const lines = [
        { skuId: 'a', gtins: [JUG_GTIN], fields: { quantityInStock: 1 } },
        { skuId: 'b', fields: {} },
      ];
      const { statuses, details, zeroedCount } = await applyOne(store, {
        ...batchOf(supplierId, lines),
        options: {
          skuIdFirst: true,
          snapshot: { asOfUs: null, defaultSafetyLimit: { percentMax: 100, skusMin: 1 } },
        },
      });
      expect([...statuses, zeroedCount, details.size]).toEqual([404, 200, 0, 0]);
      expect((await store.changes.heads([supplierId])).get(supplierId)?.lastSequence).toBe(
        lastSequence,
      );
    });

    test('records retiring as a change, also of a SKU that has no inventory', async () => {
      await send([entry('a')]);
      await retire('a');
      const change = await lastChange();
      expect(change?.sku.skuId).toBe('a');
      expect(change?.sequence).toBe(1);
      expect(change && isRetired(change.after)).toBe(true);
      expect(change && isRetired(change.before)).toBe(false);
      const again = await retire('a');
      expect(again.entries[0]?.outcome).toBe('unchanged');
      expect((await lastChange())?.sequence).toBe(1);
    });

    test('brings a retired SKU back under its uuid, as if it were new', async () => {
      const [created] = (
        await send([entry('a', { product: JUG, inventory: { quantityInStock: 5 } })])
      ).entries;
      await retire('a');
      const mug = entry('a', { product: { title: 'Mug', isbn: '9780306406157' } });
      const back = await send([mug], { existing: 'refuse' });
      expect(back.entries).toEqual([{ outcome: 'created', uuid: created?.uuid }]);
      const [sku] = (await list({ gtins: [9_780_306_406_157] })).skus;
      expect(sku?.product).toMatchObject({ title: 'Mug', ean13: null });
      expect(sku?.inventory.quantityInStock).toBeNull();
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual([]);
      const change = await lastChange();
      expect(change && [isRetired(change.before), isRetired(change.after)]).toEqual([true, false]);
      expect((await stock('a', 4)).statuses[0]).toBe(200);
    });

    test('pages through the SKUs that are not retired, by offset and after a SKU', async () => {
      const { id: other } = await tested.newSupplier();
      const names = ['a', 'b', 'c', 'd', 'e'];
      await send(names.map((name) => entry(name)));
      await store.applyCatalogue({
        supplierId: other,
        userId: null,
        source: 'file',
        existing: 'update',
        entries: [entry('x'), entry('y')],
      });
      for (const name of ['a', 'c']) await retire(name);
      const pages = async (supplierIds: number[], limit: number) => {
        const found: string[][] = [[], []];
        for (let start = 0, more = true; more; start += limit) {
          const page = await store.skus.list({ supplierIds, filter: {}, from: { start }, limit });
          expect(page.totalCount).toBe(supplierIds.length === 1 ? 3 : 5);
          found[0]?.push(...page.skus.map(({ skuId }) => skuId));
          more = page.hasMore;
        }
        for (let afterUuid: string | null = null, more = true; more;) {
          const from = { afterUuid };
          const page = await store.skus.list({ supplierIds, filter: {}, from, limit });
          found[1]?.push(...page.skus.map(({ skuId }) => skuId));
          afterUuid = page.skus.at(-1)?.uuid ?? null;
          more = page.hasMore;
        }
        return found;
      };
      const both = ['b', 'd', 'e', 'x', 'y'];
      for (const limit of [1, 2, 3, 4, 9]) {
        expect(await pages([supplierId, other], limit)).toEqual([both, both]);
        expect(await pages([supplierId], limit)).toEqual([both.slice(0, 3), both.slice(0, 3)]);
      }
    });

    test('does not retire a SKU in a dry run', async () => {
      await send([entry('a', { product: JUG })]);
      const { entries, batchUuid } = await send([entry('a', { retires: true })], { dryRun: true });
      expect([entries[0]?.outcome, batchUuid]).toEqual(['updated', null]);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual(['a']);
    });

    test('refuses to retire a SKU that does not exist', async () => {
      expect((await retire('nobody')).batchUuid).toBeNull();
    });

    test('undoes retiring: the SKU has its inventory and its GTINs again', async () => {
      await send([entry('a', { product: JUG, inventory: { quantityInStock: 5 } })]);
      const { batchUuid } = await retire('a');
      expect((await revert(batchUuid)).skus).toEqual({ a: 'reverted' });
      const [sku] = (await list({ gtins: [JUG_GTIN] })).skus;
      expect(sku?.inventory.quantityInStock).toBe(5);
    });

    test('undoes a catalogue: retires what it created and puts back what it changed', async () => {
      await send([entry('old', { product: JUG, inventory: { quantityInStock: 5 } })]);
      const { batchUuid } = await send([
        entry('old', {
          product: { title: 'Mug', ean13: null, upca: '012345678905' },
          inventory: { quantityInStock: 6 },
        }),
        entry('new', { product: { isbn: '9780306406157' }, inventory: { quantityInStock: 1 } }),
        entry('bare'),
      ]);
      const undone = await revert(batchUuid);
      expect(undone.skus).toEqual({ old: 'reverted', new: 'reverted', bare: 'reverted' });
      const { skus } = await list();
      expect(skus.map(({ skuId }) => skuId)).toEqual(['old']);
      expect(skus[0]?.product).toMatchObject({ ...JUG, upca: null });
      expect(skus[0]?.inventory.quantityInStock).toBe(5);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual(['old']);
      expect(await listed({ gtins: [12_345_678_905] })).toEqual([]);
      expect(await listed({ gtins: [9_780_306_406_157] })).toEqual([]);
      // Undoing it once more finds nothing left; undoing the undo brings all back.
      expect((await revert(batchUuid)).uuid).toBeNull();
      await revert(undone.uuid);
      expect(await listed()).toEqual(['old', 'new', 'bare']);
      expect(await listed({ gtins: [12_345_678_905] })).toEqual(['old']);
      expect(await listed({ gtins: [9_780_306_406_157] })).toEqual(['new']);
      expect((await list()).skus[0]?.inventory.quantityInStock).toBe(6);
      // And then the catalogue can be undone again.
      expect(Object.values((await revert(batchUuid)).skus)).toEqual(Array(3).fill('reverted'));
      expect(await listed()).toEqual(['old']);
    });

    test('leaves what later batches touched, when a catalogue is undone', async () => {
      await send([entry('titled', { product: JUG })]);
      const { batchUuid } = await send([
        entry('titled', { product: { title: 'Mug' } }),
        entry('stocked'),
        entry('confirmed', { inventory: { quantityInStock: 1 } }),
        entry('changed', { product: { title: 'Cup' } }),
        entry('alone'),
      ]);
      await stock('stocked', 3);
      await stock('confirmed', 1);
      await send([
        entry('titled', { product: { title: 'Pot' } }),
        entry('changed', { product: { title: 'Cups' } }),
      ]);
      expect((await revert(batchUuid)).skus).toEqual({
        titled: 'moved_on',
        stocked: 'moved_on',
        confirmed: 'confirmed',
        changed: 'moved_on',
        alone: 'reverted',
      });
      expect(await listed()).toEqual(['titled', 'stocked', 'confirmed', 'changed']);
      expect(await listed({ titlePrefix: 'pot' })).toEqual(['titled']);
      expect((await revert(batchUuid, { force: true })).skus['confirmed']).toBe('reverted');
    });

    test('puts a product back though its stock has changed since', async () => {
      await send([entry('a', { product: JUG })]);
      const { batchUuid } = await send([entry('a', { product: { title: 'Mug' } })]);
      await stock('a', 3);
      expect((await revert(batchUuid)).skus).toEqual({ a: 'reverted' });
      const [sku] = (await list({ titlePrefix: 'jug' })).skus;
      expect(sku?.inventory.quantityInStock).toBe(3);
    });

    test('undoes batches in the reverse order, each back to the one before', async () => {
      const first = await send([entry('a', { product: JUG })]);
      const second = await send([entry('a', { product: { title: 'Mug' } })]);
      await revert(second.batchUuid);
      expect(await listed({ titlePrefix: 'jug' })).toEqual(['a']);
      expect((await revert(first.batchUuid)).skus).toEqual({ a: 'reverted' });
      expect(await listed()).toEqual([]);
    });

    test('undoes bringing a SKU back: it is retired, with the product that it had', async () => {
      await send([entry('a', { product: JUG })]);
      const retired = await retire('a');
      const back = await send([entry('a', { product: { title: 'Mug' } })]);
      await revert(back.batchUuid);
      expect(await listed()).toEqual([]);
      expect((await revert(retired.batchUuid)).skus).toEqual({ a: 'reverted' });
      expect(await listed({ titlePrefix: 'jug', gtins: [JUG_GTIN] })).toEqual(['a']);
    });

    test('undoes a product of a SKU that was retired since, without making it visible', async () => {
      await send([entry('a', { product: JUG })]);
      const { batchUuid } = await send([entry('a', { product: { ean13: '5901234123457' } })]);
      const retired = await retire('a');
      await revert(batchUuid);
      expect(await listed()).toEqual([]);
      await revert(retired.batchUuid);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual(['a']);
    });

    test('does not undo products of an import by the operator', async () => {
      const imported = await store.applyCatalogue({
        supplierId,
        userId: null,
        source: 'import',
        existing: 'update',
        entries: [entry('a', { product: JUG, inventory: { quantityInStock: 5 } })],
      });
      await revert(imported.batchUuid);
      expect(await listed({ gtins: [JUG_GTIN] })).toEqual(['a']);
    });
  });
}
