import type { BatchDecision, SkuState } from '../../domain/batch-decision.ts';
import type { Inventory } from '../../domain/inventory.ts';
import type { RevertOutcome } from '../../domain/batches.ts';

/** A change of the batch that is to be put back. */
export interface RevertibleChange {
  readonly skuNumber: number;
  readonly sequence: number;
  readonly before: Inventory;
}

/** What is known of the SKUs that the batch changed. */
export interface RevertTarget {
  skuState(skuNumber: number): SkuState;
  skuIdOf(skuNumber: number): string;
  /** The numbers of those of which the batch's change still stands. */
  readonly standing: ReadonlySet<number>;
  /** The numbers of those that a later batch has named and left as they were, unless that is no matter. */
  readonly confirmed: ReadonlySet<number>;
}

/** Puts back every SKU of which the batch's change still stands; tells what became of each, in order. */
export function decideUndo(
  decision: BatchDecision,
  changes: readonly RevertibleChange[],
  known: RevertTarget,
): { readonly revertedCount: number; readonly skus: RevertOutcome['skus'] } {
  let revertedCount = 0;
  const skus = changes.map(({ skuNumber, before }) => {
    const skuId = known.skuIdOf(skuNumber);
    if (!known.standing.has(skuNumber)) return { skuId, outcome: 'moved_on' as const };
    if (known.confirmed.has(skuNumber)) return { skuId, outcome: 'confirmed' as const };
    decision.touch(known.skuState(skuNumber), before);
    revertedCount += 1;
    return { skuId, outcome: 'reverted' as const };
  });
  return { revertedCount, skus };
}
