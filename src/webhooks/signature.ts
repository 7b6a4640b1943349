/** Signatures as Standard Webhooks 1.0.0 has them: symmetric, `v1`. */
import { createHmac, randomBytes } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const SECRET_BYTES = 32;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How long the former secret still signs after a new one was made. */
export const SECRET_OVERLAP_MS = 24 * 60 * 60_000;

/** The secrets of one webhook, each as text: `whsec_` and base64. */
export interface WebhookSecrets {
  readonly current: string;
  /** The one before, until receivers have learned the current one. */
  readonly previous: { readonly secret: string; readonly untilMs: number } | null;
}

/** A new secret, of 256 random bits. */
export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** Whether a text is a secret: `whsec_` and the base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  const encoded = text.slice(SECRET_PREFIX.length);
  if (!text.startsWith(SECRET_PREFIX) || !BASE64.test(encoded)) return false;
  const { length } = keyOf(text);
  return length >= SECRET_BYTES_MIN && length <= SECRET_BYTES_MAX;
}

/** Makes `next` the secret; the one before goes on signing beside it for `SECRET_OVERLAP_MS`. */
export function rotateSecret(
  { current }: WebhookSecrets,
  next: string,
  nowMs: number,
): WebhookSecrets {
  return { current: next, previous: { secret: current, untilMs: nowMs + SECRET_OVERLAP_MS } };
}

export interface SignedMessage {
  /** The same for every attempt; without a full stop, which sets the signed parts apart. */
  readonly id: string;
  readonly body: string;
}

/** The headers that let a receiver know who sent a message, and when. */
export type SignatureHeaders = Readonly<
  Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>
>;

/** Signs a message for one attempt at `nowMs`, by the current secret and, while it lasts, the one before. */
export function signatureHeaders(
  { id, body }: SignedMessage,
  { current, previous }: WebhookSecrets,
  nowMs: number,
): SignatureHeaders {
  const timestamp = String(Math.floor(nowMs / 1000));
  const secrets = [
    current,
    ...(previous !== null && nowMs < previous.untilMs ? [previous.secret] : []),
  ];
  const signed = `${id}.${timestamp}.${body}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => `v1,${sign(signed, secret)}`).join(' '),
  };
}

function sign(text: string, secret: string): string {
  return createHmac('sha256', keyOf(secret)).update(text).digest('base64');
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
}
