/**
 * Decides a batch, identically on every database: which lines apply, each SKU's next inventory, and the
 * changes. Pure: a store passes the SKUs in and writes the result.
 */
import {
  conditionFailure,
  decide,
  decideFields,
  becomesUnsellable,
  isSellable,
  type ConditionFailure,
} from './decide.ts';
import { isRetired, sameInventory, type Inventory } from './inventory.ts';
import type { Lines } from './lines.ts';
import type { SafetyLimit } from './safety-limit.ts';
import { finish, isPause, type Steps } from './steps.ts';

/** The state of a SKU within one transaction; each batch of the transaction updates it. */
export interface SkuState {
  readonly skuNumber: number;
  /** The inventory in the database. */
  readonly stored: Inventory;
  readonly storedSequence: number;
  inventory: Inventory;
  /** The sequence of its last change; 0 if it has none. */
  lastSequence: number;
  /**
   * The as-of time of its inventory, in microseconds since 1970-01-01T00:00Z. Null is the time of the batch
   * that wrote it; undefined is the value in the database.
   */
  asOfUs: number | null | undefined;
  /** The inventory before the current batch; undefined unless the batch touched the SKU. */
  before: Inventory | undefined;
  asOfBeforeUs: number | null | undefined;
}

/** The state of a SKU that no batch has touched yet. */
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

/** Whether the SKU's inventory changed, so that it must be written. */
export function hasNewChange(held: SkuState): boolean {
  return held.lastSequence !== held.storedSequence;
}

/** Whether only the SKU's as-of time must be written: its inventory was confirmed as of a later time. */
export function hasNewerAsOf(held: SkuState): boolean {
  return !hasNewChange(held) && typeof held.asOfUs === 'number';
}

/** A supplier's counters within one transaction. */
export interface SupplierHead {
  /** Retired SKUs count too. */
  skuCount: number;
  retiredCount: number;
  /** SKUs that can be sold: in stock and unrestricted. */
  liveCount: number;
  lastSequence: number;
  lastBatchNumber: number;
  readonly breaker: SafetyLimit | null;
}

/** Looks up the SKUs of the supplier whose lines are decided. */
export interface Stock {
  /** The numbers of the SKUs that match line `i`, at most `CANDIDATES_NAMED_MAX`. */
  resolve(i: number): readonly number[];
  /** The numbers of the SKUs with the `sku_id` of line `i`, whatever its GTINs. For `skuIdFirst` only. */
  bySkuId(i: number): readonly number[];
  skuState(skuNumber: number): SkuState;
  /** A SKU's stored as-of time, in microseconds since 1970-01-01T00:00Z. */
  storedAsOfUs(skuNumber: number): number;
}

/** Whether line `i` matches a SKU that is not retired. */
export function findsUnretired(stock: Stock, i: number): boolean {
  return stock.resolve(i).some((skuNumber) => !isRetired(stock.skuState(skuNumber).inventory));
}

/** Why a line failed, beyond its status. */
export type DecidedDetail =
  /** 422: the line matches these SKUs, and perhaps more. */
  | { readonly kind: 'ambiguous'; readonly skuNumbers: readonly number[] }
  | ConditionFailure
  /** 424: the line with the index `because` failed. */
  | { readonly kind: 'left_out'; readonly because: number }
  /**
   * 404: a SKU has the line's `sku_id`, but not these GTINs. 200 if the `sku_id` counts first; the GTINs are
   * recorded later then.
   */
  | { readonly kind: 'misfit'; readonly gtins: readonly number[] };

/** The inventory before and after one line. */
export interface DecidedEffect {
  readonly skuNumber: number;
  readonly before: Inventory;
  readonly after: Inventory;
}

export interface DecidedLines {
  readonly statuses: Uint16Array;
  readonly details: Map<number, DecidedDetail>;
  /** By index of the applied lines; empty unless requested. */
  readonly effects: Map<number, DecidedEffect>;
}

export const APPLIED = 200;
export const UNREADABLE = 400;
export const NOT_FOUND = 404;
export const CONDITION_FAILED = 412;
/** The line matches more than one SKU, or its relative change is impossible. */
export const UNPROCESSABLE = 422;
export const LEFT_OUT = 424;

export interface DecisionOptions {
  readonly atomic: boolean;
  readonly withEffects: boolean;
  /** Whether a line whose `sku_id` is known applies to that SKU even if its GTINs do not fit. */
  readonly skuIdFirst?: boolean;
}

interface UndoStep {
  readonly held: SkuState;
  readonly inventory: Inventory;
  readonly asOfUs: number | null | undefined;
  readonly before: SkuState['before'];
}

/** Decides the lines of one batch and collects the SKUs that it touches. */
export class BatchDecision {
  readonly #nowUs: number;
  /** In the order of their first line; may contain duplicates. */
  readonly #touched: SkuState[] = [];
  /** How to undo the lines of the current group, in the order of the lines. */
  #undo: UndoStep[] | undefined;
  /** Whether a group was left out: a SKU of it is in `#touched` again if a later line names it. */
  #hasLeftOut = false;

  /** @param nowMs when the batch is applied, in milliseconds since 1970-01-01T00:00Z */
  constructor(nowMs: number) {
    this.#nowUs = nowMs * 1000;
  }

  /** Decides lines, with pauses. The SKUs must stay as they are meanwhile. */
  *decidingLines(
    lines: Lines,
    stock: Stock,
    { atomic, withEffects, skuIdFirst = false }: DecisionOptions,
  ): Steps<DecidedLines> {
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
        decided.statuses[i] = this.#decideLine(lines, i, stock, decided, {
          withEffects,
          skuIdFirst,
        });
        if (isPause(i)) yield;
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
    { withEffects, skuIdFirst }: Omit<DecisionOptions, 'atomic'>,
  ): number {
    if (lines.refusals.size > 0 && lines.refusals.has(i)) return UNREADABLE;
    let matches = stock.resolve(i);
    const isBySkuId = matches.length === 0 && skuIdFirst === true;
    if (isBySkuId) matches = stock.bySkuId(i);
    const [skuNumber] = matches;
    if (skuNumber === undefined) return NOT_FOUND;
    if (matches.length > 1) {
      details.set(i, { kind: 'ambiguous', skuNumbers: matches });
      return UNPROCESSABLE;
    }
    const held = stock.skuState(skuNumber);
    const before = held.inventory;
    if (isRetired(before)) return NOT_FOUND;
    if (isBySkuId) details.set(i, { kind: 'misfit', gtins: [] });
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
    this.#hasLeftOut = true;
    for (const { held, inventory, asOfUs, before } of undo.toReversed()) {
      held.inventory = inventory;
      held.asOfUs = asOfUs;
      held.before = before;
    }
  }

  /** Sets a SKU's inventory and its as-of time; null is the time of the batch. */
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

  /** Sets a SKU's stock to zero, unless its inventory is newer than `asOfUs` (null is the time of the batch). */
  zero(held: SkuState, storedAsOfUs: () => number, asOfUs: number | null): void {
    if (asOfUs !== null && asOfUs < this.#asOfUs(held, storedAsOfUs)) return;
    this.touch(held, decideFields(held.inventory, { quantityInStock: 0 }), asOfUs);
  }

  /** Undoes everything that the batch did. */
  rollBack(): void {
    for (const held of this.#touched) {
      if (held.before === undefined) continue;
      held.inventory = held.before;
      held.asOfUs = held.asOfBeforeUs;
      held.before = undefined;
    }
    this.#touched.length = 0;
  }

  /** The numbers of the SKUs that lines were applied to, changed or not. */
  touchedSkuNumbers(): Set<number> {
    const numbers = new Set<number>();
    for (const held of this.#touched) if (held.before !== undefined) numbers.add(held.skuNumber);
    return numbers;
  }

  /** Counts the sellable SKUs that the batch sets to zero or discontinues. */
  countUnsellable(): number {
    let count = 0;
    const skus = this.#hasLeftOut ? new Set(this.#touched) : this.#touched;
    for (const { before, inventory } of skus) {
      if (before !== undefined && becomesUnsellable(before, inventory)) count += 1;
    }
    return count;
  }

  /**
   * Ends the batch: numbers its changes, one per SKU whose inventory differs, and updates `head`. SKUs that
   * were touched but are unchanged count as confirmed.
   */
  close(head: SupplierHead): ClosedBatch {
    return finish(this.closing(head));
  }

  /** `close`, with pauses. */
  *closing(head: SupplierHead): Steps<ClosedBatch> {
    const changes: BatchChange[] = [];
    const confirmed: number[] = [];
    let i = 0;
    for (const held of this.#touched) {
      if (isPause(i)) yield;
      i += 1;
      const { before, inventory } = held;
      held.before = undefined;
      if (before === undefined) continue;
      if (sameInventory(before, inventory)) {
        confirmed.push(held.skuNumber);
        // A change that the same batch reverted is not written, so its time is not the time of a write.
        if (held.asOfUs === null) held.asOfUs = held.asOfBeforeUs;
        continue;
      }
      head.lastSequence += 1;
      head.retiredCount += Number(isRetired(inventory)) - Number(isRetired(before));
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
  /** Numbers of the SKUs that were touched but are unchanged. */
  readonly confirmed: readonly number[];
}

export interface BatchChange {
  readonly held: SkuState;
  readonly before: Inventory;
  readonly after: Inventory;
  readonly sequence: number;
  /** The sequence of the SKU's previous change; 0 if it has none. */
  readonly previousSequence: number;
}

/** The end (exclusive) of the group, or of the run of ungrouped lines, that begins at `from`. */
function endOfGroup(groups: Uint32Array, from: number): number {
  let end = from + 1;
  while (end < groups.length && groups[end] === groups[from]) end += 1;
  return end;
}

/** Fails all lines of a range with 424 if one of them failed. Returns whether one did. */
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
