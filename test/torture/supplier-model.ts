/**
 * A possible state of one supplier: its inventory and changes (`Model`), and its batches, keys, statistics and safety
 * limit.
 */
import { restrictionCode } from '../../src/domain/inventory.ts';
import type { SafetyLimit } from '../../src/domain/safety-limit.ts';
import { HOUR_MS } from '../../src/domain/statistics.ts';
import type { BatchSource } from '../../src/domain/batches.ts';
import type { CatalogueEntry } from '../../src/domain/catalogue.ts';
import { Model, type ComparableChange, type ModelResult } from '../store/model.ts';
import type { ImportCall, LinesCall, RevertCall } from './steps.ts';
import { productOf } from './world.ts';

/** A batch that was applied. */
export interface ModelBatch {
  readonly number: number;
  readonly source: BatchSource;
  readonly appliedAtMs: number;
  readonly lineCount: number;
  readonly changes: readonly ComparableChange[];
}

const DISCONTINUED = restrictionCode('discontd');

interface KeptKey {
  readonly body: string;
  readonly outcome: LinesOutcome;
  readonly expiresAtMs: number;
}

/** The expected answer to a batch of lines. */
export interface LinesOutcome {
  readonly results: readonly ModelResult[];
  /** The number of its batch; null for a dry run. */
  readonly number: number | null;
  readonly zeroedCount: number;
  readonly isRepeat: boolean;
}

export type Refused = { readonly refused: string };

export class SupplierModel {
  lines = new Model();
  batches: ModelBatch[] = [];
  keys = new Map<string, KeptKey>();
  /** Batches, lines, changes and failed lines, by hour and source. */
  counts = new Map<string, readonly number[]>();
  limit: SafetyLimit | null = null;
  /** Retention may have deleted the changes up to this one; it has deleted those up to `dropped`. */
  droppable = 0;
  dropped = 0;

  copy(): SupplierModel {
    const copy = new SupplierModel();
    copy.lines = this.lines.copy();
    copy.batches = [...this.batches];
    copy.keys = new Map(this.keys);
    copy.counts = new Map(this.counts);
    copy.limit = this.limit;
    copy.droppable = this.droppable;
    copy.dropped = this.dropped;
    return copy;
  }

  /** @param isConfirmed whether the call has a confirmation code */
  applyLines(
    call: LinesCall,
    nowMs: number,
    isConfirmed = call.confirmed === true,
  ): LinesOutcome | Refused {
    const { lines, atomic = false, dryRun = false, snapshot } = call;
    const key = dryRun ? undefined : call.key;
    const kept = key === undefined ? undefined : this.keys.get(key.name);
    if (key !== undefined && kept !== undefined && kept.expiresAtMs > nowMs) {
      if (kept.body !== bodyOf(call)) return { refused: 'idempotency_key_reused' };
      return { ...kept.outcome, isRepeat: true };
    }
    const next = this.lines.copy();
    const results = next.applyLines(lines, { atomic, snapshot: snapshot !== undefined });
    const limit = this.limit ?? snapshot ?? null;
    const live = [...this.lines.skus.values()].filter(({ inventory }) => isLive(inventory)).length;
    const falls = [...next.skus].filter(([skuId, { inventory }]) => {
      const before = this.lines.skus.get(skuId)?.inventory;
      return before !== undefined && isLive(before) && isGone(inventory);
    }).length;
    // Not `exceedsSafetyLimit`: the model must not share the code that it checks.
    const isExceeded =
      limit !== null && falls >= limit.skusMin && falls * 100 > limit.percentMax * live;
    if (isExceeded && !isConfirmed) return { refused: 'breaker_tripped' };
    const changes = next.changes.slice(this.lines.changes.length);
    const outcome = { results, zeroedCount: next.zeroedOfLast, isRepeat: false };
    if (dryRun) return { ...outcome, number: null };
    this.lines = next;
    const failed = results.filter(({ status }) => status !== 200).length;
    const number = this.#append('bulk', nowMs, lines.length, changes, failed);
    if (key !== undefined) {
      const expiresAtMs = nowMs + key.validMs;
      this.keys.set(key.name, { body: bodyOf(call), outcome: { ...outcome, number }, expiresAtMs });
    }
    return { ...outcome, number };
  }

  #append(
    source: BatchSource,
    appliedAtMs: number,
    lineCount: number,
    changes: readonly ComparableChange[],
    failed = 0,
  ): number {
    const number = this.batches.length + 1;
    this.batches.push({ number, source, appliedAtMs, lineCount, changes });
    const place = `${Math.floor(appliedAtMs / HOUR_MS)} ${source}`;
    const [batches = 0, lines = 0, changed = 0, failures = 0] = this.counts.get(place) ?? [];
    const sum = [batches + 1, lines + lineCount, changed + changes.length, failures + failed];
    this.counts.set(place, sum);
    return number;
  }

  /** Returns the outcome of each entry, and the number of the batch; null if all entries were refused. */
  applyEntries({ entries, existing }: ImportCall, nowMs: number) {
    const first = this.lines.changes.length;
    const next = this.lines.copy();
    const outcomes = next.applyEntries(
      entries.map(({ forms, ...entry }) => ({
        entry: entryOf({ forms, ...entry }),
        gtins: productOf(forms).gtins,
      })),
      existing,
    );
    if (outcomes.every((outcome) => outcome === 'refused')) return { outcomes, number: null };
    this.lines = next;
    const changes = next.changes.slice(first);
    return { outcomes, number: this.#append('import', nowMs, entries.length, changes) };
  }

  /** The batch that a call reverts; undefined if there is none. */
  revertible({ back }: RevertCall): ModelBatch | undefined {
    return this.batches.filter(({ source }) => source !== 'import').at(-1 - back);
  }

  /** Returns the outcome of each SKU, and the number of the batch; null if none was reverted. */
  revert(batch: ModelBatch, { force, dryRun }: RevertCall, nowMs: number) {
    const first = this.lines.changes.length;
    const next = this.lines.copy();
    const kept = batch.changes.filter(({ sequence }) => sequence > this.dropped);
    const outcomes = next.revert(kept, force === true);
    const reverted = [...outcomes.values()].filter((outcome) => outcome === 'reverted').length;
    if (dryRun === true || reverted === 0) return { outcomes, number: null };
    this.lines = next;
    const changes = next.changes.slice(first);
    return { outcomes, number: this.#append('revert', nowMs, reverted, changes) };
  }

  /** Deletes what has expired. */
  sweep(nowMs: number): void {
    for (const [name, { expiresAtMs }] of this.keys)
      if (expiresAtMs <= nowMs) this.keys.delete(name);
  }

  /** Changes of batches that were applied before a time may be deleted. */
  allowDrop(beforeMs: number): void {
    const last = this.batches.findLast((batch) => {
      return batch.appliedAtMs < beforeMs && batch.changes.length > 0;
    });
    this.droppable = Math.max(this.droppable, last?.changes.at(-1)?.sequence ?? 0);
  }
}

/** Equal for requests that may share an idempotency key. */
export function bodyOf({ lines, atomic, snapshot, key }: LinesCall): string {
  return JSON.stringify([lines, atomic, snapshot, key?.body]);
}

export function entryOf({
  skuId,
  retires,
  forms,
  inventory,
}: ImportCall['entries'][number]): CatalogueEntry {
  const { product } = productOf(forms);
  return { skuId, product, inventory, ...(retires === undefined ? {} : { retires }) };
}

function isLive(inventory: ComparableChange['after']): boolean {
  return (inventory.quantityInStock ?? 0) > 0 && inventory.restrictions === null;
}

function isGone(inventory: ComparableChange['after']): boolean {
  return inventory.quantityInStock === 0 || inventory.restrictions === DISCONTINUED;
}
