import { OnhandError } from './errors.ts';
import type { Lines } from './lines.ts';

/** A batch exceeds the safety limit if it passes both bounds. */
export interface SafetyLimit {
  /** More than this share of the supplier's live SKUs, in percent. */
  readonly percentMax: number;
  /** At least this many SKUs. */
  readonly skusMin: number;
}

/** Whether a batch that takes so many live SKUs down must be held back. */
export function exceedsSafetyLimit(
  breaker: SafetyLimit,
  fallCount: number,
  liveCount: number,
): boolean {
  return fallCount >= breaker.skusMin && fallCount * 100 > breaker.percentMax * liveCount;
}

/** The refusal of a batch that would take too many SKUs down. */
export function safetyLimitExceeded(
  breaker: SafetyLimit,
  fallCount: number,
  liveCount: number,
): OnhandError {
  const share = liveCount === 0 ? 0 : Math.round((fallCount * 1000) / liveCount) / 10;
  return new OnhandError(
    'breaker_tripped',
    `This would take ${fallCount} of ${liveCount} SKUs that can be sold (${share} %) to zero or discontinue them; ` +
      `at most ${breaker.percentMax} % may fall at once without being confirmed (where that is ${breaker.skusMin} SKUs or more). Nothing was applied.`,
  );
}

/**
 * Refuses a snapshot in which a line does not tell which SKU it means: what it does not name would go to
 * zero, and nobody knows whether it named it. Throws `snapshot_refused`.
 */
export function checkSnapshot(lines: Lines): void {
  for (const [index, refusal] of lines.refusals) {
    if (refusal.namesRead) continue;
    throw new OnhandError(
      'snapshot_refused',
      `Line ${index} does not tell which SKU it means, so that none can be taken to zero for not being named: ${refusal.message} Nothing was applied.`,
    );
  }
}
