import type { SupplierHead } from '../../domain/batch-decision.ts';
import { safetyLimitTripped, trips } from '../../domain/safety-limit.ts';
import type { BatchOptions, Confirmation } from '../store.ts';

/**
 * Holds a batch back that takes too many SKUs down, unless it was confirmed.
 *
 * @param fallCount how many SKUs that could be sold it takes to zero or discontinues
 * @param confirm uses a confirmation up; throws `confirmation_invalid`
 * @throws OnhandError `breaker_tripped`
 */
export function checkSafetyLimit(
  terms: BatchOptions,
  head: SupplierHead,
  fallCount: number,
  confirm: (confirmation: Confirmation) => void,
): void {
  const breaker = applicableSafetyLimit(terms, head);
  if (breaker === null || !trips(breaker, fallCount, head.liveCount)) return;
  if (terms.confirmation === undefined)
    throw safetyLimitTripped(breaker, fallCount, head.liveCount);
  confirm(terms.confirmation);
}

/** The breaker that a batch must pass, if there is one. */
export function applicableSafetyLimit(
  terms: BatchOptions,
  head: SupplierHead,
): SupplierHead['breaker'] {
  return head.breaker ?? terms.snapshot?.defaultSafetyLimit ?? null;
}
