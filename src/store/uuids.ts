import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const UUID_BYTES = 16;
const pool = Buffer.alloc(256 * UUID_BYTES);
let used = pool.length;

/** Random bytes of one uuid, taken from the system by the page. */
function nextRandom(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += UUID_BYTES;
  return pool.subarray(used - UUID_BYTES, used);
}

/** A new uuid that sorts by its time (RFC 9562 §5.7). */
export function newUuid(nowMs: number): string {
  return uuidv7({ msecs: nowMs, random: nextRandom() });
}

/** The last five bytes count (RFC 9562 §6.2 has counters stand there); those before are random. */
const NUMBER_BYTES = 5;
const NUMBER_HEX_DIGITS = NUMBER_BYTES * 2;

/**
 * The uuid of a supplier's batch. It carries the batch's number, so that the batch is found by it without
 * an index: one would have to be written with every batch.
 *
 * @param number below 2⁴⁰
 */
export function newBatchUuid(nowMs: number, number: number): string {
  const random = nextRandom();
  random.writeUIntBE(number, UUID_BYTES - NUMBER_BYTES, NUMBER_BYTES);
  return uuidv7({ msecs: nowMs, random });
}

/** The number of the batch that may have this uuid; whether it has, its row tells. */
export function batchNumberOf(uuid: string): number {
  return Number.parseInt(uuid.slice(-NUMBER_HEX_DIGITS), 16);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a uuid as it is stored and shown. PostgreSQL fails when others are compared with one. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
