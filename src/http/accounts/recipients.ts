import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AuditNote } from '../../domain/audit.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Recipient } from '../../domain/notifications.ts';
import { logEvent } from '../../logging/event-log.ts';
import type { MailSettings } from '../../notifications/channels.ts';
import {
  confirmationCodeHash,
  mailboxOf,
  newConfirmationCode,
  sendConfirmation,
} from '../../notifications/confirmation.ts';
import { isTimeZone } from '../../notifications/told.ts';
import type { NotificationStore } from '../../store/store.ts';
import { refusalOfWebhookUrl, type WebhookHttpOptions } from '../../webhooks/http-post.ts';
import { parseBody } from '../../wire/json.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import {
  changedChoices,
  ConfirmationSchema,
  defaultChoices,
  parseConfirmation,
  parseRecipientChange,
  parseRecipientDraft,
  printRecipient,
  RecipientChangeSchema,
  RecipientDraftSchema,
  RecipientListSchema,
  RecipientSchema,
  shownAddress,
} from '../../wire/recipients.ts';
import { WebhookThrottle, type WebhookLimits } from '../changes/webhook-throttle.ts';
import { operationFor, sendObject } from '../changes/webhook-routes.ts';
import type { Admission } from '../request/admission.ts';
import { readBody, smallBodyLimits, type ServerBodyLimits } from '../request/body.ts';
import { checkParameters, uuidOf } from '../request/parameters.ts';
import { addResource } from '../request/resource.ts';
import { noteOf } from './author.ts';

interface RecipientRoutes {
  readonly admission: Admission;
  readonly notifications: NotificationStore;
  /** Null if the server sends no emails. */
  readonly mail: MailSettings | null;
  readonly webhookOptions: WebhookHttpOptions;
  readonly limits: ServerBodyLimits & WebhookLimits & RecipientLimits;
}

/** Each is a setting of `config.ts`. */
export interface RecipientLimits {
  readonly recipientsMax: number;
  readonly confirmationEmailsPerDayMax: number;
  readonly confirmationEmailsPerMailboxPerDayMax: number;
}

const LIST_PATH = '/timp/notifications/recipients/';
const UuidSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the recipient.' }),
});
const NO_SUCH_RECIPIENT = { 404: 'The organization has no recipient with this uuid.' };
const DAY_SECONDS = 86_400;
const RECIPIENT_EXPECTED =
  'a recipient as a JSON object such as {"channel": "email", "address": "stock@example.com"}';

/** Adds the recipients of an organization's notifications: each organization manages its own. */
export function addRecipients(app: FastifyInstance, routes: RecipientRoutes): void {
  const { admission, notifications, mail, webhookOptions, limits } = routes;
  const bodyLimits = smallBodyLimits(limits);
  const throttle = new WebhookThrottle(limits);

  const read = async (request: FastifyRequest): Promise<unknown> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    return parseBody(body, RECIPIENT_EXPECTED).value;
  };

  const find = async (request: FastifyRequest): Promise<Recipient> => {
    const uuid = uuidOf(request);
    const { organizationId } = admission.principalOf(request);
    const found = uuid === undefined ? undefined : await notifications.find(organizationId, uuid);
    if (found !== undefined) return found;
    throw new OnhandError(
      'recipient_not_found',
      'Your organization has no recipient of notifications with this uuid.',
    );
  };

  const note = (
    request: FastifyRequest,
    action: AuditNote['action'],
    subject: string,
    recipient: Pick<Recipient, 'channel' | 'address'>,
  ): AuditNote =>
    noteOf(request, admission.principalOf(request), {
      action,
      subject,
      details: { channel: recipient.channel, address: shownAddress(recipient) },
    });

  /** Counts an email with a confirmation. Rejects with `rate_limited`. */
  const countConfirmation = async (request: FastifyRequest, address: string): Promise<void> => {
    const { organizationId } = admission.principalOf(request);
    const email = { organizationId, mailbox: mailboxOf(address), sentAtMs: Date.now() };
    const [organizationMax, mailboxMax] = [
      limits.confirmationEmailsPerDayMax,
      limits.confirmationEmailsPerMailboxPerDayMax,
    ];
    const isAllowed = await admission.writing(request, () =>
      notifications.countConfirmation(email, { organizationMax, mailboxMax }),
    );
    if (isAllowed) return;
    throw new OnhandError(
      'rate_limited',
      `Too many emails with a confirmation in a day: at most ${organizationMax} of an organization, and ${mailboxMax} to one address. Try again tomorrow.`,
      { retryAfterSeconds: DAY_SECONDS },
    );
  };

  /** Sends the question to an address. A mail server that does not accept it is shown as the recipient's failure. */
  const ask = async (
    request: FastifyRequest,
    { id, address, progress }: Recipient,
    settings: MailSettings,
  ): Promise<void> => {
    const { organizationName: organization } = admission.principalOf(request);
    const code = newConfirmationCode();
    await notifications.setCode(id, confirmationCodeHash(code), Date.now());
    const failure = await sendConfirmation(settings, { to: address, organization, code }).then(
      () => null,
      (error: unknown) => {
        logEvent(request.log, 'confirmation not sent', { err: error });
        return 'The mail server did not accept the email with the confirmation. Check the address, and ask for the email again.';
      },
    );
    await notifications.recordProgress(id, { ...progress, failure });
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const found = await notifications.list(admission.principalOf(request).organizationId);
    return sendObject(reply, { recipients: found.map(printRecipient) });
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { channel, address, ...change } = parseRecipientDraft(await read(request));
    const { organizationId, organizationType: type } = admission.principalOf(request);
    const choices = changedChoices(defaultChoices(type), change, type);
    checkTimeZone(choices.timeZone);
    const isEmail = channel === 'email';
    if (isEmail) {
      if (mail === null) throw noMail();
      checkEmailAddress(address);
      await countConfirmation(request, address);
    } else {
      await throttle.act(organizationId);
      const refusal = await refusalOfWebhookUrl(address, webhookOptions);
      if (refusal !== undefined) throw new OnhandError('recipient_refused', refusal);
    }
    const confirmedAtMs = isEmail ? null : Date.now();
    const recipient = await admission.writing(request, () =>
      notifications.create(
        { ...choices, organizationId, channel, address, confirmedAtMs },
        limits.recipientsMax,
        (uuid) => note(request, 'recipient.created', uuid, { channel, address }),
      ),
    );
    if (recipient === undefined) {
      throw new OnhandError(
        'recipient_refused',
        `An organization can have at most ${limits.recipientsMax} recipients (ONHAND_RECIPIENTS_MAX). Remove one first.`,
      );
    }
    if (isEmail && mail !== null) await ask(request, recipient, mail);
    const created = await notifications.find(organizationId, recipient.uuid);
    reply.code(201).header('location', `${LIST_PATH}${recipient.uuid}/`);
    return sendObject(reply, printRecipient(created ?? recipient));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    return sendObject(reply, printRecipient(await find(request)));
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const edit = parseRecipientChange(await read(request));
    const recipient = await find(request);
    const { organizationType } = admission.principalOf(request);
    const choices = changedChoices(recipient, edit, organizationType);
    checkTimeZone(choices.timeZone);
    const changing = note(request, 'recipient.changed', recipient.uuid, recipient);
    await admission.writing(request, () => notifications.change(recipient.id, choices, changing));
    return sendObject(reply, printRecipient(await find(request)));
  };

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const recipient = await find(request);
    const removing = note(request, 'recipient.removed', recipient.uuid, recipient);
    await admission.writing(request, () => notifications.remove(recipient.id, removing));
    return sendObject(reply, { message: 'success' });
  };

  const confirm = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { code } = parseConfirmation(await read(request));
    const recipient = await find(request);
    if (recipient.confirmedAtMs === null) {
      const confirming = note(request, 'recipient.confirmed', recipient.uuid, recipient);
      const isRight = await admission.writing(request, () =>
        notifications.confirm(recipient.id, confirmationCodeHash(code), Date.now(), confirming),
      );
      if (!isRight) {
        throw new OnhandError(
          'recipient_refused',
          'This is not the code of the last email to this address, or it is more than a day old, or too many wrong ones were given. Ask for another email: POST …/send-confirmation/.',
        );
      }
    }
    return sendObject(reply, printRecipient(await find(request)));
  };

  const askAgain = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const recipient = await find(request);
    if (recipient.confirmedAtMs === null) {
      if (mail === null) throw noMail();
      await countConfirmation(request, recipient.address);
      await ask(request, recipient, mail);
    }
    return sendObject(reply, printRecipient(await find(request)));
  };

  const view = operationFor(admission, 'viewer');
  const manage = operationFor(admission, 'webhook_manager');
  const one = { group: 'Notifications', params: UuidSchema } as const;
  const refused = { 422: 'The address is not allowed, or there are too many recipients.' };

  addResource(app, LIST_PATH, {
    GET: view(
      {
        group: 'Notifications',
        operationId: 'listNotificationRecipients',
        summary: "List the recipients of the organization's notifications",
        ok: RecipientListSchema,
      },
      list,
    ),
    POST: manage(
      {
        group: 'Notifications',
        operationId: 'addNotificationRecipient',
        summary: 'Add a recipient; an email address is asked for its consent first',
        body: RecipientDraftSchema,
        ok: RecipientSchema,
        okStatus: 201,
        problems: refused,
      },
      create,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: view(
      {
        ...one,
        operationId: 'showNotificationRecipient',
        summary: 'Show one recipient',
        ok: RecipientSchema,
        problems: NO_SUCH_RECIPIENT,
      },
      show,
    ),
    PATCH: manage(
      {
        ...one,
        operationId: 'changeNotificationRecipient',
        summary: 'Change which notifications a recipient gets, and when',
        body: RecipientChangeSchema,
        ok: RecipientSchema,
        problems: NO_SUCH_RECIPIENT,
      },
      change,
    ),
    DELETE: manage(
      {
        ...one,
        operationId: 'removeNotificationRecipient',
        summary: 'Remove a recipient',
        ok: SuccessSchema,
        problems: NO_SUCH_RECIPIENT,
      },
      remove,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/confirm/`, {
    POST: manage(
      {
        ...one,
        operationId: 'confirmNotificationRecipient',
        summary: 'Confirm an email address with the code that was sent to it',
        body: ConfirmationSchema,
        ok: RecipientSchema,
        problems: { ...NO_SUCH_RECIPIENT, 422: 'The code is wrong or no longer valid.' },
      },
      confirm,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/send-confirmation/`, {
    POST: manage(
      {
        ...one,
        operationId: 'sendNotificationConfirmation',
        summary: 'Send the email with the code again; earlier codes are no longer valid',
        ok: RecipientSchema,
        problems: { ...NO_SUCH_RECIPIENT, 422: 'The mail server did not accept it.' },
      },
      askAgain,
    ),
  });
}

function noMail(): OnhandError {
  return new OnhandError(
    'recipient_refused',
    'This server sends no emails. Its operator must set ONHAND_SMTP_URL and ONHAND_NOTIFY_FROM; webhooks work without.',
  );
}

function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw new OnhandError(
    'member_invalid',
    `time_zone: ${JSON.stringify(timeZone)} is no time zone. Use a name such as "Europe/Berlin" or "UTC".`,
  );
}

/** One address without a display name, comments and quotes: what follows a comma would be another recipient. */
const EMAIL_ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/;

function checkEmailAddress(address: string): void {
  if (EMAIL_ADDRESS.test(address)) return;
  throw new OnhandError(
    'member_invalid',
    'address must be one email address in ASCII, such as stock@example.com, without a name and quotes.',
  );
}
