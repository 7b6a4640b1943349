import type { SupplierHead } from '../../domain/batch-decision.ts';
import { safetyLimitExceeded, exceedsSafetyLimit } from '../../domain/safety-limit.ts';
import type { BatchOptions, Confirmation } from '../../domain/batches.ts';

/**
 * Refuses a batch that exceeds the safety limit, unless it was confirmed.
 *
 * @param fallCount the number of live SKUs that it sets to zero or discontinues
 * @param confirm uses up a confirmation; throws `confirmation_invalid`
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

/** The supplier's own limit, else the default of a snapshot, else none. */
export function applicableSafetyLimit(
  options: BatchOptions,
  head: SupplierHead,
): SupplierHead['breaker'] {
  return head.breaker ?? options.snapshot?.defaultSafetyLimit ?? null;
}
