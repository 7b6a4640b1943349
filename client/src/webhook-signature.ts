import type { ChangePage } from './api-types.ts';

const TOLERANCE_SECONDS = 300;
const PREFIX = 'whsec_';

/** The signature or time of a webhook message is not valid: do not process it. */
export class SignatureInvalid extends Error {
  override readonly name = 'SignatureInvalid';
}

/** What onhand posts to a webhook. */
export interface WebhookMessage {
  /** `inventory.changed`, or `webhook.test`, which has no records. A newer server may send other types. */
  readonly type: string;
  /** When the last of the changes was applied (RFC 3339). */
  readonly timestamp: string;
  readonly data: {
    readonly records?: ChangePage['records'];
    /** The cursor from which the change feed continues after these records. */
    readonly cursor?: string;
  };
}

/** The headers of a request, as `Headers` or as Node and most frameworks give them. */
export type RequestHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Checks the signature of a webhook message (Standard Webhooks 1.0) and returns its parsed body. Compares in constant
 * time. Throws `SignatureInvalid` unless a signature matches and the time is within the tolerance.
 *
 * @param body the raw body, before anything parsed it
 * @param secrets the webhook's secret, `whsec_…`; during a rotation the old and the new one
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: RequestHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = TOLERANCE_SECONDS, now = new Date() } = {},
): Promise<WebhookMessage> {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    headerOf(headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) {
    throw new SignatureInvalid(
      'The headers webhook-id, webhook-timestamp and webhook-signature are needed.',
    );
  }
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp));
  // A timestamp that is not a number compares as false.
  if (!/^\d+$/.test(timestamp) || !(age <= toleranceSeconds)) {
    throw new SignatureInvalid(
      `The message is more than ${toleranceSeconds} seconds old or ahead.`,
    );
  }
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  const sent = signatures.split(' ').flatMap((entry) => {
    const [version, value = ''] = entry.split(',');
    return version === 'v1' ? [value] : [];
  });
  for (const secret of [secrets].flat()) {
    const key = await crypto.subtle.importKey(
      'raw',
      bytesOf(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    for (const signature of sent) {
      if (await crypto.subtle.verify('HMAC', key, bytesOf(signature), signed)) {
        const message: WebhookMessage = JSON.parse(text);
        return message;
      }
    }
  }
  throw new SignatureInvalid(
    'No signature matches: the secret or the body is not the one that was signed.',
  );
}

function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = Object.entries(headers).find(([header]) => header.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : value?.[0];
}

/** The bytes of base64; none if it is not. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
