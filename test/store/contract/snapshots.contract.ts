import { beforeEach, describe, expect, test } from 'vitest';
import { batchOf, entry, importSkus, type Draft, type TestDatabase } from '../fixtures.ts';
import { bytes, set, snapshot, statuses, HOUR_MS, useSupplier } from './tested-supplier.ts';

const UPCA = 12_345_678_905;

const confirmation = (code: string, body = 'body') => ({
  confirmation: { code, fingerprint: bytes(body) },
});

/** The contract of snapshots and the safety limit. */
export function describeSnapshots(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`snapshots on a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('a snapshot', () => {
      test('zeroes the SKUs that it does not name, in the same batch', async () => {
        await supplier.stock(['a', 'b', 'c', 'zero', 'unknown']);
        await supplier.apply([
          set('a', 5),
          set('b', 5, { fields: { quantityInStock: 5, restrictions: 2 } }),
          set('c', 5),
          set('zero', 0),
        ]);
        const outcome = await supplier.apply([set('a', 6), set('c', 5)], snapshot());
        expect(outcome.zeroedCount).toBe(2);
        expect(
          await Promise.all(
            ['a', 'b', 'c', 'zero', 'unknown'].map((name) => supplier.stockOf(name)),
          ),
        ).toEqual([6, 0, 5, 0, 0]);
        expect((await supplier.inventoryOf('b'))?.restrictions).toBe(2);
        expect(await supplier.store.batches.find(supplier.id, outcome.uuid ?? '')).toMatchObject({
          changedCount: 3,
          zeroedCount: 2,
          lineCount: 2,
        });
      });

      test('leaves every SKU that a failed line names', async () => {
        const product = { upca: '012345678905' };
        const inventory = { quantityInStock: 5 };
        await importSkus(supplier.store, supplier.id, [
          ...['t1', 't2', 't3', 't4', 't5', 't6', 't7'].map((name) =>
            entry(name, { product, inventory }),
          ),
          ...['cond', 'bad', 'half', 'other', 'gone'].map((name) => entry(name, { inventory })),
        ]);
        const outcome = await supplier.apply(
          [
            { gtins: [UPCA], fields: { quantityInStock: 1 } },
            set('cond', 1, { expectedQuantity: 4 }),
            { skuId: 'bad', fields: {}, refusal: { message: 'no', namesRead: true } },
            { skuId: 'half', gtins: [4_006_381_333_931], fields: { quantityInStock: 1 } },
          ],
          snapshot(),
        );
        expect(statuses(outcome)).toEqual([422, 412, 400, 404]);
        expect(outcome.zeroedCount).toBe(2);
        expect(
          await Promise.all(
            ['t1', 't7', 'cond', 'bad', 'half'].map((name) => supplier.stockOf(name)),
          ),
        ).toEqual([5, 5, 5, 5, 5]);
        expect(await Promise.all(['other', 'gone'].map((name) => supplier.stockOf(name)))).toEqual([
          0, 0,
        ]);
      });

      test('is refused if a line has no valid identifier', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 5 });
        const lines = [
          set('a', 1),
          { skuId: null, fields: {}, refusal: { message: 'rounded', namesRead: false } },
        ];
        expect((await supplier.refusal(lines, snapshot())).code).toBe('snapshot_refused');
        expect(await supplier.stockOf('a')).toBe(5);
      });

      test('leaves SKUs with a later time', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 5 });
        const laterUs = (Date.now() + HOUR_MS) * 1000;
        await supplier.apply([set('a', 7, { asOfUs: laterUs })]);
        const outcome = await supplier.apply([set('missing', 1)], snapshot(laterUs - 1));
        expect(outcome.zeroedCount).toBe(1);
        expect([await supplier.stockOf('a'), await supplier.stockOf('b')]).toEqual([7, 0]);
      });

      test('zeroes more SKUs than fit into one read', async () => {
        const names = Array.from({ length: 12_000 }, (_, i) => `sku-${i}`);
        await supplier.stock(names, { quantityInStock: 5 });
        await supplier.store.batches.setSafetyLimit(supplier.id, { percentMax: 100, skusMin: 1 });
        const outcome = await supplier.apply([set('sku-7', 1)], snapshot());
        expect(outcome.zeroedCount).toBe(11_999);
        expect([
          await supplier.stockOf('sku-0'),
          await supplier.stockOf('sku-7'),
          await supplier.stockOf('sku-11999'),
        ]).toEqual([0, 1, 0]);
        await supplier.apply([set('sku-0', 3)]);
        expect(await supplier.stockOf('sku-0')).toBe(3);
      });

      test('that is atomic and fails zeroes nothing', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 5 });
        const outcome = await supplier.apply([set('a', 1), set('missing', 1)], {
          ...snapshot(),
          atomic: true,
        });
        expect(outcome.zeroedCount).toBe(0);
        expect(await supplier.stockOf('b')).toBe(5);
      });
    });

    describe('the safety limit', () => {
      const BREAKER = { percentMax: 30, skusMin: 3 };
      const names = Array.from({ length: 10 }, (_, i) => `s${i}`);
      const zeroLines = (count: number): readonly Draft[] =>
        names.slice(0, count).map((name) => set(name, 0));

      beforeEach(async () => {
        await supplier.stock(names, { quantityInStock: 5 });
        await supplier.store.batches.setSafetyLimit(supplier.id, BREAKER);
      });

      test('allows batches within its bounds', async () => {
        expect(await supplier.store.batches.safetyLimitOf(supplier.id)).toEqual(BREAKER);
        expect(statuses(await supplier.apply(zeroLines(3)))).toEqual([200, 200, 200]);
      });

      test('refuses a batch that zeroes or discontinues too many SKUs', async () => {
        const lines = [
          ...zeroLines(2),
          ...names.slice(2, 4).map((skuId) => ({ skuId, fields: { restrictions: 1 } })),
        ];
        const refused = await supplier.refusal(lines, {});
        expect(refused.code).toBe('breaker_tripped');
        expect(refused.message).toMatch(/4 of 10 SKUs .* \(40 %\)/);
        expect(await supplier.stockOf('s0')).toBe(5);
        expect(
          (await supplier.store.batches.list(supplier.id, { start: 0, limit: 1 })).totalCount,
        ).toBe(1);
      });

      test('counts a SKU once that a group which was left out named before', async () => {
        const leftOut = zeroLines(2).map((line) => ({ ...line, group: 1 }));
        const outcome = await supplier.apply([
          ...leftOut,
          set('missing', 0, { group: 1 }),
          ...zeroLines(2),
          set('s2', 4),
        ]);
        expect(statuses(outcome)).toEqual([424, 424, 404, 200, 200, 200]);
        const refused = await supplier.refusal(zeroLines(8).slice(2, 7), {});
        expect(refused.message).toMatch(/5 of 8 SKUs/);
      });

      test('counts the SKUs that are live before the batch', async () => {
        await supplier.apply(zeroLines(3));
        expect(
          (
            await supplier.refusal(
              names.slice(3, 6).map((name) => set(name, 0)),
              {},
            )
          ).code,
        ).toBe('breaker_tripped');
        await supplier.apply(names.slice(0, 3).map((name) => set(name, 1)));
        expect(statuses(await supplier.apply(zeroLines(3)))).toEqual([200, 200, 200]);
      });

      test('allows exactly the confirmed body, once, before the code expires', async () => {
        const code = await supplier.store.batches.confirm(
          supplier.id,
          bytes('body'),
          Date.now() + HOUR_MS,
        );
        expect((await supplier.refusal(zeroLines(5), confirmation(code, 'other'))).code).toBe(
          'confirmation_invalid',
        );
        expect(statuses(await supplier.apply(zeroLines(5), confirmation(code)))).toEqual([
          200, 200, 200, 200, 200,
        ]);
        await supplier.apply(names.map((name) => set(name, 5)));
        expect((await supplier.refusal(zeroLines(5), confirmation(code))).code).toBe(
          'confirmation_invalid',
        );
        const late = await supplier.store.batches.confirm(
          supplier.id,
          bytes('body'),
          Date.now() - 1,
        );
        expect((await supplier.refusal(zeroLines(5), confirmation(late))).code).toBe(
          'confirmation_invalid',
        );
      });

      test('has a default for snapshots, which the limit of the supplier replaces', async () => {
        await supplier.store.batches.setSafetyLimit(supplier.id, null);
        const options = {
          snapshot: { asOfUs: null, defaultSafetyLimit: { percentMax: 50, skusMin: 2 } },
        };
        expect(statuses(await supplier.apply(zeroLines(9)))).toHaveLength(9);
        await supplier.apply(names.map((name) => set(name, 5)));
        expect((await supplier.refusal([set('s0', 5)], options)).code).toBe('breaker_tripped');
        await supplier.store.batches.setSafetyLimit(supplier.id, { percentMax: 100, skusMin: 1 });
        expect((await supplier.apply([set('s0', 5)], options)).zeroedCount).toBe(9);
      });

      test('does not affect other batches of a group', async () => {
        const outcomes = await supplier.store.apply([
          batchOf(supplier.id, [set('s0', 6)]),
          batchOf(supplier.id, zeroLines(10)),
          batchOf(supplier.id, [set('s1', 7)]),
        ]);
        expect(outcomes.map((outcome) => outcome instanceof Error)).toEqual([false, true, false]);
        expect([
          await supplier.stockOf('s0'),
          await supplier.stockOf('s1'),
          await supplier.stockOf('s2'),
        ]).toEqual([6, 7, 5]);
      });
    });
  });
}
