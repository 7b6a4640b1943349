import { OnhandError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';

/**
 * What `Intake` needs of a store, which also records when a request exceeds its supplier's safety limit. Files that do
 * are held, which says so already; dry runs are not meant to be applied.
 *
 * @param onFailure the refusal itself does not depend on its record
 */
export function recordingTrips(
  store: Pick<Store, 'apply' | 'grouping' | 'notifications'>,
  now: () => number,
  onFailure: (error: unknown) => void,
): Pick<Store, 'apply' | 'grouping'> {
  return {
    grouping: store.grouping,
    apply: async (group) => {
      const outcomes = await store.apply(group);
      for (const [i, { supplierId, source, options }] of group.entries()) {
        const outcome = outcomes[i];
        const isTrip = outcome instanceof OnhandError && outcome.code === 'breaker_tripped';
        if (!isTrip || source === 'file' || options?.dryRun === true) continue;
        const trip = { supplierId, trippedAtMs: now(), detail: outcome.message };
        store.notifications.recordTrip(trip).catch(onFailure);
      }
      return outcomes;
    },
  };
}
