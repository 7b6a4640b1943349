/** The ways to tell the operator: email, and a webhook that chat programs understand. */
import { postWebhook, type WebhookHttpOptions } from '../webhooks/http-post.ts';
import type { Channel } from './notifier.ts';

export interface EmailSettings {
  /** `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`. */
  readonly smtpUrl: string;
  readonly from: string;
  readonly to: string;
}

const SMTP_TIMEOUT_MS = 15_000;

/** Sends emails. Each message has a connection of its own: they are few. */
export function emailChannel({ smtpUrl, from, to }: EmailSettings): Channel {
  return {
    name: 'email',
    send: async ({ subject, text }) => {
      // Loaded on demand: most servers send no emails.
      const { createTransport } = await import('nodemailer');
      const timeouts = {
        connectionTimeout: SMTP_TIMEOUT_MS,
        greetingTimeout: SMTP_TIMEOUT_MS,
        socketTimeout: SMTP_TIMEOUT_MS,
      };
      const transport = createTransport({ url: smtpUrl, ...timeouts });
      try {
        await transport.sendMail({ from, to, subject, text });
      } finally {
        transport.close();
      }
    },
  };
}

/** Posts `{"text": "…"}`, which incoming webhooks of Slack, Mattermost and Teams accept. The rules of webhooks' URLs hold. */
export function webhookChannel(url: string, options: WebhookHttpOptions): Channel {
  return {
    name: 'webhook',
    send: async ({ text }) => {
      const headers = { 'content-type': 'application/json' };
      const response = await postWebhook({ url, headers, body: JSON.stringify({ text }) }, options);
      if (response.kind === 'failed') throw new Error(response.failure);
      if (response.status < 200 || response.status >= 300) {
        throw new Error(`The receiver of notifications answered ${response.status}.`);
      }
    },
  };
}
