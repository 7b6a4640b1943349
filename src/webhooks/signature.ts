/** Symmetric signatures (`v1`) of Standard Webhooks 1.0.0. */
import { createHmac, randomBytes } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const SECRET_BYTES = 32;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How long the previous secret still signs after a rotation. */
export const SECRET_OVERLAP_MS = 24 * 60 * 60_000;

/** The secrets of one webhook, each as text: `whsec_` and base64. */
export interface WebhookSecrets {
  readonly current: string;
  /** Signs as well until `untilMs`, so that receivers have time to change. */
  readonly previous: { readonly secret: string; readonly untilMs: number } | null;
}

/** Generates a secret of 256 random bits. */
export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** Whether a text is a valid secret: `whsec_` and the base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  const encoded = text.slice(SECRET_PREFIX.length);
  if (!text.startsWith(SECRET_PREFIX) || !BASE64.test(encoded)) return false;
  const { length } = keyOf(text);
  return length >= SECRET_BYTES_MIN && length <= SECRET_BYTES_MAX;
}

/** Replaces the secret by `next`; the previous one also signs for `SECRET_OVERLAP_MS`. */
export function rotateSecret(
  { current }: WebhookSecrets,
  next: string,
  nowMs: number,
): WebhookSecrets {
  return { current: next, previous: { secret: current, untilMs: nowMs + SECRET_OVERLAP_MS } };
}

export interface SignedMessage {
  /** The same for every attempt; without a full stop, which separates the signed parts. */
  readonly id: string;
  readonly body: string;
}

/** The headers by which a receiver verifies a message. */
export type SignatureHeaders = Readonly<
  Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>
>;

/** Signs a message for an attempt at `nowMs`, with the current secret and, during the overlap, the previous one. */
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
