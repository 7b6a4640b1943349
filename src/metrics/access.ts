import { createHash, timingSafeEqual } from 'node:crypto';

const SCHEME = 'bearer ';

/** Whether an `Authorization` header has the token that guards the metrics. */
export function mayReadMetrics(authorization: string | undefined, token: string): boolean {
  if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return false;
  // Hashes have one length, so that the comparison takes the same time for every token.
  return timingSafeEqual(hash(authorization.slice(SCHEME.length)), hash(token));
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
