import type { BatchDecision, SkuState } from '../../domain/batch-decision.ts';
import type { Inventory } from '../../domain/inventory.ts';
import type { RevertOutcome } from '../../domain/batches.ts';

/** A change of the batch to revert. */
export interface RevertibleChange {
  readonly skuNumber: number;
  readonly sequence: number;
  readonly before: Inventory;
}

/** Access to the SKUs that the batch changed. */
export interface RevertTarget {
  skuState(skuNumber: number): SkuState;
  skuIdOf(skuNumber: number): string;
  /** Numbers of the SKUs that have not changed since (or whose later changes were reverted). */
  readonly unchanged: ReadonlySet<number>;
  /** Numbers of the SKUs that a later batch confirmed; empty if the revert is forced. */
  readonly confirmed: ReadonlySet<number>;
}

/** Reverts every SKU that has not changed or been confirmed since. Returns one outcome per SKU, in order. */
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

/** A change that followed the one to revert. */
export interface LaterChange {
  readonly skuNumber: number;
  readonly sequence: number;
  /** The sequence of the SKU's previous change; 0 if there is none. */
  readonly previousSequence: number;
  readonly batchNumber: number;
  /** The changes that its batch reverted; null if it is not a revert. */
  readonly undone: SequenceRange | null;
}

export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/** A later change as it is selected; the last two are null if its batch is not a revert. */
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

/** The changes to read: individual sequences, or a range. */
export type SequencesToRead = readonly number[] | SequenceRange;

export function isRange(wanted: SequencesToRead): wanted is SequenceRange {
  return 'first' in wanted;
}

/**
 * Finds the SKUs whose change by a batch is still in effect: it is the SKU's last, or every later change was
 * reverted or belongs to a batch of `among`. The generator steps back from the last change of all SKUs at
 * once: it yields the changes to read, and expects those that exist.
 *
 * @param lastOf the sequence of a SKU's last change
 * @param among numbers of the batches that are reverted together
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

/** The changes of a reverted batch, and the SKUs to follow back beyond them. */
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
