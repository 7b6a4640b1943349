import { OnhandError } from './errors.ts';
import type { Lines } from './lines.ts';

/** A batch exceeds the safety limit if it passes both bounds. */
export interface SafetyLimit {
  /** More than this share of the supplier's live SKUs, in percent. */
  readonly percentMax: number;
  /** At least this many SKUs. */
  readonly skusMin: number;
}

/** Whether a batch that makes `fallCount` of `liveCount` sellable SKUs unsellable must be refused. */
export function exceedsSafetyLimit(
  limit: SafetyLimit,
  fallCount: number,
  liveCount: number,
): boolean {
  return fallCount >= limit.skusMin && fallCount * 100 > limit.percentMax * liveCount;
}

/** The error for a batch that exceeds the safety limit. */
export function safetyLimitExceeded(
  limit: SafetyLimit,
  fallCount: number,
  liveCount: number,
): OnhandError {
  const share = liveCount === 0 ? 0 : Math.round((fallCount * 1000) / liveCount) / 10;
  return new OnhandError(
    'breaker_tripped',
    `This would take ${fallCount} of ${liveCount} SKUs that can be sold (${share} %) to zero or discontinue them; ` +
      `at most ${limit.percentMax} % may fall at once without being confirmed (where that is ${limit.skusMin} SKUs or more). Nothing was applied.`,
  );
}

/**
 * Refuses a snapshot with a line whose identifiers cannot be read: the SKU that the line was meant for would
 * be set to zero as omitted. Throws `snapshot_refused`.
 */
export function checkSnapshot(lines: Lines): void {
  for (const [index, refusal] of lines.refusals) {
    if (refusal.namesRead) continue;
    // The messages of files name the row themselves, counted as in a spreadsheet.
    const what = refusal.message.startsWith('Row ') ? 'A row' : `Line ${index} (from 0)`;
    throw new OnhandError(
      'snapshot_refused',
      `${what} does not say which SKU it means, and a snapshot would set that SKU to zero as missing. ${refusal.message} Correct this, or send the lines without snapshot. Nothing was applied.`,
    );
  }
}
