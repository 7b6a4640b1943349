/**
 * What a batch does, the same for every database: which lines apply and which do not, what that leaves of
 * the SKUs, and which changes it makes. Pure: a store hands in the SKUs and writes what comes out.
 */
import {
  conditionFailure,
  decide,
  decideFields,
  becomesUnsellable,
  isSellable,
  type ConditionFailure,
} from './decide.ts';
import { sameInventory, type Inventory } from './inventory.ts';
import type { Lines } from './lines.ts';
import type { SafetyLimit } from './safety-limit.ts';

/** A SKU as the batches of one transaction see it, from one to the next. */
export interface SkuState {
  readonly skuNumber: number;
  /** What its row holds. */
  readonly stored: Inventory;
  readonly storedSequence: number;
  inventory: Inventory;
  /** The sequence of its last change; 0 where there was none. */
  lastSequence: number;
  /**
   * Of when its inventory is, in microseconds since 1970-01-01T00:00Z: null is the time at which it was
   * last written, undefined is as its row says.
   */
  asOfUs: number | null | undefined;
  /** What the batch under way found, where it has touched the SKU. */
  before: Inventory | undefined;
  asOfBeforeUs: number | null | undefined;
}

/** A SKU of which nothing was touched yet. */
export function newSkuState(skuNumber: number, stored: Inventory, lastSequence: number): SkuState {
  return {
    skuNumber,
    stored,
    storedSequence: lastSequence,
    inventory: stored,
    lastSequence,
    asOfUs: undefined,
    before: undefined,
    asOfBeforeUs: undefined,
  };
}

/** Whether the row of a SKU must be written since its inventory changed. */
export function hasNewChange(held: SkuState): boolean {
  return held.lastSequence !== held.storedSequence;
}

/** Whether only the time must be written of when its inventory is: what it is was confirmed as of later. */
export function hasNewerAsOf(held: SkuState): boolean {
  return !hasNewChange(held) && typeof held.asOfUs === 'number';
}

/** A supplier's row, as a transaction found it and as it will leave it. */
export interface SupplierHead {
  skuCount: number;
  /** SKUs in stock and unrestricted. */
  liveCount: number;
  lastSequence: number;
  lastBatchNumber: number;
  readonly breaker: SafetyLimit | null;
}

/** The SKUs of the supplier whose lines are decided. */
export interface Stock {
  /** The numbers of the SKUs that line `i` means, at most `CANDIDATES_NAMED_MAX`. */
  resolve(i: number): readonly number[];
  skuState(skuNumber: number): SkuState;
  /** Of when the row of a SKU says its inventory is, in microseconds since 1970-01-01T00:00Z. */
  storedAsOfUs(skuNumber: number): number;
}

/** Why a line of a batch does not apply, beyond what its status says. */
export type DecidedDetail =
  /** 422: it means each of these `sku_id`s, and perhaps more. */
  | { readonly kind: 'ambiguous'; readonly skuNumbers: readonly number[] }
  | ConditionFailure
  /** 424: the line at this place did not apply. */
  | { readonly kind: 'left_out'; readonly because: number };

/** What one line found and left. */
export interface DecidedEffect {
  readonly skuNumber: number;
  readonly before: Inventory;
  readonly after: Inventory;
}

export interface DecidedLines {
  readonly statuses: Uint16Array;
  readonly details: Map<number, DecidedDetail>;
  /** What each line that applies did, by its place; empty unless asked for. */
  readonly effects: Map<number, DecidedEffect>;
}

export const APPLIED = 200;
export const UNREADABLE = 400;
export const NOT_FOUND = 404;
export const CONDITION_FAILED = 412;
/** Means more than one SKU, or asks for the impossible. */
export const UNPROCESSABLE = 422;
export const LEFT_OUT = 424;

interface UndoStep {
  readonly held: SkuState;
  readonly inventory: Inventory;
  readonly asOfUs: number | null | undefined;
  readonly before: SkuState['before'];
}

/** Decides the lines of one batch, and gathers the SKUs that it touches. */
export class BatchDecision {
  readonly #nowUs: number;
  /** In the order of their first line; one may come twice. */
  readonly #touched: SkuState[] = [];
  /** What the lines of the group under way did, the last at the end. */
  #undo: UndoStep[] | undefined;

  /** @param nowMs when the batch is applied, in milliseconds since 1970-01-01T00:00Z */
  constructor(nowMs: number) {
    this.#nowUs = nowMs * 1000;
  }

  decideLines(
    lines: Lines,
    stock: Stock,
    { atomic, withEffects }: { readonly atomic: boolean; readonly withEffects: boolean },
  ): DecidedLines {
    const decided: DecidedLines = {
      statuses: new Uint16Array(lines.count),
      details: new Map(),
      effects: new Map(),
    };
    const { groups } = lines;
    for (let from = 0; from < lines.count;) {
      const end = groups === null ? lines.count : endOfGroup(groups, from);
      const isGroup = groups !== null && groups[from] !== 0;
      if (isGroup) this.#undo = [];
      for (let i = from; i < end; i += 1) {
        decided.statuses[i] = this.#decideLine(lines, i, stock, decided, withEffects);
      }
      if (isGroup) this.#endGroup(decided, from, end);
      from = end;
    }
    if (atomic && leaveOut(decided, 0, lines.count)) this.rollBack();
    return decided;
  }

  #decideLine(
    lines: Lines,
    i: number,
    stock: Stock,
    { details, effects }: DecidedLines,
    withEffects: boolean,
  ): number {
    if (lines.refusals.size > 0 && lines.refusals.has(i)) return UNREADABLE;
    const matches = stock.resolve(i);
    const [skuNumber] = matches;
    if (skuNumber === undefined) return NOT_FOUND;
    if (matches.length > 1) {
      details.set(i, { kind: 'ambiguous', skuNumbers: matches });
      return UNPROCESSABLE;
    }
    const held = stock.skuState(skuNumber);
    const before = held.inventory;
    const { conditions } = lines;
    if (conditions === null) {
      this.touch(held, decide(before, lines, i));
    } else {
      const stored = (): number => stock.storedAsOfUs(skuNumber);
      const asOf = (): number => this.#asOfUs(held, stored);
      const failure = conditionFailure(before, asOf, conditions, i);
      if (failure !== undefined) {
        details.set(i, failure);
        return failure.kind === 'impossible' ? UNPROCESSABLE : CONDITION_FAILED;
      }
      const asOfUs = conditions.asOfUs[i] ?? Number.NaN;
      this.touch(held, decide(before, lines, i), Number.isNaN(asOfUs) ? null : asOfUs);
      if (!Number.isNaN(asOfUs) && asOfUs > asOf()) held.asOfUs = asOfUs;
    }
    if (withEffects) effects.set(i, { skuNumber, before, after: held.inventory });
    return APPLIED;
  }

  #asOfUs(held: SkuState, storedAsOfUs: () => number): number {
    if (held.asOfUs === undefined) return storedAsOfUs();
    return held.asOfUs ?? this.#nowUs;
  }

  #endGroup(decided: DecidedLines, from: number, end: number): void {
    const undo = this.#undo ?? [];
    this.#undo = undefined;
    if (!leaveOut(decided, from, end)) return;
    for (const { held, inventory, asOfUs, before } of undo.toReversed()) {
      held.inventory = inventory;
      held.asOfUs = asOfUs;
      held.before = before;
    }
  }

  /** Sets what a SKU's inventory is from now on, and of when it is: null is the time of the batch. */
  touch(held: SkuState, next: Inventory, asOfUs: number | null = null): void {
    this.#undo?.push({
      held,
      inventory: held.inventory,
      asOfUs: held.asOfUs,
      before: held.before,
    });
    if (held.before === undefined) {
      held.before = held.inventory;
      held.asOfBeforeUs = held.asOfUs;
      this.#touched.push(held);
    }
    if (next === held.inventory) return;
    held.inventory = next;
    held.asOfUs = asOfUs;
  }

  /** Takes the stock of a SKU to zero, unless what is held of it is newer than `asOfUs` (null is now). */
  zero(held: SkuState, storedAsOfUs: () => number, asOfUs: number | null): void {
    if (asOfUs !== null && asOfUs < this.#asOfUs(held, storedAsOfUs)) return;
    this.touch(held, decideFields(held.inventory, { quantityInStock: 0 }), asOfUs);
  }

  /** Undoes all that the batch did. */
  rollBack(): void {
    for (const held of this.#touched) {
      if (held.before === undefined) continue;
      held.inventory = held.before;
      held.asOfUs = held.asOfBeforeUs;
      held.before = undefined;
    }
    this.#touched.length = 0;
  }

  /** The numbers of the SKUs that lines applied to, be it that they changed nothing. */
  touchedSkuNumbers(): Set<number> {
    const numbers = new Set<number>();
    for (const held of this.#touched) if (held.before !== undefined) numbers.add(held.skuNumber);
    return numbers;
  }

  /** How many SKUs that could be sold the batch takes to zero or discontinues. */
  countUnsellable(): number {
    let count = 0;
    for (const { before, inventory } of this.#touched) {
      if (before !== undefined && becomesUnsellable(before, inventory)) count += 1;
    }
    return count;
  }

  /**
   * Ends the batch: numbers its changes, one for each SKU whose inventory differs, and counts them in the
   * supplier's head. SKUs that it touched and left as they were are confirmed.
   */
  close(head: SupplierHead): ClosedBatch {
    const changes: BatchChange[] = [];
    const confirmed: number[] = [];
    for (const held of this.#touched) {
      const { before, inventory } = held;
      held.before = undefined;
      if (before === undefined) continue;
      if (sameInventory(before, inventory)) {
        confirmed.push(held.skuNumber);
        // What went there and back within the batch was not written: no time of writing tells of it.
        if (held.asOfUs === null) held.asOfUs = held.asOfBeforeUs;
        continue;
      }
      head.lastSequence += 1;
      head.liveCount += Number(isSellable(inventory)) - Number(isSellable(before));
      changes.push({
        held,
        before,
        after: inventory,
        sequence: head.lastSequence,
        previousSequence: held.lastSequence,
      });
      held.lastSequence = head.lastSequence;
    }
    return { changes, confirmed };
  }
}

export interface ClosedBatch {
  readonly changes: readonly BatchChange[];
  /** Numbers of the SKUs that were touched and left as they were. */
  readonly confirmed: readonly number[];
}

export interface BatchChange {
  readonly held: SkuState;
  readonly before: Inventory;
  readonly after: Inventory;
  readonly sequence: number;
  /** The sequence of the SKU's change before this; 0 where there was none. */
  readonly previousSequence: number;
}

/** Where the run of lines that begins at `from` ends: a group, or lines that stand alone. */
function endOfGroup(groups: Uint32Array, from: number): number {
  let end = from + 1;
  while (end < groups.length && groups[end] === groups[from]) end += 1;
  return end;
}

/** Where one of the lines does not apply, none of them does; says whether that is so. */
function leaveOut(
  { statuses, details, effects }: DecidedLines,
  from: number,
  end: number,
): boolean {
  let because = from;
  while (because < end && statuses[because] === APPLIED) because += 1;
  if (because === end) return false;
  for (let i = from; i < end; i += 1) {
    if (statuses[i] !== APPLIED) continue;
    statuses[i] = LEFT_OUT;
    details.set(i, { kind: 'left_out', because });
    effects.delete(i);
  }
  return true;
}
