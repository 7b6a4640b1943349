/** What recipients are told of, as conditions that begin and end. */
import { isLate } from '../domain/changes.ts';
import type { NotificationKind } from '../domain/notifications.ts';
import { PAUSED_BY_OWNER } from '../domain/webhooks.ts';
import { TOKEN_EXPIRY_DAYS } from '../domain/parties.ts';
import type { FileTrouble } from '../store/notification-store.ts';
import type { Store } from '../store/store.ts';

const DAY_MS = 86_400_000;

/** How long something that happened once can be told, for recipients whose quiet hours or digest make them wait. */
export const EVENT_TOLD_DAYS = 2;

/** Why a file failed is cut to this many UTF-16 code units. */
const DETAIL_LENGTH_MAX = 300;

export interface Condition {
  /** Stays the same while the condition lasts. */
  readonly key: string;
  readonly kind: NotificationKind;
  /** The organization that it is about. */
  readonly organizationId: number;
  /** A sentence for people. */
  readonly text: string;
  /** Grows when there is more to tell, such as another failed file. */
  readonly mark: number;
  /** Whether it happened once, so that it does not end. */
  readonly isEvent: boolean;
}

type ConditionStore = Pick<Store, 'accounts' | 'batches' | 'notifications' | 'webhooks'>;

/** Reads all conditions. Each part reads only what needs attention, or one row per supplier or webhook. */
export async function readConditions(
  store: ConditionStore,
  nowMs: number,
): Promise<readonly Condition[]> {
  const since = nowMs - EVENT_TOLD_DAYS * DAY_MS;
  const [reports, files, trips, paused, expiring] = await Promise.all([
    store.batches.expectedReports(),
    store.notifications.fileTroubles(since),
    store.notifications.trips(since),
    store.webhooks.paused(),
    store.accounts.expiringTokenCounts(nowMs, nowMs + TOKEN_EXPIRY_DAYS * DAY_MS),
  ]);
  const ids = [
    ...files.map(({ supplierId }) => supplierId),
    ...trips.map(({ supplierId }) => supplierId),
    ...paused.map(({ organizationId }) => organizationId),
    ...expiring.map(({ organizationId }) => organizationId),
  ];
  const organizations = await store.accounts.findOrganizationsById([...new Set(ids)]);
  const names = new Map(organizations.map(({ id, name }) => [id, name]));
  const nameOf = (id: number): string => names.get(id) ?? String(id);
  return [
    ...reports
      .filter(({ lastHeardAtMs, intervalMinutes }) => isLate(lastHeardAtMs, intervalMinutes, nowMs))
      .map(({ supplierId, name }) => ({
        key: `supplier_late ${supplierId}`,
        kind: 'supplier_late' as const,
        organizationId: supplierId,
        text: `${name} has not reported for longer than expected.`,
        mark: 0,
        isEvent: false,
      })),
    ...files.map((trouble) => ({
      key: `file_${trouble.kind} ${trouble.supplierId}`,
      kind: KIND_OF_FILES[trouble.kind],
      organizationId: trouble.supplierId,
      text: `${FILES_TEXT[trouble.kind](nameOf(trouble.supplierId), trouble.count)}${latestOf(trouble)}`,
      mark: trouble.mark,
      isEvent: trouble.kind === 'failed',
    })),
    ...trips.map(({ supplierId, trippedAtMs, detail }) => ({
      key: `safety_limit ${supplierId}`,
      kind: 'safety_limit' as const,
      organizationId: supplierId,
      text: `A request of ${nameOf(supplierId)} was not applied. ${detail}`,
      mark: trippedAtMs,
      isEvent: true,
    })),
    ...paused
      .filter(({ pausedReason }) => pausedReason !== PAUSED_BY_OWNER)
      .map(({ id, organizationId, url, pausedReason }) => ({
        key: `webhook_paused ${organizationId} ${id}`,
        kind: 'webhook_paused' as const,
        organizationId,
        text: `A webhook of ${nameOf(organizationId)} to ${new URL(url).host} is paused: ${pausedReason}`,
        mark: 0,
        isEvent: false,
      })),
    ...expiring.map(({ organizationId, count, latestAtMs }) => ({
      key: `token_expiring ${organizationId}`,
      kind: 'token_expiring' as const,
      organizationId,
      text: `API tokens of ${nameOf(organizationId)} that expire within ${TOKEN_EXPIRY_DAYS} days: ${count}.`,
      mark: latestAtMs,
      isEvent: false,
    })),
  ];
}

const KIND_OF_FILES: Readonly<Record<FileTrouble['kind'], NotificationKind>> = {
  held: 'file_held',
  tripped: 'safety_limit',
  failed: 'file_failed',
};

const FILES_TEXT: Readonly<Record<FileTrouble['kind'], (name: string, count: number) => string>> = {
  held: (name, count) => `Files of ${name} that wait for an answer: ${count}.`,
  tripped: (name, count) =>
    `Files of ${name} that exceed its safety limit and wait for a confirmation: ${count}.`,
  failed: (name, count) =>
    `Files of ${name} that failed or were refused in the last ${EVENT_TOLD_DAYS} days: ${count}.`,
};

function latestOf({ filename, detail }: FileTrouble): string {
  const name = filename === null ? '' : ` ${JSON.stringify(filename)}`;
  const reason = detail ?? 'no reason is stored.';
  const cut = reason.length > DETAIL_LENGTH_MAX ? `${reason.slice(0, DETAIL_LENGTH_MAX)}…` : reason;
  return ` The latest${name}: ${cut}`;
}
