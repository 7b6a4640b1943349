import type { SupplierHead } from '../../domain/batch-decision.ts';
import { safetyLimitExceeded, exceedsSafetyLimit } from '../../domain/safety-limit.ts';
import type { BatchOptions, Confirmation } from '../../domain/batches.ts';

/**
 * Holds a batch back that takes too many SKUs down, unless it was confirmed.
 *
 * @param fallCount how many SKUs that could be sold it takes to zero or discontinues
 * @param confirm uses a confirmation up; throws `confirmation_invalid`
 * @throws OnhandError `breaker_tripped`
 */
export function checkSafetyLimit(
  options: BatchOptions,
  head: SupplierHead,
  fallCount: number,
  confirm: (confirmation: Confirmation) => void,
): void {
  const breaker = applicableSafetyLimit(options, head);
  if (breaker === null || !exceedsSafetyLimit(breaker, fallCount, head.liveCount)) return;
  if (options.confirmation === undefined)
    throw safetyLimitExceeded(breaker, fallCount, head.liveCount);
  confirm(options.confirmation);
}

/** The breaker that a batch must pass, if there is one. */
export function applicableSafetyLimit(
  options: BatchOptions,
  head: SupplierHead,
): SupplierHead['breaker'] {
  return head.breaker ?? options.snapshot?.defaultSafetyLimit ?? null;
}
