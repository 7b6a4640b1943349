import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  succeeded,
  type TestDatabase,
} from '../fixtures.ts';
import { set, statuses, useSupplier } from './tested-supplier.ts';

const UPCA = 12_345_678_905;
/** A `sku_id` of more than 300 bytes, however it is compressed. */
const longText = (): string => randomBytes(300).toString('hex');

/** The contract of batches: how they are listed, kept and reverted. */
export function describeBatches(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`batches of a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('batches', () => {
      test('are listed latest first, with their reasons', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 1 });
        const sent = {
          ...batchOf(supplier.id, [set('a', 2), set('b', 1), set('missing', 1)]),
          reason: 'count',
          reference: 'ö-17',
        };
        const { uuid } = await applyOne(supplier.store, sent);
        const { totalCount, batches, hasMore } = await supplier.store.batches.list(supplier.id, {
          start: 0,
          limit: 1,
        });
        expect({ totalCount, hasMore }).toEqual({ totalCount: 2, hasMore: true });
        expect(batches).toMatchObject([
          {
            uuid,
            number: 2,
            source: 'bulk',
            username: null,
            reason: 'count',
            reference: 'ö-17',
            lineCount: 3,
            statusCounts: { 200: 2, 404: 1 },
            changedCount: 1,
            firstSequence: 3,
            zeroedCount: 0,
            revertsUuid: null,
          },
        ]);
        expect(await supplier.store.batches.find(supplier.id, uuid ?? '')).toEqual(batches[0]);
        const next = await supplier.store.batches.list(supplier.id, { start: 1, limit: 9 });
        expect(next.batches.map((batch) => [batch.source, batch.statusCounts])).toEqual([
          ['import', { 200: 2 }],
        ]);
        expect(next.hasMore).toBe(false);
      });

      test('are visible to their supplier only', async () => {
        await supplier.stock(['a']);
        const { uuid } = await supplier.apply([set('a', 2)]);
        const other = await supplier.createOther();
        await importSkus(supplier.store, other, [entry('a'), entry('b')]);
        await importSkus(supplier.store, other, [entry('a')]);
        expect(await supplier.store.batches.find(other, uuid ?? '')).toBeUndefined();
        expect(await supplier.store.batches.failures(other, uuid ?? '')).toBeUndefined();
        const asked = { uuid: uuid ?? '', force: false, dryRun: false, userId: null };
        expect(
          await supplier.store.batches.revert({ ...asked, supplierId: other }),
        ).toBeUndefined();
      });

      describe('under retention', () => {
        supplier.useOwnDatabase();

        test('keep their failed lines for a limited time', async () => {
          await supplier.stock(['a', 'b']);
          const { uuid } = await supplier.apply([
            set('a', 2),
            {
              skuId: null,
              gtins: [UPCA],
              fields: { quantityInStock: 1 },
              asSent: { upca: ['12345678905'] },
            },
            { skuId: 'b', fields: {}, refusal: { message: 'no field', namesRead: true } },
          ]);
          const failures = await supplier.store.batches.failures(supplier.id, uuid ?? '');
          expect(failures).toEqual([
            {
              index: 1,
              status: 404,
              message: null,
              detail: null,
              skuId: null,
              asSent: '{"upca":["12345678905"]}',
            },
            { index: 2, status: 400, message: 'no field', detail: null, skuId: 'b', asSent: null },
          ]);
          const clean = await supplier.apply([set('a', 3)]);
          expect(await supplier.store.batches.failures(supplier.id, clean.uuid ?? '')).toEqual([]);
          const nowMs = Date.now() + 1;
          expect(await supplier.store.batches.sweep({ nowMs, failuresBeforeMs: 0 }, 10)).toBe(
            false,
          );
          expect(await supplier.store.batches.failures(supplier.id, uuid ?? '')).toHaveLength(2);
          await supplier.store.batches.sweep({ nowMs, failuresBeforeMs: nowMs }, 10);
          expect(await supplier.store.batches.failures(supplier.id, uuid ?? '')).toBeUndefined();
          expect(await supplier.store.batches.find(supplier.id, uuid ?? '')).toMatchObject({
            lineCount: 3,
          });
        });

        test('the oldest failed lines of a supplier with too many are deleted, not those of files or of others', async () => {
          const { store } = supplier;
          const other = await createSupplier(store, 'Frugal');
          const fail = async (supplierId: number, source: 'bulk' | 'file', skuId: string) => {
            const batch = batchOf(supplierId, [{ skuId, fields: { quantityInStock: 1 } }]);
            const { uuid } = await applyOne(store, { ...batch, source });
            return async () => (await store.batches.failures(supplierId, uuid ?? '')) !== undefined;
          };
          const ofFile = await fail(supplier.id, 'file', longText());
          const oldest = await fail(supplier.id, 'bulk', longText());
          const older = await fail(supplier.id, 'bulk', longText());
          const ofOther = await fail(other, 'bulk', longText());
          const newest = await fail(supplier.id, 'bulk', longText());
          const bytesMax = 600;
          expect(await store.batches.trimResults({ bytesMax }, 1)).toBe(true);
          expect(await Promise.all([oldest(), older()])).toEqual([false, true]);
          await store.batches.trimResults({ bytesMax }, 10);
          expect(await store.batches.trimResults({ bytesMax }, 10)).toBe(false);
          const kept = await Promise.all([ofFile(), older(), ofOther(), newest()]);
          expect(kept).toEqual([true, false, true, true]);
        });

        test('so are the effects that are kept for repeated requests, and repeats are told', async () => {
          const { store } = supplier;
          const other = await createSupplier(store, 'Thrifty');
          for (const id of [supplier.id, other]) await importSkus(store, id, [entry('a')]);
          const apply = (supplierId: number, key: string, quantityInStock: number) => {
            const batch = batchOf(supplierId, [{ skuId: 'a', fields: { quantityInStock } }]);
            const idempotency = {
              key,
              fingerprint: Buffer.from(key),
              requestId: key,
              expiresAtMs: Date.now() + 1e6,
            };
            return store.apply([{ ...batch, options: { idempotency, withEffects: true } }]);
          };
          for (const id of [supplier.id, other]) {
            await apply(id, 'first', 1);
            await apply(id, 'second', 2);
          }
          const quota = { bytesMax: 200, supplierId: supplier.id };
          while (await store.batches.trimResults(quota, 1));
          expect(await store.batches.trimResults(quota, 1)).toBe(false);
          const outcomes = [
            await apply(supplier.id, 'first', 1),
            await apply(supplier.id, 'second', 2),
            await apply(other, 'first', 1),
          ].flat();
          expect(outcomes).toEqual([
            expect.objectContaining({ code: 'results_expired' }),
            expect.objectContaining({ repeats: 'second' }),
            expect.objectContaining({ repeats: 'first' }),
          ]);
          expect(outcomes.slice(1).map((outcome) => succeeded(outcome).effects.size)).toEqual([
            1, 1,
          ]);
        });
      });
    });

    describe('reverting a batch', () => {
      test('restores SKUs that the batch changed last and reports those changed since', async () => {
        await supplier.stock(['a', 'b', 'c'], { quantityInStock: 1, restrictions: 2 });
        const { uuid } = await supplier.apply([
          set('a', 2),
          { skuId: 'b', fields: { quantityInStock: null, restrictions: null } },
          set('c', 2),
        ]);
        await supplier.apply([set('c', 3)]);
        const outcome = await supplier.revert(uuid);
        expect(outcome.skus).toEqual([
          { skuId: 'a', outcome: 'reverted' },
          { skuId: 'b', outcome: 'reverted' },
          { skuId: 'c', outcome: 'moved_on' },
        ]);
        const was = { ...NOTHING_KNOWN, quantityInStock: 1, restrictions: 2 };
        expect(await supplier.inventoryOf('a')).toEqual(was);
        expect(await supplier.inventoryOf('b')).toEqual(was);
        expect(await supplier.stockOf('c')).toBe(3);
        expect(await supplier.store.batches.find(supplier.id, outcome.uuid ?? '')).toMatchObject({
          source: 'revert',
          revertsUuid: uuid,
          changedCount: 2,
        });
      });

      test('leaves SKUs that a later batch confirmed, unless forced', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 1 });
        const { uuid } = await supplier.apply([set('a', 2), set('b', 2)]);
        await supplier.apply([set('a', 2)]);
        expect(
          (await supplier.revert(uuid, { dryRun: true })).skus.map((sku) => sku.outcome),
        ).toEqual(['confirmed', 'reverted']);
        expect(await supplier.stockOf('b')).toBe(2);
        const forced = await supplier.revert(uuid, { force: true });
        expect(forced.skus.map((sku) => sku.outcome)).toEqual(['reverted', 'reverted']);
        expect([await supplier.stockOf('a'), await supplier.stockOf('b')]).toEqual([1, 1]);
      });

      test('can itself be reverted once', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        const { uuid } = await supplier.apply([set('a', 2)]);
        const undone = await supplier.revert(uuid);
        expect((await supplier.revert(uuid)).uuid).toBeNull();
        await supplier.revert(undone.uuid);
        expect(await supplier.stockOf('a')).toBe(2);
      });

      test('is possible batch by batch, if all later ones have been reverted', async () => {
        await supplier.stock(['a', 'b'], { quantityInStock: 1 });
        const first = await supplier.apply([set('a', 2), set('b', 2)]);
        const second = await supplier.apply([set('a', 3), set('b', 3)]);
        const undoneSecond = await supplier.revert(second.uuid);
        await supplier.apply([set('b', 9)]);
        const undoneFirst = await supplier.revert(first.uuid);
        expect(undoneFirst.skus).toEqual([
          { skuId: 'a', outcome: 'reverted' },
          { skuId: 'b', outcome: 'moved_on' },
        ]);
        expect([await supplier.stockOf('a'), await supplier.stockOf('b')]).toEqual([1, 9]);
        // Reverts the reverts.
        await supplier.revert(undoneFirst.uuid);
        await supplier.revert(undoneSecond.uuid);
        expect([await supplier.stockOf('a'), await supplier.stockOf('b')]).toEqual([3, 9]);
        await supplier.revert(second.uuid);
        await supplier.revert(first.uuid);
        expect(await supplier.stockOf('a')).toBe(1);
      });

      test('of several batches at once is not blocked by the changes of each other', async () => {
        await supplier.stock(['a', 'b', 'c'], { quantityInStock: 1 });
        const pieces = [
          await supplier.apply([set('a', 2), set('b', 2), set('c', 2)]),
          await supplier.apply([set('a', 3), set('b', 2)]),
          await supplier.apply([set('a', 4), set('c', 3)]),
        ].map(({ uuid }) => uuid ?? '');
        await supplier.apply([set('c', 3)]);
        for (const dryRun of [true, false]) {
          const outcomes: string[] = [];
          for (const uuid of pieces.toReversed()) {
            const { skus } = await supplier.revert(uuid, { among: pieces, dryRun });
            outcomes.push(skus.map(({ skuId, outcome }) => `${skuId} ${outcome}`).join(', '));
          }
          expect(outcomes).toEqual([
            'a reverted, c confirmed',
            'a reverted',
            'a reverted, b reverted, c confirmed',
          ]);
          const expected = dryRun ? [4, 2, 3] : [1, 1, 3];
          expect(await Promise.all(['a', 'b', 'c'].map((name) => supplier.stockOf(name)))).toEqual(
            expected,
          );
        }
      });

      test('is as of the time of the revert', async () => {
        await supplier.stock(['a'], { quantityInStock: 1 });
        const beforeUs = Date.now() * 1000 - 1;
        const { uuid } = await supplier.apply([set('a', 2)]);
        await supplier.revert(uuid);
        expect(statuses(await supplier.apply([set('a', 9, { asOfUs: beforeUs })]))).toEqual([412]);
      });
    });
  });
}
