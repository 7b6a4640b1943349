/** The recipients of an organization's notifications. */
import { type Static, Type } from 'typebox';
import {
  DIGESTS,
  KINDS_OF_TYPE,
  NOTIFICATION_KINDS,
  RECIPIENT_CHANNELS,
  type Recipient,
  type RecipientChoices,
} from '../domain/notifications.ts';
import { OnhandError } from '../domain/errors.ts';
import type { OrganizationType } from '../domain/parties.ts';
import { createValidator, textOrNull, time, uuid } from './schema.ts';
import { printTime } from './times.ts';

/** Longest address of an email (RFC 5321), and of a webhook. */
const ADDRESS_LENGTH_MAX = 2048;
const REPEAT_MINUTES_MAX = 7 * 24 * 60;
const REPEAT_MINUTES_DEFAULT = 60;
const DAILY_AT_DEFAULT = '08:00';
const TIME_OF_DAY = '^([01][0-9]|2[0-3]):[0-5][0-9]$';

const timeOfDay = (description: string) =>
  Type.String({ pattern: TIME_OF_DAY, description, examples: [DAILY_AT_DEFAULT] });
const timeOfDayOrNull = (description: string) => textOrNull({ pattern: TIME_OF_DAY, description });

const choiceMembers = {
  kinds: Type.Array(Type.Enum([...NOTIFICATION_KINDS]), {
    minItems: 1,
    description: 'Which kinds it gets; all by default.',
  }),
  digest: Type.Enum([...DIGESTS], {
    description: 'Whether messages are sent at once, or collected until the next hour or day.',
  }),
  daily_at: timeOfDay('When a daily digest is sent, such as `08:00`.'),
  quiet_from: timeOfDayOrNull('From when nothing is sent; null for no quiet hours.'),
  quiet_until: timeOfDayOrNull('Until when nothing is sent.'),
  time_zone: Type.String({
    maxLength: 64,
    description: 'The time zone of these times, such as `Europe/Berlin`.',
    examples: ['Europe/Berlin'],
  }),
  repeat_after_minutes: Type.Integer({
    minimum: 0,
    maximum: REPEAT_MINUTES_MAX,
    description: 'The same condition is not repeated for this time.',
    examples: [REPEAT_MINUTES_DEFAULT],
  }),
  tells_resolved: Type.Boolean({ description: 'Whether a message follows when a condition ends.' }),
};

export const RecipientDraftSchema = Type.Object(
  {
    channel: Type.Enum([...RECIPIENT_CHANNELS], {
      description: '`slack` and `teams` are incoming webhooks; `webhook` gets JSON.',
    }),
    address: Type.String({
      minLength: 1,
      maxLength: ADDRESS_LENGTH_MAX,
      description: 'An email address, or a URL.',
      examples: ['stock@acme.example'],
    }),
    ...Type.Partial(Type.Object(choiceMembers)).properties,
  },
  { title: 'NotificationRecipientDraft', additionalProperties: false },
);

export const RecipientChangeSchema = Type.Object(
  Type.Partial(Type.Object(choiceMembers)).properties,
  { title: 'NotificationRecipientChange', additionalProperties: false },
);

export const RecipientSchema = Type.Object(
  {
    uuid: uuid('The recipient.'),
    channel: Type.Enum([...RECIPIENT_CHANNELS]),
    address: Type.String({
      description: 'The email address. Of a URL, which is a secret, only the beginning.',
      examples: ['stock@acme.example'],
    }),
    is_confirmed: Type.Boolean({ description: 'False: nothing is sent yet but the question.' }),
    ...choiceMembers,
    created: time('When it was added.'),
    last_sent: textOrNull({ format: 'date-time', description: 'When it last got a message.' }),
    last_failure: textOrNull({
      description: 'Why the last message was not accepted; null if it was. It is tried again.',
    }),
  },
  { title: 'NotificationRecipient', additionalProperties: false },
);

export const RecipientListSchema = Type.Object(
  { recipients: Type.Array(RecipientSchema) },
  { title: 'NotificationRecipientList', additionalProperties: false },
);

export const ConfirmationSchema = Type.Object(
  {
    code: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'The code in the email.',
      examples: ['ABCDEFGHJK'],
    }),
  },
  { title: 'NotificationConfirmation', additionalProperties: false },
);

const WHAT = 'The recipient';
/** Throw `member_invalid`. */
export const parseRecipientDraft = createValidator(RecipientDraftSchema, WHAT, 'member_invalid');
export const parseRecipientChange = createValidator(RecipientChangeSchema, WHAT, 'member_invalid');
export const parseConfirmation = createValidator(
  ConfirmationSchema,
  'The confirmation',
  'member_invalid',
);

/** The choices of a new recipient, unless it says otherwise. */
export function defaultChoices(type: OrganizationType): RecipientChoices {
  return {
    kinds: KINDS_OF_TYPE[type],
    digest: 'immediately',
    dailyAtMinute: minuteOf(DAILY_AT_DEFAULT),
    quiet: null,
    timeZone: 'UTC',
    repeatMinutes: REPEAT_MINUTES_DEFAULT,
    tellsResolved: true,
  };
}

/** The choices after a change. Throws `member_invalid` if they do not fit together, or the type of organization. */
export function changedChoices(
  before: RecipientChoices,
  change: Static<typeof RecipientChangeSchema>,
  type: OrganizationType,
): RecipientChoices {
  const unknown = change.kinds?.find((kind) => !KINDS_OF_TYPE[type].includes(kind));
  if (unknown !== undefined) {
    throw new OnhandError(
      'member_invalid',
      `A ${type} gets no notifications of ${unknown}. Choose from: ${KINDS_OF_TYPE[type].join(', ')}.`,
    );
  }
  return {
    kinds: change.kinds === undefined ? before.kinds : [...new Set(change.kinds)],
    digest: change.digest ?? before.digest,
    dailyAtMinute: change.daily_at === undefined ? before.dailyAtMinute : minuteOf(change.daily_at),
    quiet: changedQuiet(before.quiet, change),
    timeZone: change.time_zone ?? before.timeZone,
    repeatMinutes: change.repeat_after_minutes ?? before.repeatMinutes,
    tellsResolved: change.tells_resolved ?? before.tellsResolved,
  };
}

function changedQuiet(
  before: RecipientChoices['quiet'],
  { quiet_from: from, quiet_until: until }: Static<typeof RecipientChangeSchema>,
): RecipientChoices['quiet'] {
  const fromMinute = from === undefined ? (before?.fromMinute ?? null) : minuteOrNull(from);
  const untilMinute = until === undefined ? (before?.untilMinute ?? null) : minuteOrNull(until);
  if (fromMinute === null && untilMinute === null) return null;
  if (fromMinute === null || untilMinute === null) {
    throw new OnhandError(
      'member_invalid',
      'Quiet hours need both quiet_from and quiet_until, such as "20:00" and "07:00"; none need null for both.',
    );
  }
  if (fromMinute === untilMinute) {
    throw new OnhandError(
      'member_invalid',
      'quiet_from and quiet_until are equal, so nothing would ever be sent. Give both null for no quiet hours.',
    );
  }
  return { fromMinute, untilMinute };
}

export function printRecipient(recipient: Recipient): Static<typeof RecipientSchema> {
  const { quiet, progress } = recipient;
  return {
    uuid: recipient.uuid,
    channel: recipient.channel,
    address: shownAddress(recipient),
    is_confirmed: recipient.confirmedAtMs !== null,
    kinds: [...recipient.kinds],
    digest: recipient.digest,
    daily_at: printMinute(recipient.dailyAtMinute),
    quiet_from: quiet === null ? null : printMinute(quiet.fromMinute),
    quiet_until: quiet === null ? null : printMinute(quiet.untilMinute),
    time_zone: recipient.timeZone,
    repeat_after_minutes: recipient.repeatMinutes,
    tells_resolved: recipient.tellsResolved,
    created: printTime(recipient.createdAtMs),
    last_sent: progress.sentAtMs === null ? null : printTime(progress.sentAtMs),
    last_failure: progress.failure,
  };
}

/** The address without what is secret: who knows the URL of a chat program's webhook can post to it. */
export function shownAddress({ channel, address }: Pick<Recipient, 'channel' | 'address'>): string {
  return channel === 'email' ? address : `${new URL(address).origin}/…`;
}

function minuteOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

function minuteOrNull(text: string | null): number | null {
  return text === null ? null : minuteOf(text);
}

function printMinute(minute: number): string {
  return [Math.floor(minute / 60), minute % 60]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
}
