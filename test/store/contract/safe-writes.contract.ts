import { describe, expect, test } from 'vitest';
import {
  applyOne,
  batchOf,
  entry,
  importSkus,
  succeeded,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';
import { keyed, set, statuses, HOUR_MS, useSupplier } from './tested-supplier.ts';

const change = (stockChange: number, skuId = 'a'): Draft => ({ skuId, fields: {}, stockChange });

/** The contract of safe writes: conditions, relative changes, groups, dry runs, effects and idempotency keys. */
export function describeSafeWrites(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`safe writes on a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('a line with as_of', () => {
      const LATER_US = (Date.now() + HOUR_MS) * 1000;

      test('is applied unless a later one has been', async () => {
        await supplier.stock(['a']);
        await supplier.apply([set('a', 1, { asOfUs: LATER_US })]);
        const older = await supplier.apply([set('a', 2, { asOfUs: LATER_US - 1 })]);
        expect(statuses(older)).toEqual([412]);
        expect(older.details.get(0)).toEqual({ kind: 'older', heldAsOfUs: LATER_US });
        expect(await supplier.stockOf('a')).toBe(1);
        expect(statuses(await supplier.apply([set('a', 3, { asOfUs: LATER_US })]))).toEqual([200]);
        expect(await supplier.stockOf('a')).toBe(3);
      });

      test('is older than a SKU that was created or changed without as_of after that time', async () => {
        await supplier.stock(['a', 'b']);
        const pastUs = (Date.now() - HOUR_MS) * 1000;
        expect(statuses(await supplier.apply([set('a', 1, { asOfUs: pastUs })]))).toEqual([412]);
        await supplier.apply([set('b', 1, { asOfUs: LATER_US })]);
        await supplier.apply([set('b', 2)]);
        expect(statuses(await supplier.apply([set('b', 3, { asOfUs: pastUs })]))).toEqual([412]);
        expect(await supplier.stockOf('b')).toBe(2);
      });

      test('that changes nothing advances the time without recording a change', async () => {
        await supplier.stock(['a'], { quantityInStock: 5 });
        const confirming = await supplier.apply([set('a', 5, { asOfUs: LATER_US })]);
        expect(statuses(confirming)).toEqual([200]);
        const older = await supplier.apply([set('a', 6, { asOfUs: LATER_US - 1 })]);
        expect(statuses(older)).toEqual([412]);
        const { batches } = await supplier.store.batches.list(supplier.id, { start: 0, limit: 3 });
        expect(batches.map((batch) => batch.changedCount)).toEqual([0, 0, 1]);
      });

      test('the time does not advance with a line without as_of that changes nothing', async () => {
        await supplier.stock(['a'], { quantityInStock: 5 });
        await supplier.apply([set('a', 7, { asOfUs: LATER_US })]);
        await supplier.apply([set('a', 7), set('a', 8, { asOfUs: LATER_US - 1 })]);
        expect(await supplier.stockOf('a')).toBe(7);
      });

      test('the time does not advance with an update of the product', async () => {
        await supplier.stock(['a'], { quantityInStock: 5 });
        const betweenUs = Date.now() * 1000 + 999_999;
        await supplier.apply([set('a', 6, { asOfUs: betweenUs })]);
        await importSkus(supplier.store, supplier.id, [entry('a', { product: { title: 'new' } })]);
        expect(statuses(await supplier.apply([set('a', 9, { asOfUs: betweenUs })]))).toEqual([200]);
      });

      test('is compared within a batch and a group of batches, too', async () => {
        await supplier.stock(['a']);
        const outcomes = await supplier.store.apply([
          batchOf(supplier.id, [
            set('a', 1, { asOfUs: LATER_US }),
            set('a', 2, { asOfUs: LATER_US - 1 }),
          ]),
          batchOf(supplier.id, [set('a', 3, { asOfUs: LATER_US - 2 })]),
        ]);
        expect(outcomes.map((outcome) => statuses(succeeded(outcome)))).toEqual([
          [200, 412],
          [412],
        ]);
      });
    });

    describe('conditions', () => {
      test('a line is applied only if the stock is the expected quantity, null included', async () => {
        await supplier.stock(['a']);
        const outcome = await supplier.apply([
          set('a', 1, { expectedQuantity: 5 }),
          set('a', 1, { expectedQuantity: null }),
          set('a', 2, { expectedQuantity: null }),
          set('a', 3, { expectedQuantity: 1 }),
        ]);
        expect(statuses(outcome)).toEqual([412, 200, 412, 200]);
        expect(outcome.details.get(0)).toEqual({ kind: 'unexpected', quantityInStock: null });
        expect(outcome.details.get(2)).toEqual({ kind: 'unexpected', quantityInStock: 1 });
        expect(await supplier.stockOf('a')).toBe(3);
      });

      test('a relative change adds to known stock, within bounds', async () => {
        await supplier.stock(['a', 'unknown']);
        const outcome = await supplier.apply([
          set('a', 2),
          change(3),
          change(-5),
          change(-1),
          set('a', 2_147_483_647),
          change(1),
          change(1, 'unknown'),
        ]);
        expect(statuses(outcome)).toEqual([200, 200, 200, 422, 200, 422, 422]);
        expect(outcome.details.get(3)).toEqual({
          kind: 'impossible',
          quantityInStock: 0,
          change: -1,
        });
        expect(outcome.details.get(6)).toMatchObject({ kind: 'impossible', quantityInStock: null });
        expect(await supplier.stockOf('a')).toBe(2_147_483_647);
      });
    });

    describe('lines that are applied together or not at all', () => {
      test('a group with a failed line changes nothing, and other lines apply', async () => {
        await supplier.stock(['a', 'b', 'c'], { quantityInStock: 1 });
        const outcome = await supplier.apply([
          set('a', 2),
          set('a', 3, { group: 1 }),
          set('b', 3, { group: 1 }),
          set('missing', 3, { group: 1 }),
          set('b', 4, { group: 2 }),
          set('c', 4, { group: 2 }),
          set('c', 5, { group: 3, expectedQuantity: 1 }),
        ]);
        expect(statuses(outcome)).toEqual([200, 424, 424, 404, 200, 200, 412]);
        expect(outcome.details.get(1)).toEqual({ kind: 'left_out', because: 3 });
        expect([
          await supplier.stockOf('a'),
          await supplier.stockOf('b'),
          await supplier.stockOf('c'),
        ]).toEqual([2, 4, 4]);
      });

      test('an atomic batch applies all lines or none, invalid lines included', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 1 });
        const failing = await supplier.apply([set('a', 2), set('missing', 2), set('b', 2)], {
          atomic: true,
        });
        expect(statuses(failing)).toEqual([424, 404, 424]);
        const refusedLine = set('b', 2, { refusal: { message: 'wrong', namesRead: true } });
        expect(
          statuses(await supplier.apply([set('a', 2), refusedLine], { atomic: true })),
        ).toEqual([424, 400]);
        expect(await supplier.stockOf('a')).toBe(1);
        expect(
          statuses(await supplier.apply([set('a', 2), set('b', 2)], { atomic: true })),
        ).toEqual([200, 200]);
        expect(await supplier.stockOf('b')).toBe(2);
      });
    });

    test('a dry run returns what would happen and writes nothing', async () => {
      await supplier.stock(['a'], { quantityInStock: 1 });
      const lines = [set('a', 2), set('missing', 2)];
      const outcome = await supplier.apply(lines, { dryRun: true, withEffects: true });
      expect(statuses(outcome)).toEqual([200, 404]);
      expect(outcome.uuid).toBeNull();
      expect(outcome.effects.get(0)).toMatchObject({
        before: { quantityInStock: 1 },
        after: { quantityInStock: 2 },
        sequence: null,
      });
      expect(await supplier.stockOf('a')).toBe(1);
      expect(
        (await supplier.store.batches.list(supplier.id, { start: 0, limit: 9 })).totalCount,
      ).toBe(1);
      expect(statuses(await supplier.apply(lines))).toEqual([200, 404]);
    });

    test('a dry run sees the other batches of its group and does not affect them', async () => {
      await supplier.stock(['a'], { quantityInStock: 1 });
      const dry = {
        ...batchOf(supplier.id, [set('a', 9)]),
        options: { dryRun: true, withEffects: true },
      };
      const outcomes = await supplier.store.apply([dry, batchOf(supplier.id, [set('a', 2)])]);
      expect(succeeded(outcomes[0]).effects.get(0)?.before.quantityInStock).toBe(2);
      expect(await supplier.stockOf('a')).toBe(2);
    });

    test('effects contain before and after of each line, and the sequence of the change', async () => {
      await supplier.stock(['a', 'b'], { quantityInStock: 1 });
      const outcome = await supplier.apply([set('a', 2), set('a', 3), set('b', 1)], {
        withEffects: true,
      });
      expect([...outcome.effects.values()]).toMatchObject([
        { before: { quantityInStock: 1 }, after: { quantityInStock: 2 }, sequence: 3 },
        { before: { quantityInStock: 2 }, after: { quantityInStock: 3 }, sequence: 3 },
        { before: { quantityInStock: 1 }, after: { quantityInStock: 1 }, sequence: null },
      ]);
      const { skus } = await supplier.store.skus.list({
        supplierIds: [supplier.id],
        filter: {},
        from: { start: 0 },
        limit: 2,
      });
      expect(outcome.effects.get(0)?.skuUuid).toBe(skus[0]?.uuid);
    });

    test('a group of large batches keeps each line, its detail and its effect, also when it is repeated', async () => {
      await supplier.stock(['a'], { quantityInStock: 1 });
      const drafts = Array.from({ length: 4200 }, (_, i): Draft => {
        if (i % 4 === 1) return set(`é,{"index":${i}`, i);
        if (i % 4 === 2) return set('a', i, { refusal: { message: `no ${i}`, namesRead: true } });
        return i % 4 === 3 ? set('a', i, { expectedQuantity: i }) : set('a', i);
      });
      const of = (key: string) => ({ ...batchOf(supplier.id, drafts), options: keyed(key) });
      const first = (await supplier.store.apply([of('x'), of('y')])).map(succeeded);
      const again = (await supplier.store.apply([of('x'), of('y')])).map(succeeded);
      for (const { statuses: each, details, effects } of [...first, ...again]) {
        expect([...each.subarray(4000, 4004)]).toEqual([200, 404, 400, 412]);
        expect(details.size).toBe(1050);
        expect(details.get(4003)).toEqual({ kind: 'unexpected', quantityInStock: 4000 });
        expect(effects.size).toBe(1050);
        expect(effects.get(4000)).toMatchObject({
          before: { quantityInStock: 3996 },
          after: { quantityInStock: 4000 },
        });
      }
      const failed = await supplier.store.batches.failures(supplier.id, again[1]?.uuid ?? '');
      expect(failed).toHaveLength(3150);
      expect(failed?.at(-2)).toMatchObject({ index: 4198, message: 'no 4198' });
      expect(failed?.at(-3)).toMatchObject({ index: 4197, skuId: 'é,{"index":4197' });
    });

    describe('an idempotency key', () => {
      test('that is repeated returns the first outcome, applied once', async () => {
        await supplier.stock(['a', 'b', 'twin'], { quantityInStock: 1 });
        const lines: readonly Draft[] = [
          { skuId: 'a', fields: {}, stockChange: 4 },
          set('missing', 1),
          set('b', 7, { expectedQuantity: 3 }),
          set('b', 7, { refusal: { message: 'no', namesRead: true } }),
        ];
        const first = await supplier.apply(lines, keyed('k'));
        await supplier.apply([set('a', 100)]);
        const again = await supplier.apply(lines, keyed('k'));
        expect(again).toEqual({ ...first, repeats: 'id of r' });
        expect(statuses(again)).toEqual([200, 404, 412, 400]);
        expect(await supplier.stockOf('a')).toBe(100);
      });

      test('that occurs twice in a group is applied once', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        const batch = {
          ...batchOf(supplier.id, [{ skuId: 'a', fields: {}, stockChange: 4 }]),
          options: keyed('k'),
        };
        const outcomes = await supplier.store.apply([batch, batch]);
        expect(outcomes.map((outcome) => succeeded(outcome).repeats)).toEqual([null, 'id of r']);
        expect(await supplier.stockOf('a')).toBe(5);
      });

      test('that is used for another request fails its batch', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        await supplier.apply([set('a', 2)], keyed('k'));
        const refused = await supplier.refusal([set('a', 3)], keyed('k', 'other'));
        expect(refused.code).toBe('idempotency_key_reused');
        expect(await supplier.stockOf('a')).toBe(2);
      });

      test('is scoped to its supplier and expires', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        const other = await supplier.createOther();
        await importSkus(supplier.store, other, [
          entry('a', { inventory: { quantityInStock: 1 } }),
        ]);
        await supplier.apply([set('a', 2)], keyed('k', 'r', Date.now() - 1));
        expect((await supplier.apply([set('a', 3)], keyed('k', 'another'))).repeats).toBeNull();
        const elsewhere = await applyOne(supplier.store, {
          ...batchOf(other, [set('a', 2)]),
          options: keyed('k', 'third'),
        });
        expect(elsewhere.repeats).toBeNull();
      });

      test('survives reopening the database', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        const first = await supplier.apply([set('a', 2)], keyed('k'));
        await supplier.reopen();
        expect(await supplier.apply([set('a', 2)], keyed('k'))).toEqual({
          ...first,
          repeats: 'id of r',
        });
      });

      describe('after retention', () => {
        supplier.useOwnDatabase();

        test('is refused once its failed results have been deleted', async () => {
          await supplier.stock(['a'], { quantityInStock: 1 });
          const lines = [set('a', 2), set('missing', 2)];
          await supplier.apply(lines, keyed('k'));
          const nowMs = Date.now() + 1;
          await supplier.store.batches.sweep({ nowMs, failuresBeforeMs: nowMs }, 10);
          expect((await supplier.refusal(lines, keyed('k'))).code).toBe('results_expired');
        });
      });

      test('is not consumed by a dry run', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        await supplier.apply([set('a', 2)], { ...keyed('k'), dryRun: true });
        expect((await supplier.apply([set('a', 3)], keyed('k', 'other'))).repeats).toBeNull();
      });
    });
  });
}
