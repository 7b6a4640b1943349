import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import type { Sku } from '../../../src/domain/sku.ts';
import type { SkuFilter, Store } from '../../../src/store/store.ts';
import { applyOne, batchOf, entry, importSkus, succeeded, type TestDatabase } from '../fixtures.ts';
import { useOwnDatabase, useSharedStore, type ContractStore } from './contract-store.ts';

const UPCA = 12_345_678_905;
const ISBN = 9_780_306_406_157;

/** The contract of `src/store/store.ts`, run for each implementation. */
export function describeStoreContract(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`a ${kind} store`, () => {
    let store: Store;
    let supplierId: number;
    let supplierName: string;

    const begin = async (tested: ContractStore): Promise<void> => {
      ({ store } = tested);
      ({ id: supplierId, name: supplierName } = await tested.newSupplier());
    };
    const tested = useSharedStore(createDatabase, begin);
    const createOther = async (): Promise<number> => (await tested.newSupplier()).id;

    const all = async (
      filter: SkuFilter = {},
      supplierIds = [supplierId],
    ): Promise<readonly Sku[]> =>
      (await store.skus.list({ supplierIds, filter, from: { start: 0 }, limit: 500 })).skus;
    const inventoryOf = async (skuId: string) => (await all({ skuId }))[0]?.inventory;

    describe('applying lines', () => {
      test('sets the fields of a line and leaves the others', async () => {
        await importSkus(store, supplierId, [
          entry('a', { inventory: { quantityInStock: 3, restrictions: 2 } }),
        ]);
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { skuId: 'a', fields: { quantityInStock: 512, backorderDate: 20_270_131 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([200]);
        expect(await inventoryOf('a')).toEqual({
          quantityInStock: 512,
          quantityOnBackorder: null,
          backorderDate: 20_270_131,
          restrictions: 2,
        });
      });

      test('sets null, and stores the largest quantity exactly', async () => {
        await importSkus(store, supplierId, [entry('a', { inventory: { quantityInStock: 3 } })]);
        await applyOne(
          store,
          batchOf(supplierId, [
            { skuId: 'a', fields: { quantityInStock: null, quantityOnBackorder: 2_147_483_647 } },
          ]),
        );
        expect(await inventoryOf('a')).toEqual({
          ...NOTHING_KNOWN,
          quantityOnBackorder: 2_147_483_647,
        });
      });

      test('applies lines for one SKU in order', async () => {
        await importSkus(store, supplierId, [entry('a', { product: { upca: '012345678905' } })]);
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { skuId: 'a', fields: { quantityInStock: 1, quantityOnBackorder: 9 } },
            { gtins: [UPCA], fields: { quantityInStock: 2 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([200, 200]);
        expect(await inventoryOf('a')).toEqual({
          ...NOTHING_KNOWN,
          quantityInStock: 2,
          quantityOnBackorder: 9,
        });
      });

      test('a line that matches no SKU does not affect others', async () => {
        await importSkus(store, supplierId, [entry('a')]);
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { skuId: 'missing', fields: { quantityInStock: 1 } },
            { skuId: 'a', fields: { quantityInStock: 2 } },
            { gtins: [UPCA], fields: { quantityInStock: 3 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 200, 404]);
        expect(await inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 2 });
      });

      test('a line matches only a SKU that has all its identifiers', async () => {
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
          entry('b', { product: { ean13: '4006381333931' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
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
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
          entry('b', { product: { ean13: '4006381333931' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const batch = batchOf(supplierId, [
          { skuId: 'a', gtins: [UPCA, ISBN], fields },
          { skuId: 'b', gtins: [UPCA, 4_006_381_333_931], fields },
          { skuId: 'missing', gtins: [UPCA], fields },
          { gtins: [UPCA, 4_006_381_333_931], fields },
        ]);
        const { statuses, details } = await applyOne(store, {
          ...batch,
          options: { ...batch.options, skuIdFirst: true },
        });
        expect([...statuses]).toEqual([200, 200, 404, 404]);
        expect([...details]).toEqual([[1, { kind: 'misfit', gtins: [UPCA] }]]);
        expect(await inventoryOf('b')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 1 });
      });

      test('an unknown sku_id gives way to the first alternative that exists', async () => {
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905' } }),
          entry('b', { product: { isbn: '0306406152' } }),
        ]);
        const fields = { quantityInStock: 1 };
        const batch = batchOf(supplierId, [
          { skuId: 'x', alternatives: ['y', 'a', 'b'], fields },
          { skuId: 'x', alternatives: ['b'], gtins: [ISBN], fields },
          { skuId: 'b', alternatives: ['a'], gtins: [UPCA], fields },
          { skuId: 'x', alternatives: ['y'], fields },
          { skuId: 'x', fields },
        ]);
        const [outcome, joined] = (await store.apply([batch, batch])).map(succeeded);
        expect([...(outcome?.statuses ?? [])]).toEqual([200, 200, 404, 404, 404]);
        expect([...(joined?.statuses ?? [])]).toEqual([200, 200, 404, 404, 404]);
        expect((await all()).map(({ inventory }) => inventory.quantityInStock)).toEqual([1, 1]);
      });

      test('a GTIN of several SKUs is ambiguous: the line lists at most five and is not applied', async () => {
        const names = ['s1', 's2', 's3', 's4', 's5', 's6', 's7'];
        await importSkus(
          store,
          supplierId,
          names.map((name) => entry(name, { product: { upca: '012345678905' } })),
        );
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { gtins: [UPCA], fields: { quantityInStock: 1 } },
            { skuId: 's2', gtins: [UPCA], fields: { quantityInStock: 5 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([422, 200]);
        expect([...outcome.details]).toEqual([
          [0, { kind: 'ambiguous', skuIds: names.slice(0, 5) }],
        ]);
        expect((await all()).map((sku) => sku.inventory.quantityInStock)).toEqual([
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
        await importSkus(store, supplierId, [
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
          store,
          batchOf(
            supplierId,
            named.map((skuId) => ({ skuId, fields })),
          ),
        );
        expect([...outcome.statuses]).toEqual([200, 404, 404, 200, 200, 404, 404, 200, 404, 404]);
      });

      test('does not find SKUs of another supplier', async () => {
        const other = await createOther();
        await importSkus(store, other, [entry('theirs', { product: { upca: '012345678905' } })]);
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { skuId: 'theirs', fields: { quantityInStock: 1 } },
            { gtins: [UPCA], fields: { quantityInStock: 1 } },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 404]);
        expect((await all({}, [other]))[0]?.inventory).toEqual(NOTHING_KNOWN);
      });

      test('applies the batches of a group in order, each with its own results', async () => {
        const other = await createOther();
        await importSkus(store, supplierId, [entry('a')]);
        await importSkus(store, other, [entry('a')]);
        const outcomes = await store.apply([
          batchOf(supplierId, [{ skuId: 'a', fields: { quantityInStock: 1 } }]),
          batchOf(other, [{ skuId: 'a', fields: { quantityInStock: 2 } }]),
          batchOf(supplierId, [{ skuId: 'x', fields: { quantityInStock: 3 } }]),
          batchOf(supplierId, [{ skuId: 'a', fields: { quantityInStock: 4 } }]),
        ]);
        expect(outcomes.map((outcome) => [...succeeded(outcome).statuses])).toEqual([
          [200],
          [200],
          [404],
          [200],
        ]);
        expect(await inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 4 });
        expect((await all({}, [other]))[0]?.inventory).toEqual({
          ...NOTHING_KNOWN,
          quantityInStock: 2,
        });
      });

      test('a line that changes nothing succeeds and leaves the SKU unchanged', async () => {
        await importSkus(store, supplierId, [entry('a', { inventory: { quantityInStock: 3 } })]);
        const [before] = await all();
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [{ skuId: 'a', fields: { quantityInStock: 3 } }]),
        );
        expect([...outcome.statuses]).toEqual([200]);
        expect((await all())[0]).toEqual(before);
      });

      test('acknowledged lines survive reopening the database', async () => {
        await importSkus(store, supplierId, [entry('a')]);
        await applyOne(
          store,
          batchOf(supplierId, [{ skuId: 'a', fields: { quantityInStock: 77 } }]),
        );
        store = await tested.reopen();
        expect(await inventoryOf('a')).toEqual({ ...NOTHING_KNOWN, quantityInStock: 77 });
      });
    });

    describe('applying a catalogue', () => {
      test('creates, updates or leaves each SKU, and reports which', async () => {
        const first = await importSkus(store, supplierId, [
          entry('a', {
            product: { upca: '012345678905', title: 'Kettle' },
            inventory: { quantityInStock: 1 },
          }),
          entry('b', { product: { condition: 'new', unitsBundled: 2 } }),
        ]);
        expect(first.entries.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
        const second = await importSkus(store, supplierId, [
          entry('b', { product: { condition: 'new' } }),
          entry('a', { product: { title: null, mpn: 'K-1' }, inventory: { restrictions: 1 } }),
          entry('c'),
        ]);
        expect(second.entries.map(({ outcome }) => outcome)).toEqual([
          'unchanged',
          'updated',
          'created',
        ]);
        const [a, b, c] = await all();
        expect([a?.skuId, b?.skuId, c?.skuId]).toEqual(['a', 'b', 'c']);
        expect(a?.product).toMatchObject({ upca: '012345678905', title: null, mpn: 'K-1' });
        expect(a?.inventory).toEqual({ ...NOTHING_KNOWN, quantityInStock: 1, restrictions: 1 });
        expect(b?.product).toMatchObject({ condition: 'new', unitsBundled: 2 });
        expect(second.entries[0]?.uuid).toBe(b?.uuid);
      });

      test('refuses existing SKUs without changing them, if requested', async () => {
        await importSkus(store, supplierId, [entry('a', { product: { title: 'Kettle' } })]);
        const before = await all();
        const outcome = await store.applyCatalogue({
          supplierId,
          source: 'create',
          userId: null,
          existing: 'refuse',
          entries: [
            entry('a', { product: { title: 'Other' }, inventory: { quantityInStock: 9 } }),
            entry('b'),
          ],
        });
        expect(outcome.entries.map((made) => made.outcome)).toEqual(['refused', 'created']);
        expect((await all())[0]).toEqual(before[0]);
      });

      test('records no batch if every entry is refused', async () => {
        await importSkus(store, supplierId, [entry('a')]);
        const batches = () => store.batches.list(supplierId, { start: 0, limit: 10 });
        const before = await batches();
        const outcome = await store.applyCatalogue({
          supplierId,
          source: 'create',
          userId: null,
          existing: 'refuse',
          entries: [entry('a')],
        });
        expect(outcome.batchUuid).toBeNull();
        expect(await batches()).toEqual(before);
      });

      test('a SKU is found by its new GTINs after they change', async () => {
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905', isbn: '0306406152' } }),
        ]);
        await importSkus(store, supplierId, [entry('a', { product: { upca: null } })]);
        const fields = { quantityInStock: 1 };
        const outcome = await applyOne(
          store,
          batchOf(supplierId, [
            { gtins: [UPCA], fields },
            { gtins: [ISBN], fields },
          ]),
        );
        expect([...outcome.statuses]).toEqual([404, 200]);
      });

      test('SKUs with the same item_id share an item, others have their own', async () => {
        const itemUuid = '2f7c1f0e-6f3a-4c53-9a53-0d9f6b3a9d11';
        await importSkus(store, supplierId, [
          entry('a', { product: { itemId: 'shirt' } }),
          entry('b', { product: { itemId: 'shirt' } }),
          entry('c'),
          entry('d'),
          entry('e', { itemUuid: itemUuid }),
        ]);
        const items = (await all()).map((sku) => sku.itemUuid);
        expect(items[0]).toBe(items[1]);
        expect(new Set(items).size).toBe(4);
        expect(items[4]).toBe(itemUuid);
      });

      test('lists GTINs of several SKUs, page by page', async () => {
        const other = await createOther();
        await importSkus(store, other, [entry('x', { product: { upca: '012345678905' } })]);
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905', ean13: '4006381333931' } }),
          entry('b', { product: { gtin14: '00012345678905' } }),
          entry('c', { product: { ean13: '4006381333931' } }),
          entry('d', { product: { isbn: '0306406152' } }),
        ]);
        const first = await store.sharedGtins(supplierId, 0, 1);
        expect(first).toEqual([{ gtin: UPCA, skuIds: ['a', 'b'] }]);
        expect(await store.sharedGtins(supplierId, UPCA, 10)).toEqual([
          { gtin: 4_006_381_333_931, skuIds: ['a', 'c'] },
        ]);
      });
    });

    describe('reading SKUs', () => {
      test('lists SKUs by supplier, then creation, from any start', async () => {
        const other = await createOther();
        await importSkus(store, other, [entry('o1'), entry('o2')]);
        await importSkus(store, supplierId, [entry('z'), entry('y'), entry('x')]);
        const page = async (start: number, limit: number) => {
          const { totalCount, skus, hasMore } = await store.skus.list({
            supplierIds: [supplierId, other],
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
        const other = await createOther();
        await importSkus(
          store,
          supplierId,
          ['a', 'b', 'c'].map((skuId) => entry(skuId)),
        );
        await importSkus(
          store,
          other,
          ['d', 'e'].map((skuId) => entry(skuId)),
        );
        const seen: string[] = [];
        let afterUuid: string | null = null;
        for (let hasMore = true; hasMore;) {
          const page = await store.skus.list({
            supplierIds: [supplierId, other],
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
        await importSkus(store, supplierId, [
          entry('a', { product: { upca: '012345678905' }, inventory: { restrictions: 1 } }),
          entry('b', { product: { isbn: '0306406152' } }),
          entry('c', { product: { ean13: '9780306406157' }, inventory: { restrictions: 2 } }),
        ]);
        const found = async (filter: SkuFilter) => {
          const page = await store.skus.list({
            supplierIds: [supplierId],
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
        const paged = await store.skus.list({
          supplierIds: [supplierId],
          filter: { gtins: [ISBN] },
          from: { start: 1 },
          limit: 5,
        });
        expect(paged.skus.map((sku) => sku.skuId)).toEqual(['c']);
      });

      test('finds a SKU by its uuid if its supplier is visible', async () => {
        const other = await createOther();
        const made = await importSkus(store, supplierId, [entry('a')]);
        const uuid = made.entries[0]?.uuid ?? '';
        expect((await store.skus.find([supplierId], uuid))?.skuId).toBe('a');
        expect(await store.skus.find([other], uuid)).toBeUndefined();
        expect(await store.skus.find([], uuid)).toBeUndefined();
      });

      test('finds nothing if no supplier is visible', async () => {
        await importSkus(store, supplierId, [entry('a')]);
        expect(
          await store.skus.list({ supplierIds: [], filter: {}, from: { start: 0 }, limit: 5 }),
        ).toEqual({
          totalCount: 0,
          skus: [],
          hasMore: false,
        });
      });
    });

    describe('accounts', () => {
      useOwnDatabase(tested, begin);

      test('the name of an organization is unique', async () => {
        await expect(
          store.accounts.createOrganization({ type: 'retailer', name: supplierName }),
        ).rejects.toMatchObject({
          code: 'already_exists',
        });
        expect((await store.accounts.listOrganizations()).map(({ name }) => name)).toEqual([
          supplierName,
        ]);
      });

      test('a retailer sees a supplier while they are connected', async () => {
        const { accounts } = store;
        const retailer = await accounts.createOrganization({ type: 'retailer', name: 'Shop' });
        const visible = () => accounts.visibleSupplierIds(retailer.id, 'retailer');
        expect(await visible()).toEqual([]);
        expect(await accounts.createConnection(supplierId, retailer.id)).toBe(true);
        expect(await accounts.createConnection(supplierId, retailer.id)).toBe(false);
        expect(await visible()).toEqual([supplierId]);
        expect(
          (await accounts.listConnections()).map(({ supplier, retailer: shop }) => [
            supplier,
            shop,
          ]),
        ).toEqual([[supplierName, 'Shop']]);
        expect(await accounts.removeConnection(supplierId, retailer.id)).toBe(true);
        expect(await accounts.removeConnection(supplierId, retailer.id)).toBe(false);
        expect(await visible()).toEqual([]);
        expect(await accounts.visibleSupplierIds(supplierId, 'supplier')).toEqual([supplierId]);
      });

      test('a user is found by name, and user names are unique', async () => {
        const draft = {
          organizationId: supplierId,
          username: 'ann',
          passwordHash: 'hash',
          permissions: ['view_items'] as const,
        };
        const { uuid } = await store.accounts.createUser(draft);
        await expect(store.accounts.createUser(draft)).rejects.toMatchObject({
          code: 'already_exists',
        });
        expect(await store.accounts.findUser('ann')).toMatchObject({
          uuid,
          passwordHash: 'hash',
          permissions: ['view_items'],
          organization: { id: supplierId, name: supplierName, type: 'supplier' },
        });
        expect(await store.accounts.findUser('bob')).toBeUndefined();
      });

      test('a token is valid until it expires or is revoked', async () => {
        const { accounts } = store;
        const user = await accounts.findServiceUser(supplierId);
        const lasting = new Uint8Array(32).fill(1);
        const passing = new Uint8Array(32).fill(2);
        const permissions = ['edit_items'] as const;
        const { id } = await accounts.createToken({
          userId: user.id,
          tokenHash: lasting,
          permissions,
          expiresAtMs: null,
        });
        await accounts.createToken({
          userId: user.id,
          tokenHash: passing,
          permissions,
          expiresAtMs: 1000,
        });
        expect(await accounts.findPrincipal(lasting, 5000)).toEqual({
          tokenId: id,
          userId: user.id,
          organizationId: supplierId,
          organizationName: supplierName,
          organizationType: 'supplier',
          permissions: ['edit_items'],
        });
        expect(await accounts.findPrincipal(passing, 999)).toBeDefined();
        expect(await accounts.findPrincipal(passing, 1000)).toBeUndefined();
        expect(await accounts.findPrincipal(new Uint8Array(32), 0)).toBeUndefined();
        expect(await accounts.revokeToken(id)).toBe(true);
        expect(await accounts.revokeToken(id)).toBe(false);
        expect(await accounts.findPrincipal(lasting, 5000)).toBeUndefined();
        expect((await accounts.listTokens()).map((token) => token.revokedAtMs !== null)).toEqual([
          true,
          false,
        ]);
      });
    });

    describe('closing', () => {
      useOwnDatabase(tested, begin);

      test('is ready while it can write, and reports after closing that it is closed', async () => {
        await store.probe();
        await store.close();
        await expect(store.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
        await expect(applyOne(store, batchOf(supplierId, []))).rejects.toMatchObject({
          code: 'store_unavailable',
        });
      });
    });
  });
}
