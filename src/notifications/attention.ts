import { isLate } from '../domain/changes.ts';
import { TOKEN_EXPIRY_DAYS } from '../domain/parties.ts';
import type { OrganizationCount, Store } from '../store/store.ts';

const DAY_MS = 86_400_000;

/** What needs attention, by kind: how many such things each organization has. */
export interface AttentionCounts {
  readonly late_suppliers: readonly OrganizationCount[];
  readonly held_files: readonly OrganizationCount[];
  readonly paused_webhooks: readonly OrganizationCount[];
  readonly expiring_tokens: readonly OrganizationCount[];
}

/** Counts what needs attention. Each part reads only what needs it, or one row for each supplier or webhook. */
export async function countAttention(
  store: Pick<Store, 'accounts' | 'files' | 'batches' | 'webhooks'>,
  nowMs: number,
): Promise<AttentionCounts> {
  const [reports, held, paused, expiring] = await Promise.all([
    store.batches.expectedReports(),
    store.files.heldCounts(),
    store.webhooks.paused(),
    store.accounts.expiringTokenCounts(nowMs, nowMs + TOKEN_EXPIRY_DAYS * DAY_MS),
  ]);
  const pausedOf = Map.groupBy(paused, ({ organizationId }) => organizationId);
  return {
    late_suppliers: reports
      .filter(({ lastHeardAtMs, intervalMinutes }) => isLate(lastHeardAtMs, intervalMinutes, nowMs))
      .map(({ supplierId }) => ({ organizationId: supplierId, count: 1 })),
    held_files: held,
    paused_webhooks: [...pausedOf].map(([organizationId, webhooks]) => ({
      organizationId,
      count: webhooks.length,
    })),
    expiring_tokens: expiring,
  };
}
