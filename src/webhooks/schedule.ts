/**
 * The delivery of one webhook message: when it is sent, retried and given up, and how its state is stored.
 * Pure: times and random numbers are arguments.
 *
 * ```
 * pending ─ lease ─→ sending ─ settle ─→ delivered (nothing is stored any more)
 *    ↑                 │  │
 *    ├── retry later ──┘  └── gone, or given up ──→ paused ─ resume ─→ pending
 *    └── the lease expired: any node may lease it again
 * ```
 *
 * Each step is stored by compare and set, so of several nodes only one gets a lease. All of them use one
 * clock, that of the database.
 */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

const ATTEMPTS = {
  /** The same for every attempt: receivers recognize a repeated message by it. */
  messageId: Type.String(),
  /** Attempts since the message was created or last resumed, including the current one. */
  attempts: Type.Integer(),
  /** When the first of them began; null before. Times are milliseconds since 1970-01-01T00:00Z. */
  firstAttemptAtMs: Type.Union([Type.Number(), Type.Null()]),
  /** Why the previous attempt failed; null if there was none. */
  lastFailure: Type.Union([Type.String(), Type.Null()]),
};

const PendingSchema = Type.Object({
  ...ATTEMPTS,
  state: Type.Literal('pending'),
  dueAtMs: Type.Number(),
});
const SendingSchema = Type.Object({
  ...ATTEMPTS,
  state: Type.Literal('sending'),
  /** The exclusive right of one node to send. Its attempt ends before `untilMs`. */
  lease: Type.Object({ nodeId: Type.String(), untilMs: Type.Number() }),
});
const PausedSchema = Type.Object({
  ...ATTEMPTS,
  state: Type.Literal('paused'),
  pausedAtMs: Type.Number(),
  reason: Type.String(),
});

const MessageSchema = Type.Object({
  /** The message contains the supplier's changes after the delivered sequence, up to this one. */
  toSequence: Type.Integer(),
  madeAtMs: Type.Number(),
  delivery: Type.Union([PendingSchema, SendingSchema, PausedSchema]),
});
const Message = Compile(MessageSchema);

type Sending = Static<typeof SendingSchema>;
type Paused = Static<typeof PausedSchema>;

/** A message from one supplier to one webhook that has not been delivered yet. */
export type OutgoingMessage = Readonly<Static<typeof MessageSchema>>;
export type WebhookDelivery = OutgoingMessage['delivery'];

export function writeMessage(message: OutgoingMessage): string {
  return JSON.stringify(message);
}

export function readMessage(text: string): OutgoingMessage {
  const message: unknown = JSON.parse(text);
  if (!Message.Check(message)) throw new Error('a stored webhook message cannot be read');
  return message;
}

/** The result of an attempt, as far as it affects the schedule. */
export type AttemptResult =
  | { readonly kind: 'delivered' }
  /** The receiver wants no more messages. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'failed';
      /** For the webhook's owner. */
      readonly failure: string;
      /** The delay that the receiver asked for. */
      readonly retryAfterMs: number | null;
    };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The delay before the first retry; each further delay is `RETRY_FACTOR` times the previous one, … */
export const RETRY_FIRST_MS = 5000;
const RETRY_FACTOR = 4;
/** … up to this maximum: stock levels older than an hour are of little use. */
export const RETRY_DELAY_MAX_MS = HOUR_MS;
/** Delays vary by up to this share, so that webhooks that failed together are not retried together. */
export const RETRY_JITTER = 0.2;
/** The longest `Retry-After` that is respected. */
export const RETRY_AFTER_MAX_MS = 6 * HOUR_MS;
/** This long after the first attempt, the next failure is final. */
export const RETRY_FOR_MS = 72 * HOUR_MS;

/** A message that is due now. */
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
 * Gives a node the right to send; undefined if the message is not due, paused, or leased by another node.
 *
 * @param leaseMs longer than an attempt and storing its result can take
 */
export function lease(
  delivery: WebhookDelivery,
  nodeId: string,
  nowMs: number,
  leaseMs: number,
): Sending | undefined {
  if (leasableAtMs(delivery) > nowMs) return undefined;
  const { messageId, attempts, firstAttemptAtMs, lastFailure } = delivery;
  return {
    messageId,
    attempts: attempts + 1,
    firstAttemptAtMs: firstAttemptAtMs ?? nowMs,
    lastFailure: delivery.state === 'sending' ? LEASE_EXPIRED : lastFailure,
    state: 'sending',
    lease: { nodeId, untilMs: nowMs + leaseMs },
  };
}

/** When the message can be leased; Infinity while it is paused. */
export function leasableAtMs(delivery: WebhookDelivery): number {
  switch (delivery.state) {
    case 'pending':
      return delivery.dueAtMs;
    case 'sending':
      return delivery.lease.untilMs;
    case 'paused':
      return Infinity;
  }
}

const LEASE_EXPIRED = 'The server that was sending stopped before it knew the result.';

/**
 * The state after an attempt. Store it only in place of the leased state: if that has been replaced, another
 * node has leased the message since.
 *
 * @param random at least 0, less than 1
 */
export function settle(
  leased: Sending,
  result: AttemptResult,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): WebhookDelivery | 'delivered' {
  switch (result.kind) {
    case 'delivered':
      return 'delivered';
    case 'gone':
      return paused(leased, 'The receiver answered 410 Gone: it wants no more messages.', nowMs);
    case 'failed':
      return afterFailure(leased, result, { nowMs, random });
  }
}

function afterFailure(
  { messageId, attempts, firstAttemptAtMs }: Sending,
  { failure, retryAfterMs }: Extract<AttemptResult, { kind: 'failed' }>,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): WebhookDelivery {
  const failed = { messageId, attempts, firstAttemptAtMs, lastFailure: failure };
  const lastAtMs = (firstAttemptAtMs ?? nowMs) + RETRY_FOR_MS;
  if (nowMs >= lastAtMs) {
    return paused(
      failed,
      `No attempt succeeded in ${RETRY_FOR_MS / HOUR_MS} hours (${attempts} were made). The last: ${failure}`,
      nowMs,
    );
  }
  const requestedMs = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  const delayMs = Math.max(retryDelayMs(attempts, random), requestedMs);
  return {
    ...failed,
    state: 'pending',
    dueAtMs: Math.min(nowMs + delayMs, lastAtMs),
  };
}

/** The delay after `attempts` failed attempts, in milliseconds. */
export function retryDelayMs(attempts: number, random: number): number {
  const plainMs = Math.min(RETRY_FIRST_MS * RETRY_FACTOR ** (attempts - 1), RETRY_DELAY_MAX_MS);
  return Math.round(plainMs * (1 + RETRY_JITTER * (2 * random - 1)));
}

function paused(
  {
    messageId,
    attempts,
    firstAttemptAtMs,
    lastFailure,
  }: Pick<Sending, 'messageId' | 'attempts' | 'firstAttemptAtMs' | 'lastFailure'>,
  reason: string,
  nowMs: number,
): Paused {
  return {
    messageId,
    attempts,
    firstAttemptAtMs,
    lastFailure,
    state: 'paused',
    pausedAtMs: nowMs,
    reason,
  };
}

/** Makes a paused message due now, with no attempts counted; returns any other unchanged. */
export function resume(delivery: WebhookDelivery, nowMs: number): WebhookDelivery {
  return delivery.state === 'paused' ? newDelivery(delivery.messageId, nowMs) : delivery;
}

/** As `resume`, and also makes a message due now that waits for its next attempt. */
export function retryNow(delivery: WebhookDelivery, nowMs: number): WebhookDelivery {
  return delivery.state === 'pending' && delivery.dueAtMs > nowMs
    ? newDelivery(delivery.messageId, nowMs)
    : resume(delivery, nowMs);
}

/** Reads a `Retry-After` header as milliseconds from now; null if it is malformed. */
export function readRetryAfter(header: string, nowMs: number): number | null {
  const text = header.trim();
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  // An HTTP date: Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 §5.6.7).
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
