import type { BatchDecision, SkuState } from '../../domain/batch-decision.ts';
import { isRetired, NOTHING_KNOWN, RETIRED, type Inventory } from '../../domain/inventory.ts';
import { REVERTED_NAMED_MAX, type RevertOutcome, type SkuRevert } from '../../domain/batches.ts';
import { isPause, type Steps } from '../../domain/steps.ts';
import type { ProductChange } from './product-changes.ts';
import type { ProductOfItem } from './products.ts';

/** A change of the batch to revert. */
export interface RevertibleChange {
  readonly skuNumber: number;
  readonly sequence: number;
  readonly before: Inventory;
}

/** What the batch to revert did to products. */
export interface RevertibleProducts {
  readonly changes: readonly ProductChange[];
  /** Numbers of the SKUs whose product a later batch has written. */
  readonly rewritten: ReadonlySet<number>;
}

/** Access to the SKUs that the batch changed. */
export interface RevertTarget {
  skuState(skuNumber: number): SkuState;
  skuIdOf(skuNumber: number): string;
  /** Numbers of the SKUs that have not changed since (or whose later changes were reverted). */
  readonly unchanged: ReadonlySet<number>;
  /** Numbers of the SKUs that a later batch confirmed; empty if the revert is forced. */
  readonly confirmed: ReadonlySet<number>;
  readonly products: RevertibleProducts;
}

/** A SKU whose product is put back, or that is retired or brought back. */
export interface RevertedProduct {
  readonly skuNumber: number;
  /** Undefined if the product stays. */
  readonly product: ProductOfItem | undefined;
  readonly wasRetired: boolean;
  readonly isRetired: boolean;
}

export interface DecidedRevert extends Pick<RevertOutcome, 'counts' | 'skus'> {
  readonly products: readonly RevertedProduct[];
}

/** Adds to the changes of a batch one for each SKU that it created without inventory. */
export function withCreated(
  changes: readonly RevertibleChange[],
  products: readonly ProductChange[],
): readonly RevertibleChange[] {
  const changed = new Set(changes.map(({ skuNumber }) => skuNumber));
  const others = products.filter(
    ({ skuNumber, isCreated }) => isCreated && !changed.has(skuNumber),
  );
  return [
    ...changes,
    ...others.map(({ skuNumber }) => ({ skuNumber, sequence: 0, before: NOTHING_KNOWN })),
  ];
}

/**
 * Reverts every SKU that has not changed or been confirmed since, and retires those that the batch created. A product
 * is put back if no later batch has written it. Pauses meanwhile; the SKUs must stay as they are.
 *
 * @param changes of the batch, with those of `withCreated`
 */
export function* decidingRevert(
  decision: BatchDecision,
  changes: readonly RevertibleChange[],
  known: RevertTarget,
): Steps<DecidedRevert> {
  const { changes: productChanges, rewritten } = known.products;
  const created = new Set(
    productChanges.filter(({ isCreated }) => isCreated).map(({ skuNumber }) => skuNumber),
  );
  const outcomes = new Map<number, SkuRevert>();
  /** By the number of each SKU that is reverted: whether it was retired. */
  const reverted = new Map<number, boolean>();
  for (const [i, { skuNumber, before }] of changes.entries()) {
    if (isPause(i)) yield;
    const isCreated = created.has(skuNumber);
    if (!known.unchanged.has(skuNumber) || (isCreated && rewritten.has(skuNumber)))
      outcomes.set(skuNumber, 'moved_on');
    else if (known.confirmed.has(skuNumber)) outcomes.set(skuNumber, 'confirmed');
    else {
      const held = known.skuState(skuNumber);
      reverted.set(skuNumber, isRetired(held.inventory));
      decision.touch(held, isCreated ? RETIRED : before);
      outcomes.set(skuNumber, 'reverted');
    }
  }
  const products = new Map<number, ProductOfItem>();
  for (const { skuNumber, before, isCreated } of productChanges) {
    if (before === null || (isCreated && !reverted.has(skuNumber))) continue;
    if (rewritten.has(skuNumber)) {
      outcomes.set(skuNumber, 'moved_on');
      continue;
    }
    products.set(skuNumber, before);
    if (!outcomes.has(skuNumber)) outcomes.set(skuNumber, 'reverted');
    if (!reverted.has(skuNumber))
      reverted.set(skuNumber, isRetired(known.skuState(skuNumber).inventory));
  }
  const revertedProducts: RevertedProduct[] = [];
  for (const [skuNumber, wasRetired] of reverted) {
    const product = products.get(skuNumber);
    const isRetiredNow = isRetired(known.skuState(skuNumber).inventory);
    if (product !== undefined || wasRetired !== isRetiredNow)
      revertedProducts.push({ skuNumber, product, wasRetired, isRetired: isRetiredNow });
  }
  yield;
  return { ...nameOutcomes(outcomes, known), products: revertedProducts };
}

/** Counts the outcomes, and names the first SKUs of each kind. */
function nameOutcomes(
  outcomes: ReadonlyMap<number, SkuRevert>,
  { skuIdOf }: Pick<RevertTarget, 'skuIdOf'>,
): Pick<RevertOutcome, 'counts' | 'skus'> {
  const counts = { reverted: 0, moved_on: 0, confirmed: 0 };
  const skus: RevertOutcome['skus'][number][] = [];
  for (const [skuNumber, outcome] of outcomes) {
    counts[outcome] += 1;
    if (counts[outcome] <= REVERTED_NAMED_MAX) skus.push({ skuId: skuIdOf(skuNumber), outcome });
  }
  return { counts, skus };
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

/** The changes to read: individual sequences, or a range. No sequences: a pause. */
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
  for (const [i, change] of changes.entries()) {
    if (isPause(i)) yield [];
    follow(lastOf(change.skuNumber), change);
  }
  while (followed.size > 0) {
    const before = followed;
    const later: LaterChange[] = [];
    for (const sequences of inChunks([...followed.keys()], READ_TOGETHER))
      for (const change of yield sequences) later.push(change);
    followed = new Map();
    const revertedByRange = new Map<number, RevertedChanges>();
    for (const { sequence, previousSequence, batchNumber, undone } of later) {
      const change = before.get(sequence);
      if (change === undefined) continue;
      if (undone !== null) add(revertedByRange, undone, change);
      else if (among.has(batchNumber)) follow(previousSequence, change);
    }
    for (const { range, bySku } of revertedByRange.values()) {
      for (let first = range.first; first <= range.last; first += READ_TOGETHER) {
        const last = Math.min(range.last, first + READ_TOGETHER - 1);
        for (const { skuNumber, previousSequence } of yield { first, last }) {
          const change = bySku.get(skuNumber);
          if (change !== undefined) follow(previousSequence, change);
        }
      }
    }
  }
  return unchanged;
}

/** Changes that are read together: some milliseconds. */
const READ_TOGETHER = 500;

function* inChunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
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
