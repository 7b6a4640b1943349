/**
 * What becomes of one message of a webhook. Pure: times and chance are handed in.
 *
 * ```
 * pending ─ lease ─→ sending ─ settle ─→ delivered
 *    ↑                 │  │
 *    ├── retry later ──┘  └── gone, or given up ──→ paused ─ resume ─→ pending
 *    └── the lease ran out: any node may lease it again
 * ```
 *
 * Nodes agree on who sends by writing the leased record only where the record is still the one they
 * read (compare and set), and by one clock, that of the database.
 */

/** The right of one node to send, for a time. */
export interface Lease {
  readonly nodeId: string;
  /** Milliseconds since 1970-01-01T00:00Z. The sender must have ended by then. */
  readonly untilMs: number;
}

interface Attempted {
  /** Stays the same for every attempt: receivers know a repeated message by it. */
  readonly messageId: string;
  /** How many attempts were begun since it was made or last resumed. */
  readonly attempts: number;
  /** When the first of them was begun; null before. */
  readonly firstAttemptAtMs: number | null;
  /** What the last one came to, unless it is still under way or none was made. */
  readonly lastFailure: string | null;
}

/** One message on its way to one receiver. */
export type WebhookDelivery = Attempted &
  (
    | { readonly state: 'pending'; readonly dueAtMs: number }
    | { readonly state: 'sending'; readonly lease: Lease }
    | { readonly state: 'delivered'; readonly deliveredAtMs: number }
    | {
        readonly state: 'paused';
        readonly pausedAtMs: number;
        readonly reason: string;
        /** Until then an attempt that was under way may still be: not to be sent again before. */
        readonly busyUntilMs: number;
      }
  );

type Sending = Extract<WebhookDelivery, { state: 'sending' }>;

/** What an attempt came to, as far as the schedule must know. */
export type AttemptResult =
  | { readonly kind: 'delivered' }
  /** The receiver wants no more. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'failed';
      /** For the webhook's owner to read. */
      readonly failure: string;
      /** How long the receiver asked to be left alone. */
      readonly retryAfterMs: number | null;
    };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The first retry comes after this, each further one after four times as long as the one before, … */
export const RETRY_FIRST_MS = 5000;
const RETRY_FACTOR = 4;
/** … but never after more than this: stock that is older than an hour is of little use. */
export const RETRY_DELAY_MAX_MS = HOUR_MS;
/** Delays are up to this part longer or shorter, so that webhooks that failed together part. */
export const RETRY_JITTER = 0.2;
/** Longest time for which a receiver's Retry-After is respected. */
export const RETRY_AFTER_MAX_MS = 6 * HOUR_MS;
/** When this much time has passed since the first attempt, the one that then fails was the last. */
export const RETRY_FOR_MS = 72 * HOUR_MS;

/** A message that is to be sent as soon as somebody can. */
export function newDelivery(messageId: string, nowMs: number): WebhookDelivery {
  return {
    messageId,
    attempts: 0,
    firstAttemptAtMs: null,
    lastFailure: null,
    state: 'pending',
    dueAtMs: nowMs,
  };
}

/**
 * Gives a node the right to send; undefined where it is not due, another node has that right, or there
 * is nothing to send any more.
 *
 * @param leaseMs longer than an attempt can take, the writing of its result included
 */
export function lease(
  delivery: WebhookDelivery,
  nodeId: string,
  nowMs: number,
  leaseMs: number,
): Sending | undefined {
  if (leasableAtMs(delivery) > nowMs) return undefined;
  const { messageId, attempts, firstAttemptAtMs } = delivery;
  return {
    messageId,
    attempts: attempts + 1,
    firstAttemptAtMs: firstAttemptAtMs ?? nowMs,
    lastFailure: lastFailureOf(delivery),
    state: 'sending',
    lease: { nodeId, untilMs: nowMs + leaseMs },
  };
}

/** From when on the record can be leased: what a store sorts by. Infinity where it cannot. */
export function leasableAtMs(delivery: WebhookDelivery): number {
  switch (delivery.state) {
    case 'pending':
      return delivery.dueAtMs;
    case 'sending':
      return delivery.lease.untilMs;
    case 'delivered':
    case 'paused':
      return Infinity;
  }
}

/** A lease that ran out was held by a node that ended, or could not write what came of it. */
function lastFailureOf(delivery: WebhookDelivery): string | null {
  return delivery.state === 'sending'
    ? 'The server that was sending stopped before it knew the result.'
    : delivery.lastFailure;
}

/**
 * Writes down what an attempt came to; undefined where the record is no longer the one that was leased:
 * the lease ran out and another node has it, or the owner paused the webhook meanwhile.
 *
 * @param random from 0 up to 1, which it never reaches
 */
export function settle(
  delivery: WebhookDelivery,
  leased: Sending,
  result: AttemptResult,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): WebhookDelivery | undefined {
  if (delivery.state !== 'sending' || !isSameAttempt(delivery, leased)) return undefined;
  switch (result.kind) {
    case 'delivered':
      return {
        ...attempted(delivery),
        lastFailure: null,
        state: 'delivered',
        deliveredAtMs: nowMs,
      };
    case 'gone':
      return paused(delivery, 'The receiver answered 410 Gone: it wants no more messages.', nowMs);
    case 'failed':
      return afterFailure(delivery, result, { nowMs, random });
  }
}

function isSameAttempt(a: Sending, b: Sending): boolean {
  return (
    a.messageId === b.messageId &&
    a.attempts === b.attempts &&
    a.firstAttemptAtMs === b.firstAttemptAtMs &&
    a.lease.nodeId === b.lease.nodeId &&
    a.lease.untilMs === b.lease.untilMs
  );
}

function afterFailure(
  delivery: Sending,
  { failure, retryAfterMs }: Extract<AttemptResult, { kind: 'failed' }>,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): WebhookDelivery {
  const { attempts, firstAttemptAtMs } = delivery;
  const lastAtMs = (firstAttemptAtMs ?? nowMs) + RETRY_FOR_MS;
  const failed = { ...delivery, lastFailure: failure };
  if (nowMs >= lastAtMs) {
    return paused(
      failed,
      `No attempt succeeded in ${RETRY_FOR_MS / HOUR_MS} hours (${attempts} were made). The last: ${failure}`,
      nowMs,
    );
  }
  const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  const delayMs = Math.max(retryDelayMs(attempts, random), asked);
  return {
    ...attempted(failed),
    state: 'pending',
    dueAtMs: Math.min(nowMs + delayMs, lastAtMs),
  };
}

/** How long to wait after so many attempts have failed, in milliseconds. */
export function retryDelayMs(attempts: number, random: number): number {
  const plainMs = Math.min(RETRY_FIRST_MS * RETRY_FACTOR ** (attempts - 1), RETRY_DELAY_MAX_MS);
  return Math.round(plainMs * (1 + RETRY_JITTER * (2 * random - 1)));
}

function paused(
  delivery: WebhookDelivery,
  reason: string,
  nowMs: number,
  busyUntilMs: number = nowMs,
): WebhookDelivery {
  return {
    ...attempted(delivery),
    state: 'paused',
    pausedAtMs: nowMs,
    reason,
    busyUntilMs,
  };
}

/** Stops sending until it is resumed. Of an attempt that is under way the result is not written down. */
export function pause(delivery: WebhookDelivery, reason: string, nowMs: number): WebhookDelivery {
  switch (delivery.state) {
    case 'delivered':
    case 'paused':
      return delivery;
    case 'pending':
      return paused(delivery, reason, nowMs);
    case 'sending':
      return paused(delivery, reason, nowMs, delivery.lease.untilMs);
  }
}

/**
 * Sends again with a new count of attempts, as soon as none can be under way any more; as it is where it
 * was not paused.
 */
export function resume(delivery: WebhookDelivery, nowMs: number): WebhookDelivery {
  if (delivery.state !== 'paused') return delivery;
  return newDelivery(delivery.messageId, Math.max(nowMs, delivery.busyUntilMs));
}

/** As resumed, where it was paused or waits for its next attempt; else as it is. */
export function retryNow(delivery: WebhookDelivery, nowMs: number): WebhookDelivery {
  return delivery.state === 'pending' && delivery.dueAtMs > nowMs
    ? newDelivery(delivery.messageId, nowMs)
    : resume(delivery, nowMs);
}

function attempted({
  messageId,
  attempts,
  firstAttemptAtMs,
  lastFailure,
}: WebhookDelivery): Attempted {
  return { messageId, attempts, firstAttemptAtMs, lastFailure };
}

/** What a Retry-After header asks for, in milliseconds from now; null where it cannot be read. */
export function readRetryAfter(header: string, nowMs: number): number | null {
  const text = header.trim();
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  // A date as HTTP writes it: Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 §5.6.7).
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
