import type { Webhook, WebhookAttempt } from '../../domain/webhooks.ts';
import type { ChangePage } from './change-pages.ts';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import { createValidator, textOrNull, time, uuid } from '../schema.ts';
import { printTime } from '../times.ts';
import type { ChangeRecord } from '../../domain/changes.ts';
import { printChangeRecord } from './change-records.ts';

/* Webhooks: registration, delivery attempts and messages. */

const DESCRIPTION_LENGTH_MAX = 256;

const SUPPLIERS_MAX = 500;

const URL_MEMBER = Type.String({ minLength: 1, description: 'Where messages are posted.' });

const DESCRIPTION = Type.Optional(
  textOrNull({ maxLength: DESCRIPTION_LENGTH_MAX, description: 'For people to read.' }),
);

const SUPPLIER_UUIDS = Type.Optional(
  Type.Unsafe<readonly string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string', format: 'uuid' },
    minItems: 1,
    maxItems: SUPPLIERS_MAX,
    description: 'Only changes of these suppliers; null is all that you see.',
  }),
);

export const WebhookDraftSchema = Type.Object(
  {
    url: URL_MEMBER,
    description: DESCRIPTION,
    supplier_uuids: SUPPLIER_UUIDS,
    secret: Type.Optional(
      Type.String({
        description: 'What signs messages: `whsec_` and base64; one is made without.',
      }),
    ),
  },
  { title: 'WebhookDraft', additionalProperties: false },
);

export const WebhookChangeSchema = Type.Object(
  {
    url: Type.Optional(URL_MEMBER),
    description: DESCRIPTION,
    supplier_uuids: SUPPLIER_UUIDS,
    is_paused: Type.Optional(
      Type.Boolean({ description: 'True pauses delivery; false resumes where it was paused.' }),
    ),
  },
  { title: 'WebhookChange', additionalProperties: false },
);

export const WebhookSchema = Type.Object(
  {
    uuid: uuid('The webhook.'),
    url: URL_MEMBER,
    description: textOrNull({}),
    supplier_uuids: Type.Unsafe<readonly string[] | null>({
      type: ['array', 'null'],
      items: { type: 'string', format: 'uuid' },
    }),
    is_paused: Type.Boolean(),
    paused_reason: textOrNull({ description: 'Why nothing is sent; null while it is.' }),
    created: time('When it was registered.'),
    secret: Type.Optional(
      Type.String({ description: 'Told once, where it was made or given: what signs messages.' }),
    ),
  },
  { title: 'Webhook', additionalProperties: false },
);

export const WebhookListSchema = Type.Object(
  { webhooks: Type.Array(WebhookSchema) },
  { title: 'WebhookList', additionalProperties: false },
);

export const ATTEMPT_MEMBERS = {
  started: time('When it began.'),
  duration_ms: Type.Integer(),
  status: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: "The receiver's status; null where it did not answer.",
  }),
  response: Type.String({
    description: 'The first bytes of its response, or why there was none.',
  }),
  is_delivered: Type.Boolean(),
};

export const WebhookAttemptSchema = Type.Object(ATTEMPT_MEMBERS, {
  title: 'WebhookAttempt',
  additionalProperties: false,
});

export const WebhookAttemptsSchema = Type.Object(
  {
    attempts: Type.Array(
      Type.Object(
        {
          message_id: Type.String({ description: 'The `webhook-id` of the message.' }),
          ...ATTEMPT_MEMBERS,
        },
        { additionalProperties: false },
      ),
      { description: 'The latest first.' },
    ),
  },
  { title: 'WebhookAttempts', additionalProperties: false },
);

export const parseWebhookDraft = createValidator(
  WebhookDraftSchema,
  'The webhook',
  'member_invalid',
);

export const parseWebhookChange = createValidator(
  WebhookChangeSchema,
  'The webhook',
  'member_invalid',
);

/** @param secret only in the response that creates or replaces it */
export function printWebhook(webhook: Webhook, secret?: string) {
  return {
    uuid: webhook.uuid,
    url: webhook.url,
    description: webhook.description,
    supplier_uuids: webhook.supplierUuids,
    is_paused: webhook.pausedReason !== null,
    paused_reason: webhook.pausedReason,
    created: printTime(webhook.createdAtMs),
    ...(secret !== undefined && { secret }),
  };
}

export function printAttempt(attempt: Omit<WebhookAttempt, 'messageId' | 'range'>) {
  return {
    started: printTime(attempt.startedAtMs),
    duration_ms: Math.round(attempt.durationMs),
    status: attempt.status,
    response: attempt.text,
    is_delivered: attempt.isDelivered,
  };
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Returns the uuids in lower case, without duplicates. Throws `member_invalid`. */
export function checkSupplierUuids(
  uuids: readonly string[] | null | undefined,
): readonly string[] | null {
  if (uuids === null || uuids === undefined) return null;
  const wrong = uuids.find((text) => !UUID.test(text));
  if (wrong !== undefined) {
    throw new OnhandError('member_invalid', `supplier_uuids: ${JSON.stringify(wrong)} is no uuid.`);
  }
  return [...new Set(uuids.map((text) => text.toLowerCase()))];
}

/** A webhook's message: changes, or a test. */
export type WebhookMessage =
  ({ readonly type: 'inventory.changed' } & ChangePage) | { readonly type: 'webhook.test' };

/**
 * Prints the body of a webhook's request as defined by Standard Webhooks: `type`, `timestamp` (of the last
 * change, not of the delivery) and `data`. The same message always gives the same bytes, so that retries
 * match the message's ID.
 *
 * @param madeAtMs when the message was created: its timestamp if no record has a time
 */
export function printWebhookBody(message: WebhookMessage, madeAtMs: number): string {
  switch (message.type) {
    case 'inventory.changed':
      return JSON.stringify({
        type: message.type,
        timestamp: printTime(lastChangedAtMs(message.records) ?? madeAtMs),
        data: { records: message.records.map(printChangeRecord), cursor: message.cursor },
      });
    case 'webhook.test':
      return JSON.stringify({ type: message.type, timestamp: printTime(madeAtMs), data: {} });
  }
}

function lastChangedAtMs(records: readonly ChangeRecord[]): number | undefined {
  const times = records.flatMap((record) =>
    record.kind === 'change' ? [record.change.changedAtMs] : [],
  );
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
}
