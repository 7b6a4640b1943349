import { createHash, timingSafeEqual } from 'node:crypto';

const BEARER = /^bearer (.+)$/i;

/** Whether an `Authorization` header has the token that guards the metrics. */
export function mayReadMetrics(authorization: string | undefined, token: string): boolean {
  const sent = BEARER.exec(authorization ?? '')?.[1];
  // Hashes have one length, so that the comparison takes the same time for every token.
  return sent !== undefined && timingSafeEqual(hash(sent), hash(token));
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
