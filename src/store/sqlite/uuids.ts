import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const UUID_BYTES = 16;
const pool = new Uint8Array(256 * UUID_BYTES);
let used = pool.length;

/** A new uuid that sorts by its time (RFC 9562 §5.7). Random bytes are taken from the system by the page. */
export function newUuid(nowMs: number): string {
  return uuidv7({ msecs: nowMs, random: nextRandom() });
}

function nextRandom(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += UUID_BYTES;
  return pool.subarray(used - UUID_BYTES, used);
}
