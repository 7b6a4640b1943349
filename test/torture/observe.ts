/** Reads what a store shows of a supplier, and compares it with what a model says. */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../src/domain/changes.ts';
import { isRetired, type Inventory } from '../../src/domain/inventory.ts';
import type { Store } from '../../src/store/store.ts';
import { batchNumberOf } from '../../src/store/uuids.ts';
import type { SupplierModel } from './supplier-model.ts';

const EVERYTHING = 1_000_000;

export interface Observed {
  readonly skus: readonly (readonly [skuId: string, inventory: Inventory])[];
  readonly lastSequence: number;
  /** Changes up to this one have been deleted. */
  readonly dropped: number;
  readonly changes: readonly Change[];
  readonly batchUuids: readonly string[];
  readonly counts: ReadonlyMap<string, readonly number[]>;
}

export async function observe(store: Store, supplierId: number): Promise<Observed> {
  const heads = await store.changes.heads([supplierId]);
  const head = heads.get(supplierId);
  const [lastSequence, dropped] = [head?.lastSequence ?? 0, (head?.oldestSequence ?? 1) - 1];
  const page = { supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 500 };
  const { skus } = await store.skus.list(page);
  const { batches } = await store.batches.list(supplierId, { start: 0, limit: EVERYTHING });
  const hours = { supplierIds: [supplierId], fromHour: 0, untilHour: EVERYTHING };
  const counts = await store.batches.hourCounts(hours);
  return {
    skus: skus.map((sku) => [sku.skuId, sku.inventory]),
    lastSequence,
    dropped,
    changes: await store.changes.read(supplierId, dropped, EVERYTHING),
    batchUuids: batches.map(({ uuid }) => uuid).toReversed(),
    counts: new Map(
      counts.map(({ hour, source, batches: sent, lines, changed, failed }) => [
        `${hour} ${source}`,
        [sent, lines, changed, failed],
      ]),
    ),
  };
}

/** How an observation differs from a model; undefined if it does not. */
export function difference(
  observed: Observed,
  model: SupplierModel,
  hasHours: boolean,
): string | undefined {
  const { lines, batches } = model;
  const expected = [...lines.skus].flatMap(([skuId, { inventory }]) =>
    isRetired(inventory) ? [] : [[skuId, inventory] as const],
  );
  if (observed.batchUuids.length !== batches.length)
    return `has ${observed.batchUuids.length} batches, not ${batches.length}`;
  const numbers = observed.batchUuids.map(batchNumberOf);
  if (numbers.some((number, i) => number !== i + 1)) return `numbers its batches ${numbers.join()}`;
  if (observed.lastSequence !== lines.changes.length)
    return `counts to change ${observed.lastSequence}, not ${lines.changes.length}`;
  if (observed.dropped > model.droppable || observed.dropped < model.dropped)
    return `has deleted changes up to ${observed.dropped}, which may be ${model.dropped} to ${model.droppable}`;
  const sequences = observed.changes.map(({ sequence }) => sequence);
  const gap = sequences.findIndex((sequence, i) => sequence !== observed.dropped + i + 1);
  if (gap >= 0 || sequences.length !== observed.lastSequence - observed.dropped)
    return `has changes ${sequences.join()} after ${observed.dropped}, up to ${observed.lastSequence}`;
  for (const batch of batches) {
    const different = differenceOfBatch(observed, batch, model);
    if (different !== undefined) return `batch ${batch.number} ${different}`;
  }
  for (const [i, [skuId, inventory]] of expected.entries()) {
    const [shownId, shown] = observed.skus[i] ?? [];
    if (shownId !== skuId || !isDeepStrictEqual(shown, inventory))
      return `shows ${JSON.stringify([shownId, shown])}, not ${JSON.stringify([skuId, inventory])}`;
  }
  if (observed.skus.length !== expected.length)
    return `shows ${observed.skus.length} SKUs, not ${expected.length}`;
  const [counted, sent] = [observed.counts, model.counts].map((counts) =>
    countsOf(counts, hasHours),
  );
  if (!isDeepStrictEqual(counted, sent))
    return `counts ${JSON.stringify(counted)}, not ${JSON.stringify(sent)}`;
  return undefined;
}

/** The order of changes within a batch is not specified. */
function differenceOfBatch(
  observed: Observed,
  { changes }: SupplierModel['batches'][number],
  { batches }: SupplierModel,
): string | undefined {
  const kept = changes.filter(({ sequence }) => sequence > observed.dropped);
  const [first] = kept;
  if (first === undefined) return undefined;
  const from = first.sequence - observed.dropped - 1;
  const shown = observed.changes.slice(from, from + kept.length);
  const bySku = new Map(shown.map((change) => [change.sku.skuId, change]));
  for (const { skuId, before, after } of kept) {
    const change = bySku.get(skuId);
    if (change === undefined) return `does not change ${skuId}`;
    if (!isDeepStrictEqual([change.before, change.after], [before, after]))
      return `changes ${skuId} from ${JSON.stringify(change.before)} to ${JSON.stringify(change.after)}, not from ${JSON.stringify(before)} to ${JSON.stringify(after)}`;
    const number = batchNumberOf(change.batchUuid);
    if (batches[number - 1]?.changes !== changes) return `has a change that names batch ${number}`;
  }
  return undefined;
}

function countsOf(counts: ReadonlyMap<string, readonly number[]>, hasHours: boolean) {
  const sums = new Map<string, readonly number[]>();
  for (const [place, values] of counts) {
    const name = hasHours ? place : (place.split(' ')[1] ?? '');
    const sum = sums.get(name) ?? [0, 0, 0, 0];
    sums.set(
      name,
      sum.map((value, i) => value + (values[i] ?? 0)),
    );
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
