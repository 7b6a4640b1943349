import type { SupplierHead } from '../domain/batch.ts';
import { breakerTripped, trips } from '../domain/breaker.ts';
import type { BatchTerms, Confirmation } from './store.ts';

/**
 * Holds a batch back that takes too many SKUs down, unless it was confirmed.
 *
 * @param fallCount how many SKUs that could be sold it takes to zero or discontinues
 * @param confirm uses a confirmation up; throws `confirmation_invalid`
 * @throws OnhandError `breaker_tripped`
 */
export function checkBreaker(
  terms: BatchTerms,
  head: SupplierHead,
  fallCount: number,
  confirm: (confirmation: Confirmation) => void,
): void {
  const breaker = bindingBreaker(terms, head);
  if (breaker === null || !trips(breaker, fallCount, head.liveCount)) return;
  if (terms.confirmation === undefined) throw breakerTripped(breaker, fallCount, head.liveCount);
  confirm(terms.confirmation);
}

/** The breaker that a batch must pass, if there is one. */
export function bindingBreaker(terms: BatchTerms, head: SupplierHead): SupplierHead['breaker'] {
  return head.breaker ?? terms.snapshot?.defaultBreaker ?? null;
}
