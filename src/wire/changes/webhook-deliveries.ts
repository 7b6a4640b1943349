import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import {
  TEST_MESSAGE_PREFIX,
  type DeliveryRecord,
  type WebhookAttempt,
  type WebhookExchange,
} from '../../domain/webhooks.ts';
import { createValidator, textOrNull, time } from '../schema.ts';
import { printTime, readTimeUs, TIME_ALLOWED } from '../times.ts';
import { notAllowed } from '../validation-messages.ts';
import { ATTEMPT_MEMBERS, printAttempt } from './webhooks.ts';

/* What was sent to a webhook, what came back, and what is sent again. */

const timeOrNull = (description: string) => textOrNull({ format: 'date-time', description });

const MESSAGE_ID = Type.String({ description: 'The `webhook-id` of the message.' });

const DELIVERY_MEMBERS = {
  message_id: MESSAGE_ID,
  type: Type.Unsafe<'inventory.changed' | 'webhook.test'>({
    type: 'string',
    enum: ['inventory.changed', 'webhook.test'],
  }),
  supplier_uuid: textOrNull({
    format: 'uuid',
    description: 'Whose changes the message has; null for a test.',
  }),
  change_count: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'How many changes the message has; null for a test.',
  }),
  attempt_count: Type.Integer({ description: 'How many of its attempts are kept.' }),
  first_attempt: time('When the first attempt that is kept began.'),
  last_attempt: time('When the latest attempt began.'),
  next_attempt: timeOrNull('When the next attempt is due; null if none is planned.'),
  is_delivered: Type.Boolean(),
  status: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: "The receiver's latest status; null where it did not answer.",
  }),
  response: Type.String({
    description: 'The first bytes of its latest response, or why there was none.',
  }),
  can_send_again: Type.Boolean({
    description: 'False for tests, and for messages of before onhand kept what they contain.',
  }),
};

export const WebhookDeliveriesSchema = Type.Object(
  {
    deliveries: Type.Array(
      Type.Object(DELIVERY_MEMBERS, { title: 'WebhookDelivery', additionalProperties: false }),
      { description: 'The latest attempt first.' },
    ),
  },
  { title: 'WebhookDeliveries', additionalProperties: false },
);

const HEADERS = Type.Record(Type.String(), Type.String(), {
  description: 'Values of signatures, cookies, keys and tokens are left out.',
});

export const WebhookDeliveryDetailsSchema = Type.Object(
  {
    ...DELIVERY_MEMBERS,
    attempts: Type.Array(
      Type.Object(
        {
          ...ATTEMPT_MEMBERS,
          request: Type.Unsafe<ShownExchange['request'] | null>({
            ...Type.Object(
              {
                url: Type.String(),
                headers: HEADERS,
                body: Type.String({ description: 'The first bytes of the body.' }),
                body_bytes: Type.Integer({ description: 'The length of the whole body.' }),
              },
              { additionalProperties: false },
            ),
            type: ['object', 'null'],
            description: 'What was sent; null if it was not kept.',
          }),
          response_headers: Type.Unsafe<Readonly<Record<string, string>> | null>({
            ...HEADERS,
            type: ['object', 'null'],
            description: 'Null where the receiver did not answer. Values of secrets are left out.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'The latest first.' },
    ),
  },
  { title: 'WebhookDeliveryDetails', additionalProperties: false },
);

/** What was sent and received, as it is printed. */
interface ShownExchange {
  readonly request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly body_bytes: number;
  };
  readonly response_headers: Readonly<Record<string, string>> | null;
}

export const WebhookRecoverySchema = Type.Object(
  {
    since: time('Changes made at or after this time are delivered again.'),
  },
  { title: 'WebhookRecovery', additionalProperties: false },
);

const parseRecovery = createValidator(WebhookRecoverySchema, 'The request', 'member_invalid');

export const WebhookRecoveryQuerySchema = Type.Object(
  { dry_run: Type.Optional(Type.Boolean({ description: 'Only count the changes.' })) },
  { title: 'WebhookRecoveryQuery', additionalProperties: false },
);

/** The time since which changes are delivered again, in ms since 1970-01-01T00:00Z. Throws `member_invalid`. */
export function parseWebhookRecovery(value: unknown): number {
  const { since } = parseRecovery(value);
  const sinceUs = readTimeUs(since);
  if (sinceUs !== undefined) return Math.ceil(sinceUs / 1000);
  throw new OnhandError('member_invalid', notAllowed('since', TIME_ALLOWED, since));
}

export const WebhookRecoveredSchema = Type.Object(
  {
    since: time('Changes made at or after this time.'),
    dry_run: Type.Boolean(),
    suppliers: Type.Integer({ description: 'Suppliers whose changes are delivered again.' }),
    changes: Type.Integer({ description: 'Changes that are delivered again.' }),
  },
  { title: 'WebhookRecovered', additionalProperties: false },
);

export function printRecovered(
  sinceMs: number,
  isDryRun: boolean,
  plan: readonly {
    readonly position: { readonly deliveredSequence: number };
    readonly afterSequence: number;
  }[],
) {
  return {
    since: printTime(sinceMs),
    dry_run: isDryRun,
    suppliers: plan.length,
    changes: plan.reduce(
      (sum, { position, afterSequence }) => sum + position.deliveredSequence - afterSequence,
      0,
    ),
  };
}

/** @param uuidOf the uuid of a supplier; undefined if it does not exist any more */
export function printDelivery(
  delivery: DeliveryRecord,
  uuidOf: (id: number) => string | undefined,
) {
  const { messageId, range, last, nextAttemptAtMs } = delivery;
  return {
    message_id: messageId,
    type: messageId.startsWith(TEST_MESSAGE_PREFIX)
      ? ('webhook.test' as const)
      : ('inventory.changed' as const),
    supplier_uuid: range === null ? null : (uuidOf(range.supplierId) ?? null),
    change_count: range === null ? null : range.toSequence - range.afterSequence,
    attempt_count: delivery.attemptCount,
    first_attempt: printTime(delivery.firstStartedAtMs),
    last_attempt: printTime(last.startedAtMs),
    next_attempt: nextAttemptAtMs === null ? null : printTime(nextAttemptAtMs),
    is_delivered: delivery.isDelivered,
    status: last.status,
    response: last.text,
    can_send_again: range !== null,
  };
}

export function printDetailedAttempt(attempt: WebhookAttempt, exchange: WebhookExchange | null) {
  return { ...printAttempt(attempt), ...printExchange(exchange) };
}

function printExchange(
  exchange: WebhookExchange | null,
): ShownExchange | Readonly<Record<keyof ShownExchange, null>> {
  if (exchange === null) return { request: null, response_headers: null };
  const { url, headers, body, bodyBytes } = exchange.request;
  return {
    request: { url, headers, body, body_bytes: bodyBytes },
    response_headers: exchange.responseHeaders,
  };
}
