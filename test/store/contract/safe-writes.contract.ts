import { beforeEach, describe, expect, test } from 'vitest';
import { NOTHING_KNOWN, type Inventory } from '../../../src/domain/inventory.ts';
import type { OnhandError } from '../../../src/domain/errors.ts';
import type { BatchOutcome, BatchOptions } from '../../../src/domain/batches.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  entry,
  importSkus,
  succeeded,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';
import { useOwnDatabase, useSharedStore, type ContractStore } from './contract-store.ts';

const UPCA = 12_345_678_905;
const HOUR_MS = 3_600_000;
const DEFAULT_BREAKER = { percentMax: 50, skusMin: 100 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const set = (skuId: string, quantityInStock: number | null, more: Partial<Draft> = {}): Draft => ({
  skuId,
  fields: { quantityInStock },
  ...more,
});

const statuses = (outcome: BatchOutcome): readonly number[] => [...outcome.statuses];

const keyed = (key: string, request = 'r', expiresAtMs = Date.now() + HOUR_MS): BatchOptions => ({
  idempotency: {
    key,
    fingerprint: bytes(request),
    requestId: `id of ${request}`,
    expiresAtMs,
  },
  withEffects: true,
});

const snapshot = (asOfUs: number | null = null): BatchOptions => ({
  snapshot: { asOfUs, defaultSafetyLimit: DEFAULT_BREAKER },
});

const confirmation = (code: string, body = 'body') => ({
  confirmation: { code, fingerprint: bytes(body) },
});

const change = (stockChange: number, skuId = 'a'): Draft => ({
  skuId,
  fields: {},
  stockChange,
});

/** The contract of safe writes. */
export function describeSafeWrites(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
): void {
  describe(`safe writes on a ${kind} store`, () => {
    let store: Store;
    let supplierId: number;

    const begin = async (tested: ContractStore): Promise<void> => {
      ({ store } = tested);
      ({ id: supplierId } = await tested.newSupplier());
    };
    const tested = useSharedStore(createDatabase, begin);
    const createOther = async (): Promise<number> => (await tested.newSupplier()).id;

    const stock = async (names: readonly string[], inventory: Partial<Inventory> = {}) => {
      await importSkus(
        store,
        supplierId,
        names.map((name) => entry(name, { inventory })),
      );
    };
    const inventoryOf = async (skuId: string): Promise<Inventory | undefined> => {
      const query = { supplierIds: [supplierId], filter: { skuId }, from: { start: 0 }, limit: 1 };
      return (await store.skus.list(query)).skus[0]?.inventory;
    };
    const stockOf = async (skuId: string) => (await inventoryOf(skuId))?.quantityInStock;
    const apply = (drafts: readonly Draft[], options: BatchOptions = {}): Promise<BatchOutcome> =>
      applyOne(store, { ...batchOf(supplierId, drafts), options });
    const refusal = async (
      drafts: readonly Draft[],
      options: BatchOptions,
    ): Promise<OnhandError> => {
      const [outcome] = await store.apply([{ ...batchOf(supplierId, drafts), options }]);
      if (!(outcome instanceof Error)) throw new Error('the batch was not refused');
      return outcome;
    };

    const revert = async (
      uuid: string | null,
      more: { force?: boolean; dryRun?: boolean; among?: readonly string[] } = {},
    ) => {
      const asked = { supplierId, uuid: uuid ?? '', force: false, dryRun: false, userId: null };
      const outcome = await store.batches.revert({ ...asked, ...more });
      if (outcome === undefined) throw new Error('there is no such batch');
      return outcome;
    };

    describe('a line with as_of', () => {
      const LATER_US = (Date.now() + HOUR_MS) * 1000;

      test('is applied unless a later one has been', async () => {
        await stock(['a']);
        await apply([set('a', 1, { asOfUs: LATER_US })]);
        const older = await apply([set('a', 2, { asOfUs: LATER_US - 1 })]);
        expect(statuses(older)).toEqual([412]);
        expect(older.details.get(0)).toEqual({ kind: 'older', heldAsOfUs: LATER_US });
        expect(await stockOf('a')).toBe(1);
        expect(statuses(await apply([set('a', 3, { asOfUs: LATER_US })]))).toEqual([200]);
        expect(await stockOf('a')).toBe(3);
      });

      test('is older than a SKU that was created or changed without as_of after that time', async () => {
        await stock(['a', 'b']);
        const pastUs = (Date.now() - HOUR_MS) * 1000;
        expect(statuses(await apply([set('a', 1, { asOfUs: pastUs })]))).toEqual([412]);
        await apply([set('b', 1, { asOfUs: LATER_US })]);
        await apply([set('b', 2)]);
        expect(statuses(await apply([set('b', 3, { asOfUs: pastUs })]))).toEqual([412]);
        expect(await stockOf('b')).toBe(2);
      });

      test('that changes nothing advances the time without recording a change', async () => {
        await stock(['a'], { quantityInStock: 5 });
        const confirming = await apply([set('a', 5, { asOfUs: LATER_US })]);
        expect(statuses(confirming)).toEqual([200]);
        const older = await apply([set('a', 6, { asOfUs: LATER_US - 1 })]);
        expect(statuses(older)).toEqual([412]);
        const { batches } = await store.batches.list(supplierId, { start: 0, limit: 3 });
        expect(batches.map((batch) => batch.changedCount)).toEqual([0, 0, 1]);
      });

      test('the time does not advance with a line without as_of that changes nothing', async () => {
        await stock(['a'], { quantityInStock: 5 });
        await apply([set('a', 7, { asOfUs: LATER_US })]);
        await apply([set('a', 7), set('a', 8, { asOfUs: LATER_US - 1 })]);
        expect(await stockOf('a')).toBe(7);
      });

      test('the time does not advance with an update of the product', async () => {
        await stock(['a'], { quantityInStock: 5 });
        const betweenUs = Date.now() * 1000 + 999_999;
        await apply([set('a', 6, { asOfUs: betweenUs })]);
        await importSkus(store, supplierId, [entry('a', { product: { title: 'new' } })]);
        expect(statuses(await apply([set('a', 9, { asOfUs: betweenUs })]))).toEqual([200]);
      });

      test('is compared within a batch and a group of batches, too', async () => {
        await stock(['a']);
        const outcomes = await store.apply([
          batchOf(supplierId, [
            set('a', 1, { asOfUs: LATER_US }),
            set('a', 2, { asOfUs: LATER_US - 1 }),
          ]),
          batchOf(supplierId, [set('a', 3, { asOfUs: LATER_US - 2 })]),
        ]);
        expect(outcomes.map((outcome) => statuses(succeeded(outcome)))).toEqual([
          [200, 412],
          [412],
        ]);
      });
    });

    describe('conditions', () => {
      test('a line is applied only if the stock is the expected quantity, null included', async () => {
        await stock(['a']);
        const outcome = await apply([
          set('a', 1, { expectedQuantity: 5 }),
          set('a', 1, { expectedQuantity: null }),
          set('a', 2, { expectedQuantity: null }),
          set('a', 3, { expectedQuantity: 1 }),
        ]);
        expect(statuses(outcome)).toEqual([412, 200, 412, 200]);
        expect(outcome.details.get(0)).toEqual({ kind: 'unexpected', quantityInStock: null });
        expect(outcome.details.get(2)).toEqual({ kind: 'unexpected', quantityInStock: 1 });
        expect(await stockOf('a')).toBe(3);
      });

      test('a relative change adds to known stock, within bounds', async () => {
        await stock(['a', 'unknown']);
        const outcome = await apply([
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
        expect(await stockOf('a')).toBe(2_147_483_647);
      });
    });

    describe('lines that are applied together or not at all', () => {
      test('a group with a failed line changes nothing, and other lines apply', async () => {
        await stock(['a', 'b', 'c'], { quantityInStock: 1 });
        const outcome = await apply([
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
        expect([await stockOf('a'), await stockOf('b'), await stockOf('c')]).toEqual([2, 4, 4]);
      });

      test('an atomic batch applies all lines or none, invalid lines included', async () => {
        await stock(['a', 'b'], { quantityInStock: 1 });
        const failing = await apply([set('a', 2), set('missing', 2), set('b', 2)], {
          atomic: true,
        });
        expect(statuses(failing)).toEqual([424, 404, 424]);
        const refusedLine = set('b', 2, { refusal: { message: 'wrong', namesRead: true } });
        expect(statuses(await apply([set('a', 2), refusedLine], { atomic: true }))).toEqual([
          424, 400,
        ]);
        expect(await stockOf('a')).toBe(1);
        expect(statuses(await apply([set('a', 2), set('b', 2)], { atomic: true }))).toEqual([
          200, 200,
        ]);
        expect(await stockOf('b')).toBe(2);
      });
    });

    test('a dry run returns what would happen and writes nothing', async () => {
      await stock(['a'], { quantityInStock: 1 });
      const lines = [set('a', 2), set('missing', 2)];
      const outcome = await apply(lines, { dryRun: true, withEffects: true });
      expect(statuses(outcome)).toEqual([200, 404]);
      expect(outcome.uuid).toBeNull();
      expect(outcome.effects.get(0)).toMatchObject({
        before: { quantityInStock: 1 },
        after: { quantityInStock: 2 },
        sequence: null,
      });
      expect(await stockOf('a')).toBe(1);
      expect((await store.batches.list(supplierId, { start: 0, limit: 9 })).totalCount).toBe(1);
      expect(statuses(await apply(lines))).toEqual([200, 404]);
    });

    test('a dry run sees the other batches of its group and does not affect them', async () => {
      await stock(['a'], { quantityInStock: 1 });
      const dry = {
        ...batchOf(supplierId, [set('a', 9)]),
        options: { dryRun: true, withEffects: true },
      };
      const outcomes = await store.apply([dry, batchOf(supplierId, [set('a', 2)])]);
      expect(succeeded(outcomes[0]).effects.get(0)?.before.quantityInStock).toBe(2);
      expect(await stockOf('a')).toBe(2);
    });

    test('effects contain before and after of each line, and the sequence of the change', async () => {
      await stock(['a', 'b'], { quantityInStock: 1 });
      const outcome = await apply([set('a', 2), set('a', 3), set('b', 1)], { withEffects: true });
      expect([...outcome.effects.values()]).toMatchObject([
        { before: { quantityInStock: 1 }, after: { quantityInStock: 2 }, sequence: 3 },
        { before: { quantityInStock: 2 }, after: { quantityInStock: 3 }, sequence: 3 },
        { before: { quantityInStock: 1 }, after: { quantityInStock: 1 }, sequence: null },
      ]);
      const { skus } = await store.skus.list({
        supplierIds: [supplierId],
        filter: {},
        from: { start: 0 },
        limit: 2,
      });
      expect(outcome.effects.get(0)?.skuUuid).toBe(skus[0]?.uuid);
    });

    test('a group of large batches keeps each line, its detail and its effect, also when it is repeated', async () => {
      await stock(['a'], { quantityInStock: 1 });
      const drafts = Array.from({ length: 4200 }, (_, i): Draft => {
        if (i % 4 === 1) return set(`é,{"index":${i}`, i);
        if (i % 4 === 2) return set('a', i, { refusal: { message: `no ${i}`, namesRead: true } });
        return i % 4 === 3 ? set('a', i, { expectedQuantity: i }) : set('a', i);
      });
      const of = (key: string) => ({ ...batchOf(supplierId, drafts), options: keyed(key) });
      const first = (await store.apply([of('x'), of('y')])).map(succeeded);
      const again = (await store.apply([of('x'), of('y')])).map(succeeded);
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
      const failed = await store.batches.failures(supplierId, again[1]?.uuid ?? '');
      expect(failed).toHaveLength(3150);
      expect(failed?.at(-2)).toMatchObject({ index: 4198, message: 'no 4198' });
      expect(failed?.at(-3)).toMatchObject({ index: 4197, skuId: 'é,{"index":4197' });
    });

    describe('an idempotency key', () => {
      test('that is repeated returns the first outcome, applied once', async () => {
        await stock(['a', 'b', 'twin'], { quantityInStock: 1 });
        const lines: readonly Draft[] = [
          { skuId: 'a', fields: {}, stockChange: 4 },
          set('missing', 1),
          set('b', 7, { expectedQuantity: 3 }),
          set('b', 7, { refusal: { message: 'no', namesRead: true } }),
        ];
        const first = await apply(lines, keyed('k'));
        await apply([set('a', 100)]);
        const again = await apply(lines, keyed('k'));
        expect(again).toEqual({ ...first, repeats: 'id of r' });
        expect(statuses(again)).toEqual([200, 404, 412, 400]);
        expect(await stockOf('a')).toBe(100);
      });

      test('that occurs twice in a group is applied once', async () => {
        await stock(['a'], { quantityInStock: 1 });
        const batch = {
          ...batchOf(supplierId, [{ skuId: 'a', fields: {}, stockChange: 4 }]),
          options: keyed('k'),
        };
        const outcomes = await store.apply([batch, batch]);
        expect(outcomes.map((outcome) => succeeded(outcome).repeats)).toEqual([null, 'id of r']);
        expect(await stockOf('a')).toBe(5);
      });

      test('that is used for another request fails its batch', async () => {
        await stock(['a'], { quantityInStock: 1 });
        await apply([set('a', 2)], keyed('k'));
        const refused = await refusal([set('a', 3)], keyed('k', 'other'));
        expect(refused.code).toBe('idempotency_key_reused');
        expect(await stockOf('a')).toBe(2);
      });

      test('is scoped to its supplier and expires', async () => {
        await stock(['a'], { quantityInStock: 1 });
        const other = await createOther();
        await importSkus(store, other, [entry('a', { inventory: { quantityInStock: 1 } })]);
        await apply([set('a', 2)], keyed('k', 'r', Date.now() - 1));
        expect((await apply([set('a', 3)], keyed('k', 'another'))).repeats).toBeNull();
        const elsewhere = await applyOne(store, {
          ...batchOf(other, [set('a', 2)]),
          options: keyed('k', 'third'),
        });
        expect(elsewhere.repeats).toBeNull();
      });

      test('survives reopening the database', async () => {
        await stock(['a'], { quantityInStock: 1 });
        const first = await apply([set('a', 2)], keyed('k'));
        store = await tested.reopen();
        expect(await apply([set('a', 2)], keyed('k'))).toEqual({ ...first, repeats: 'id of r' });
      });

      describe('after retention', () => {
        useOwnDatabase(tested, begin);

        test('is refused once its failed results have been deleted', async () => {
          await stock(['a'], { quantityInStock: 1 });
          const lines = [set('a', 2), set('missing', 2)];
          await apply(lines, keyed('k'));
          const nowMs = Date.now() + 1;
          await store.batches.sweep({ nowMs, failuresBeforeMs: nowMs }, 10);
          expect((await refusal(lines, keyed('k'))).code).toBe('results_expired');
        });
      });

      test('is not consumed by a dry run', async () => {
        await stock(['a'], { quantityInStock: 1 });
        await apply([set('a', 2)], { ...keyed('k'), dryRun: true });
        expect((await apply([set('a', 3)], keyed('k', 'other'))).repeats).toBeNull();
      });
    });

    describe('batches', () => {
      test('are listed latest first, with their reasons', async () => {
        await stock(['a', 'b'], { quantityInStock: 1 });
        const sent = {
          ...batchOf(supplierId, [set('a', 2), set('b', 1), set('missing', 1)]),
          reason: 'count',
          reference: 'ö-17',
        };
        const { uuid } = await applyOne(store, sent);
        const { totalCount, batches, hasMore } = await store.batches.list(supplierId, {
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
        expect(await store.batches.find(supplierId, uuid ?? '')).toEqual(batches[0]);
        const next = await store.batches.list(supplierId, { start: 1, limit: 9 });
        expect(next.batches.map((batch) => [batch.source, batch.statusCounts])).toEqual([
          ['import', { 200: 2 }],
        ]);
        expect(next.hasMore).toBe(false);
      });

      test('are visible to their supplier only', async () => {
        await stock(['a']);
        const { uuid } = await apply([set('a', 2)]);
        const other = await createOther();
        await importSkus(store, other, [entry('a'), entry('b')]);
        await importSkus(store, other, [entry('a')]);
        expect(await store.batches.find(other, uuid ?? '')).toBeUndefined();
        expect(await store.batches.failures(other, uuid ?? '')).toBeUndefined();
        const asked = { uuid: uuid ?? '', force: false, dryRun: false, userId: null };
        expect(await store.batches.revert({ ...asked, supplierId: other })).toBeUndefined();
      });

      describe('under retention', () => {
        useOwnDatabase(tested, begin);

        test('keep their failed lines for a limited time', async () => {
          await stock(['a', 'b']);
          const { uuid } = await apply([
            set('a', 2),
            {
              skuId: null,
              gtins: [UPCA],
              fields: { quantityInStock: 1 },
              asSent: { upca: ['12345678905'] },
            },
            { skuId: 'b', fields: {}, refusal: { message: 'no field', namesRead: true } },
          ]);
          const failures = await store.batches.failures(supplierId, uuid ?? '');
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
          const clean = await apply([set('a', 3)]);
          expect(await store.batches.failures(supplierId, clean.uuid ?? '')).toEqual([]);
          const nowMs = Date.now() + 1;
          expect(await store.batches.sweep({ nowMs, failuresBeforeMs: 0 }, 10)).toBe(false);
          expect(await store.batches.failures(supplierId, uuid ?? '')).toHaveLength(2);
          await store.batches.sweep({ nowMs, failuresBeforeMs: nowMs }, 10);
          expect(await store.batches.failures(supplierId, uuid ?? '')).toBeUndefined();
          expect(await store.batches.find(supplierId, uuid ?? '')).toMatchObject({ lineCount: 3 });
        });
      });
    });

    describe('reverting a batch', () => {
      test('restores SKUs that the batch changed last and reports those changed since', async () => {
        await stock(['a', 'b', 'c'], { quantityInStock: 1, restrictions: 2 });
        const { uuid } = await apply([
          set('a', 2),
          { skuId: 'b', fields: { quantityInStock: null, restrictions: null } },
          set('c', 2),
        ]);
        await apply([set('c', 3)]);
        const outcome = await revert(uuid);
        expect(outcome.skus).toEqual([
          { skuId: 'a', outcome: 'reverted' },
          { skuId: 'b', outcome: 'reverted' },
          { skuId: 'c', outcome: 'moved_on' },
        ]);
        const was = { ...NOTHING_KNOWN, quantityInStock: 1, restrictions: 2 };
        expect(await inventoryOf('a')).toEqual(was);
        expect(await inventoryOf('b')).toEqual(was);
        expect(await stockOf('c')).toBe(3);
        expect(await store.batches.find(supplierId, outcome.uuid ?? '')).toMatchObject({
          source: 'revert',
          revertsUuid: uuid,
          changedCount: 2,
        });
      });

      test('leaves SKUs that a later batch confirmed, unless forced', async () => {
        await stock(['a', 'b'], { quantityInStock: 1 });
        const { uuid } = await apply([set('a', 2), set('b', 2)]);
        await apply([set('a', 2)]);
        expect((await revert(uuid, { dryRun: true })).skus.map((sku) => sku.outcome)).toEqual([
          'confirmed',
          'reverted',
        ]);
        expect(await stockOf('b')).toBe(2);
        const forced = await revert(uuid, { force: true });
        expect(forced.skus.map((sku) => sku.outcome)).toEqual(['reverted', 'reverted']);
        expect([await stockOf('a'), await stockOf('b')]).toEqual([1, 1]);
      });

      test('can itself be reverted once', async () => {
        await stock(['a'], { quantityInStock: 1 });
        const { uuid } = await apply([set('a', 2)]);
        const undone = await revert(uuid);
        expect((await revert(uuid)).uuid).toBeNull();
        await revert(undone.uuid);
        expect(await stockOf('a')).toBe(2);
      });

      test('is possible batch by batch, if all later ones have been reverted', async () => {
        await stock(['a', 'b'], { quantityInStock: 1 });
        const first = await apply([set('a', 2), set('b', 2)]);
        const second = await apply([set('a', 3), set('b', 3)]);
        const undoneSecond = await revert(second.uuid);
        await apply([set('b', 9)]);
        const undoneFirst = await revert(first.uuid);
        expect(undoneFirst.skus).toEqual([
          { skuId: 'a', outcome: 'reverted' },
          { skuId: 'b', outcome: 'moved_on' },
        ]);
        expect([await stockOf('a'), await stockOf('b')]).toEqual([1, 9]);
        // Reverts the reverts.
        await revert(undoneFirst.uuid);
        await revert(undoneSecond.uuid);
        expect([await stockOf('a'), await stockOf('b')]).toEqual([3, 9]);
        await revert(second.uuid);
        await revert(first.uuid);
        expect(await stockOf('a')).toBe(1);
      });

      test('of several batches at once is not blocked by the changes of each other', async () => {
        await stock(['a', 'b', 'c'], { quantityInStock: 1 });
        const pieces = [
          await apply([set('a', 2), set('b', 2), set('c', 2)]),
          await apply([set('a', 3), set('b', 2)]),
          await apply([set('a', 4), set('c', 3)]),
        ].map(({ uuid }) => uuid ?? '');
        await apply([set('c', 3)]);
        for (const dryRun of [true, false]) {
          const outcomes: string[] = [];
          for (const uuid of pieces.toReversed()) {
            const { skus } = await revert(uuid, { among: pieces, dryRun });
            outcomes.push(skus.map(({ skuId, outcome }) => `${skuId} ${outcome}`).join(', '));
          }
          expect(outcomes).toEqual([
            'a reverted, c confirmed',
            'a reverted',
            'a reverted, b reverted, c confirmed',
          ]);
          const expected = dryRun ? [4, 2, 3] : [1, 1, 3];
          expect(await Promise.all(['a', 'b', 'c'].map(stockOf))).toEqual(expected);
        }
      });

      test('is as of the time of the revert', async () => {
        await stock(['a'], { quantityInStock: 1 });
        const beforeUs = Date.now() * 1000 - 1;
        const { uuid } = await apply([set('a', 2)]);
        await revert(uuid);
        expect(statuses(await apply([set('a', 9, { asOfUs: beforeUs })]))).toEqual([412]);
      });
    });

    describe('a snapshot', () => {
      test('zeroes the SKUs that it does not name, in the same batch', async () => {
        await stock(['a', 'b', 'c', 'zero', 'unknown']);
        await apply([
          set('a', 5),
          set('b', 5, { fields: { quantityInStock: 5, restrictions: 2 } }),
          set('c', 5),
          set('zero', 0),
        ]);
        const outcome = await apply([set('a', 6), set('c', 5)], snapshot());
        expect(outcome.zeroedCount).toBe(2);
        expect(await Promise.all(['a', 'b', 'c', 'zero', 'unknown'].map(stockOf))).toEqual([
          6, 0, 5, 0, 0,
        ]);
        expect((await inventoryOf('b'))?.restrictions).toBe(2);
        expect(await store.batches.find(supplierId, outcome.uuid ?? '')).toMatchObject({
          changedCount: 3,
          zeroedCount: 2,
          lineCount: 2,
        });
      });

      test('leaves every SKU that a failed line names', async () => {
        const product = { upca: '012345678905' };
        const inventory = { quantityInStock: 5 };
        await importSkus(store, supplierId, [
          ...['t1', 't2', 't3', 't4', 't5', 't6', 't7'].map((name) =>
            entry(name, { product, inventory }),
          ),
          ...['cond', 'bad', 'half', 'other', 'gone'].map((name) => entry(name, { inventory })),
        ]);
        const outcome = await apply(
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
        expect(await Promise.all(['t1', 't7', 'cond', 'bad', 'half'].map(stockOf))).toEqual([
          5, 5, 5, 5, 5,
        ]);
        expect(await Promise.all(['other', 'gone'].map(stockOf))).toEqual([0, 0]);
      });

      test('is refused if a line has no valid identifier', async () => {
        await stock(['a', 'b'], { quantityInStock: 5 });
        const lines = [
          set('a', 1),
          { skuId: null, fields: {}, refusal: { message: 'rounded', namesRead: false } },
        ];
        expect((await refusal(lines, snapshot())).code).toBe('snapshot_refused');
        expect(await stockOf('a')).toBe(5);
      });

      test('leaves SKUs with a later time', async () => {
        await stock(['a', 'b'], { quantityInStock: 5 });
        const laterUs = (Date.now() + HOUR_MS) * 1000;
        await apply([set('a', 7, { asOfUs: laterUs })]);
        const outcome = await apply([set('missing', 1)], snapshot(laterUs - 1));
        expect(outcome.zeroedCount).toBe(1);
        expect([await stockOf('a'), await stockOf('b')]).toEqual([7, 0]);
      });

      test('zeroes more SKUs than fit into one read', async () => {
        const names = Array.from({ length: 12_000 }, (_, i) => `sku-${i}`);
        await stock(names, { quantityInStock: 5 });
        await store.batches.setSafetyLimit(supplierId, { percentMax: 100, skusMin: 1 });
        const outcome = await apply([set('sku-7', 1)], snapshot());
        expect(outcome.zeroedCount).toBe(11_999);
        expect([
          await stockOf('sku-0'),
          await stockOf('sku-7'),
          await stockOf('sku-11999'),
        ]).toEqual([0, 1, 0]);
        await apply([set('sku-0', 3)]);
        expect(await stockOf('sku-0')).toBe(3);
      });

      test('that is atomic and fails zeroes nothing', async () => {
        await stock(['a', 'b'], { quantityInStock: 5 });
        const outcome = await apply([set('a', 1), set('missing', 1)], {
          ...snapshot(),
          atomic: true,
        });
        expect(outcome.zeroedCount).toBe(0);
        expect(await stockOf('b')).toBe(5);
      });
    });

    describe('the safety limit', () => {
      const BREAKER = { percentMax: 30, skusMin: 3 };
      const names = Array.from({ length: 10 }, (_, i) => `s${i}`);
      const zeroLines = (count: number): readonly Draft[] =>
        names.slice(0, count).map((name) => set(name, 0));

      beforeEach(async () => {
        await stock(names, { quantityInStock: 5 });
        await store.batches.setSafetyLimit(supplierId, BREAKER);
      });

      test('allows batches within its bounds', async () => {
        expect(await store.batches.safetyLimitOf(supplierId)).toEqual(BREAKER);
        expect(statuses(await apply(zeroLines(3)))).toEqual([200, 200, 200]);
      });

      test('refuses a batch that zeroes or discontinues too many SKUs', async () => {
        const lines = [
          ...zeroLines(2),
          ...names.slice(2, 4).map((skuId) => ({ skuId, fields: { restrictions: 1 } })),
        ];
        const refused = await refusal(lines, {});
        expect(refused.code).toBe('breaker_tripped');
        expect(refused.message).toMatch(/4 of 10 SKUs .* \(40 %\)/);
        expect(await stockOf('s0')).toBe(5);
        expect((await store.batches.list(supplierId, { start: 0, limit: 1 })).totalCount).toBe(1);
      });

      test('counts the SKUs that are live before the batch', async () => {
        await apply(zeroLines(3));
        expect(
          (
            await refusal(
              names.slice(3, 6).map((name) => set(name, 0)),
              {},
            )
          ).code,
        ).toBe('breaker_tripped');
        await apply(names.slice(0, 3).map((name) => set(name, 1)));
        expect(statuses(await apply(zeroLines(3)))).toEqual([200, 200, 200]);
      });

      test('allows exactly the confirmed body, once, before the code expires', async () => {
        const code = await store.batches.confirm(supplierId, bytes('body'), Date.now() + HOUR_MS);
        expect((await refusal(zeroLines(5), confirmation(code, 'other'))).code).toBe(
          'confirmation_invalid',
        );
        expect(statuses(await apply(zeroLines(5), confirmation(code)))).toEqual([
          200, 200, 200, 200, 200,
        ]);
        await apply(names.map((name) => set(name, 5)));
        expect((await refusal(zeroLines(5), confirmation(code))).code).toBe('confirmation_invalid');
        const late = await store.batches.confirm(supplierId, bytes('body'), Date.now() - 1);
        expect((await refusal(zeroLines(5), confirmation(late))).code).toBe('confirmation_invalid');
      });

      test('has a default for snapshots, which the limit of the supplier replaces', async () => {
        await store.batches.setSafetyLimit(supplierId, null);
        const options = {
          snapshot: { asOfUs: null, defaultSafetyLimit: { percentMax: 50, skusMin: 2 } },
        };
        expect(statuses(await apply(zeroLines(9)))).toHaveLength(9);
        await apply(names.map((name) => set(name, 5)));
        expect((await refusal([set('s0', 5)], options)).code).toBe('breaker_tripped');
        await store.batches.setSafetyLimit(supplierId, { percentMax: 100, skusMin: 1 });
        expect((await apply([set('s0', 5)], options)).zeroedCount).toBe(9);
      });

      test('does not affect other batches of a group', async () => {
        const outcomes = await store.apply([
          batchOf(supplierId, [set('s0', 6)]),
          batchOf(supplierId, zeroLines(10)),
          batchOf(supplierId, [set('s1', 7)]),
        ]);
        expect(outcomes.map((outcome) => outcome instanceof Error)).toEqual([false, true, false]);
        expect([await stockOf('s0'), await stockOf('s1'), await stockOf('s2')]).toEqual([6, 7, 5]);
      });
    });
  });
}
