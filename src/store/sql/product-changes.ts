/** What batches did to products, so that it can be undone: the same in every database. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { addMembers, encodeNumberSet } from '../../domain/number-set.ts';
import type { BatchSource } from '../../domain/batches.ts';
import { itemOf, productValues, type ProductOfItem } from './products.ts';

export interface ProductChange {
  readonly skuNumber: number;
  /** Null if the SKU is new. */
  readonly before: ProductOfItem | null;
  /** Whether the batch created the SKU or brought it back: undoing that retires the SKU. */
  readonly isCreated: boolean;
}

/** A row of `product_changes`, without its supplier, batch and time. */
export interface ProductChangeValues {
  readonly written: Uint8Array;
  readonly undo: Uint8Array | null;
}

/** Imports by the operator are not undone. */
export function encodeProductChanges(
  changes: readonly ProductChange[],
  source: BatchSource,
): ProductChangeValues {
  const written = encodeNumberSet(changes.map(({ skuNumber }) => skuNumber));
  if (source === 'import') return { written, undo: null };
  const rows = changes.map(({ skuNumber, isCreated, before }) => [
    skuNumber,
    isCreated,
    ...(before === null ? [] : productValues(before)),
  ]);
  return { written, undo: deflateRawSync(JSON.stringify(rows), { level: 1 }) };
}

export function decodeProductChanges(undo: Uint8Array | null): readonly ProductChange[] {
  if (undo === null) return [];
  const rows: unknown = JSON.parse(inflateRawSync(undo).toString());
  if (!Array.isArray(rows)) throw new Error('the product changes of a batch are damaged');
  return rows.map((row: unknown): ProductChange => {
    if (!Array.isArray(row)) throw new Error('a product change of a batch is damaged');
    const [skuNumber, isCreated, ...values] = row.map((value: unknown) => value);
    if (typeof skuNumber !== 'number') throw new Error('a product change of a batch is damaged');
    const before = values.length === 0 ? null : itemOf(values);
    return { skuNumber, isCreated: isCreated === true, before };
  });
}

/** A later batch that wrote products. */
export interface LaterProducts {
  readonly number: number;
  readonly written: Uint8Array;
  /** The number of the batch that it reverts; null if it is not a revert. */
  readonly revertsNumber: number | null;
}

/**
 * The SKUs among `candidates` whose product a later batch has written, apart from what was reverted since.
 *
 * @param batchNumber of the batch to revert
 * @param later the batches after it, the latest first
 * @param among numbers of the batches that are reverted together
 */
export function rewrittenSince(
  batchNumber: number,
  later: Iterable<LaterProducts>,
  candidates: ReadonlySet<number>,
  among: ReadonlySet<number>,
): ReadonlySet<number> {
  const rewritten = new Set<number>();
  /** By the number of a batch: the SKUs that it wrote and a later batch put back. */
  const undone = new Map<number, Set<number>>();
  for (const { number, written, revertsNumber } of later) {
    const members = new Set<number>();
    addMembers(written, candidates, members);
    const putBack = undone.get(number) ?? new Set();
    const undoes = revertsNumber !== null && revertsNumber > batchNumber ? revertsNumber : null;
    for (const skuNumber of members) {
      if (putBack.has(skuNumber)) continue;
      if (undoes === null) {
        if (!among.has(number)) rewritten.add(skuNumber);
        continue;
      }
      const ofUndone = undone.get(undoes) ?? new Set();
      undone.set(undoes, ofUndone.add(skuNumber));
    }
  }
  return rewritten;
}
