/** The ways to tell people: email, and the webhooks of chat programs. */
import ipaddr from 'ipaddr.js';
import { OnhandError } from '../domain/errors.ts';
import { hostOf, readWebhookUrl } from '../webhooks/address.ts';
import { postWebhook, type WebhookHttpOptions } from '../webhooks/http-post.ts';

/** What is sent at once. */
export interface Notification {
  readonly subject: string;
  readonly text: string;
}

/** A way to send notifications to one recipient. */
export interface Channel {
  /** For the log, without secrets: `email` or `webhook`. */
  readonly name: string;
  /** Rejects if the message was not accepted, and at once if the signal is aborted. */
  send(notification: Notification, signal?: AbortSignal): Promise<void>;
}

/** The server that emails are handed to, and their sender. */
export interface MailSettings {
  /** `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`. */
  readonly smtpUrl: string;
  readonly from: string;
  /** Whether a server on a loopback address may be spoken to without TLS. */
  readonly allowPlain: boolean;
}

const SMTP_TIMEOUT_MS = 15_000;

/** Sends emails. Each message has a connection of its own: they are few. */
export function emailChannel({
  smtpUrl,
  from,
  allowPlain,
  to,
}: MailSettings & { readonly to: string }): Channel {
  const isPlain = allowPlain && isLoopback(smtpUrl);
  return {
    name: 'email',
    send: async ({ subject, text }, signal) => {
      // Loaded on demand: most servers send no emails.
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        url: smtpUrl,
        connectionTimeout: SMTP_TIMEOUT_MS,
        greetingTimeout: SMTP_TIMEOUT_MS,
        socketTimeout: SMTP_TIMEOUT_MS,
        // What someone on the way strips from the server's offer must not open the password and the message to them.
        requireTLS: !isPlain,
        ignoreTLS: isPlain,
      });
      try {
        await transport.sendMail({ from, to, subject, text, ...(signal && { signal }) });
      } finally {
        transport.close();
      }
    },
  };
}

function isLoopback(smtpUrl: string): boolean {
  const host = hostOf(new URL(smtpUrl).hostname);
  if (!ipaddr.isValid(host)) return host === 'localhost';
  return ipaddr.process(host).range() === 'loopback';
}

/** Posts `{"text": "…"}`, which incoming webhooks of Slack, Mattermost and others accept. The rules of webhooks' URLs hold. */
export function webhookChannel(url: string, options: WebhookHttpOptions): Channel {
  return {
    name: 'webhook',
    send: ({ text }, signal) => postNotification({ url, body: { text } }, options, signal),
  };
}

/** Posts a JSON object. Rejects, with what the owner of the URL may know, unless the answer is 2xx. */
export async function postNotification(
  { url, body }: { readonly url: string; readonly body: object },
  options: WebhookHttpOptions,
  signal?: AbortSignal,
): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const request = { url, headers, body: JSON.stringify(body) };
  const response = await postWebhook(request, options, signal);
  if (response.kind === 'failed') throw new Error(response.failure);
  if (response.status < 200 || response.status >= 300) {
    throw new Error(`The receiver of notifications answered ${response.status}.`);
  }
}

/** Those of `config.ts` that decide how notifications are sent. */
export interface NotifySettings {
  readonly notifyUrl: string | null;
  readonly notifyEmail: string | null;
  readonly notifyFrom: string | null;
  readonly smtpUrl: string | null;
  readonly smtpAllowPlain: boolean;
}

/** How emails are sent; null if the settings do not say. */
export function mailSettingsOf({
  smtpUrl,
  notifyFrom: from,
  smtpAllowPlain: allowPlain,
}: NotifySettings): MailSettings | null {
  return smtpUrl === null || from === null ? null : { smtpUrl, from, allowPlain };
}

/** The channels to the operator. Throws `parameter_invalid` if emails are wanted and nothing sends them, or a URL is not allowed. */
export function operatorChannels(
  settings: NotifySettings,
  options: WebhookHttpOptions,
): readonly Channel[] {
  const { notifyUrl, notifyEmail: to } = settings;
  const mail = mailSettingsOf(settings);
  if (to !== null && mail === null) {
    throw new OnhandError(
      'parameter_invalid',
      'ONHAND_NOTIFY_EMAIL needs a sender and a server that sends emails: set ONHAND_NOTIFY_FROM and ONHAND_SMTP_URL too.',
    );
  }
  const reading = notifyUrl === null ? null : readWebhookUrl(notifyUrl, options.policy);
  if (reading !== null && 'refusal' in reading) {
    throw new OnhandError(
      'parameter_invalid',
      `ONHAND_NOTIFY_URL cannot be used: it ${reading.refusal}.`,
    );
  }
  return [
    ...(to === null || mail === null ? [] : [emailChannel({ ...mail, to })]),
    ...(notifyUrl === null ? [] : [webhookChannel(notifyUrl, options)]),
  ];
}
