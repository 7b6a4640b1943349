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
  /** The numbers of the SKUs whose change by the batch is still in effect. */
  readonly unchanged: ReadonlySet<number>;
  /** The numbers of those that a later batch has named and left as they were, unless that is no matter. */
  readonly confirmed: ReadonlySet<number>;
}

/** Restores every SKU whose change by the batch is still in effect; returns the result of each, in order. */
export function decideRevert(
  decision: BatchDecision,
  changes: readonly RevertibleChange[],
  known: RevertTarget,
): { readonly revertedCount: number; readonly skus: RevertOutcome['skus'] } {
  let revertedCount = 0;
  const skus = changes.map(({ skuNumber, before }) => {
    const skuId = known.skuIdOf(skuNumber);
    if (!known.unchanged.has(skuNumber)) return { skuId, outcome: 'moved_on' as const };
    if (known.confirmed.has(skuNumber)) return { skuId, outcome: 'confirmed' as const };
    decision.touch(known.skuState(skuNumber), before);
    revertedCount += 1;
    return { skuId, outcome: 'reverted' as const };
  });
  return { revertedCount, skus };
}

/** A change that came after the one that is to be put back. */
export interface LaterChange {
  readonly skuNumber: number;
  readonly sequence: number;
  /** Of the SKU's change before, 0 if it is its first. */
  readonly previousSequence: number;
  readonly batchNumber: number;
  /** Where the changes lie that its batch has undone, if it is an undo. */
  readonly undone: SequenceRange | null;
}

export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/** A later change as a query gives it; the last two are null where its batch undoes none. */
export type LaterChangeRow = [
  skuNumber: number,
  sequence: number,
  previousSequence: number,
  batchNumber: number,
  undoneFirst: number | null,
  undoneCount: number | null,
];

export function laterChangeOf(row: LaterChangeRow): LaterChange {
  const [skuNumber, sequence, previousSequence, batchNumber, first, count] = row;
  const undone = first === null || count === null ? null : { first, last: first + count - 1 };
  return { skuNumber, sequence, previousSequence, batchNumber, undone };
}

/** Which changes are to be read: those of these sequences, or all of a range. */
export type SequencesToRead = readonly number[] | SequenceRange;

/** Whether a question is for a range. */
export function isRange(wanted: SequencesToRead): wanted is SequenceRange {
  return 'first' in wanted;
}

/**
 * Finds the SKUs whose change by the batch is still in effect: it is the last, or all later ones were
 * undone, or are of batches that are undone together with it. Steps back from each SKU's last change,
 * all SKUs at once: it yields which changes it must know, and is given those that are there.
 *
 * @param lastOf the sequence of a SKU's last change
 * @param among numbers of the batches that are undone together
 * @returns the numbers of the SKUs
 */
export function* findUnchangedSince(
  changes: readonly RevertibleChange[],
  lastOf: (skuNumber: number) => number,
  among: ReadonlySet<number>,
): Generator<SequencesToRead, ReadonlySet<number>, readonly LaterChange[]> {
  const unchanged = new Set<number>();
  /** By the sequence that its SKU was followed back to. */
  let followed = new Map<number, RevertibleChange>();
  const follow = (sequence: number, change: RevertibleChange): void => {
    if (sequence === change.sequence) unchanged.add(change.skuNumber);
    else if (sequence > change.sequence) followed.set(sequence, change);
  };
  for (const change of changes) follow(lastOf(change.skuNumber), change);
  while (followed.size > 0) {
    const later = yield [...followed.keys()];
    const before = followed;
    followed = new Map();
    const revertedByRange = new Map<number, RevertedChanges>();
    for (const { sequence, previousSequence, batchNumber, undone } of later) {
      const change = before.get(sequence);
      if (change === undefined) continue;
      if (undone !== null) add(revertedByRange, undone, change);
      else if (among.has(batchNumber)) follow(previousSequence, change);
    }
    for (const { range, bySku } of revertedByRange.values()) {
      for (const { skuNumber, previousSequence } of yield range) {
        const change = bySku.get(skuNumber);
        if (change !== undefined) follow(previousSequence, change);
      }
    }
  }
  return unchanged;
}

/** The changes that one batch made, which was undone, and whose SKUs are to be followed to before them. */
interface RevertedChanges {
  readonly range: SequenceRange;
  readonly bySku: Map<number, RevertibleChange>;
}

function add(
  revertedByRange: Map<number, RevertedChanges>,
  range: SequenceRange,
  change: RevertibleChange,
): void {
  const undoing = revertedByRange.get(range.first) ?? { range, bySku: new Map() };
  revertedByRange.set(range.first, undoing);
  undoing.bySku.set(change.skuNumber, change);
}
