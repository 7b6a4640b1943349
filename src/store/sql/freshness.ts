import { decodeRuns } from '../../domain/number-set.ts';
import { FRESHNESS_AGES_MS, type Freshness } from '../../domain/changes.ts';

/**
 * Notes that a batch has confirmed SKUs.
 *
 * @param spokenOfAtMs when each SKU was last spoken of, by its number
 * @param confirmed a set of SKU numbers (domain/number-set.ts)
 */
export function recordConfirmation(
  spokenOfAtMs: Float64Array,
  confirmed: Uint8Array,
  appliedAtMs: number,
): void {
  for (const [begin, length] of decodeRuns(confirmed)) {
    for (let number = begin; number < begin + length; number += 1) {
      if (appliedAtMs > (spokenOfAtMs[number] ?? Infinity)) spokenOfAtMs[number] = appliedAtMs;
    }
  }
}

/** Counts SKUs by how long ago they were spoken of. */
export function countByAge(spokenOfAtMs: Float64Array, nowMs: number): Freshness['skusByAge'] {
  const counts = Array.from({ length: FRESHNESS_AGES_MS.length + 1 }, () => 0);
  for (const atMs of spokenOfAtMs) {
    const found = FRESHNESS_AGES_MS.findIndex((ageMsMax) => nowMs - atMs <= ageMsMax);
    const bucket = found < 0 ? FRESHNESS_AGES_MS.length : found;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ ageMsMax: FRESHNESS_AGES_MS[i] ?? null, count }));
}
