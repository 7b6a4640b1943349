import type { RevertibleChange } from './revert.ts';

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
export type LaterRow = [
  skuNumber: number,
  sequence: number,
  previousSequence: number,
  batchNumber: number,
  undoneFirst: number | null,
  undoneCount: number | null,
];

export function laterOf(row: LaterRow): LaterChange {
  const [skuNumber, sequence, previousSequence, batchNumber, first, count] = row;
  const undone = first === null || count === null ? null : { first, last: first + count - 1 };
  return { skuNumber, sequence, previousSequence, batchNumber, undone };
}

/** Which changes are to be read: those of these sequences, or all of a range. */
export type ChangesWanted = readonly number[] | SequenceRange;

/** Whether a question is for a range. */
export function isRange(wanted: ChangesWanted): wanted is SequenceRange {
  return 'first' in wanted;
}

/**
 * Finds the SKUs of which a batch's change still stands: it is the last, or all that came after it was
 * undone, or is of batches that are undone together with it. Steps back from each SKU's last change,
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
): Generator<ChangesWanted, ReadonlySet<number>, readonly LaterChange[]> {
  const standing = new Set<number>();
  /** By the sequence that its SKU was followed back to. */
  let followed = new Map<number, RevertibleChange>();
  const follow = (sequence: number, change: RevertibleChange): void => {
    if (sequence === change.sequence) standing.add(change.skuNumber);
    else if (sequence > change.sequence) followed.set(sequence, change);
  };
  for (const change of changes) follow(lastOf(change.skuNumber), change);
  while (followed.size > 0) {
    const later = yield [...followed.keys()];
    const before = followed;
    followed = new Map();
    const undoings = new Map<number, Undoing>();
    for (const { sequence, previousSequence, batchNumber, undone } of later) {
      const change = before.get(sequence);
      if (change === undefined) continue;
      if (undone !== null) add(undoings, undone, change);
      else if (among.has(batchNumber)) follow(previousSequence, change);
    }
    for (const { range, bySku } of undoings.values()) {
      for (const { skuNumber, previousSequence } of yield range) {
        const change = bySku.get(skuNumber);
        if (change !== undefined) follow(previousSequence, change);
      }
    }
  }
  return standing;
}

/** The changes that one batch made, which was undone, and whose SKUs are to be followed to before them. */
interface Undoing {
  readonly range: SequenceRange;
  readonly bySku: Map<number, RevertibleChange>;
}

function add(undoings: Map<number, Undoing>, range: SequenceRange, change: RevertibleChange): void {
  const undoing = undoings.get(range.first) ?? { range, bySku: new Map() };
  undoings.set(range.first, undoing);
  undoing.bySku.set(change.skuNumber, change);
}
