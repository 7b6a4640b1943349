import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const UUID_BYTES = 16;
const pool = Buffer.alloc(256 * UUID_BYTES);
let used = pool.length;

/** Random bytes for one uuid. They are fetched from the system 256 uuids at a time. */
function nextRandom(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += UUID_BYTES;
  return pool.subarray(used - UUID_BYTES, used);
}

/** A new version 7 uuid, which sorts by time (RFC 9562 §5.7). */
export function newUuid(nowMs: number): string {
  return uuidv7({ msecs: nowMs, random: nextRandom() });
}

/** The last five bytes are a counter (RFC 9562 §6.2); the bytes before them are random. */
const NUMBER_BYTES = 5;
const NUMBER_HEX_DIGITS = NUMBER_BYTES * 2;

/**
 * The uuid of a supplier's batch. It contains the batch's number, so that a batch is found by uuid without
 * an index, which every batch would have to write.
 *
 * @param number below 2⁴⁰
 */
export function newBatchUuid(nowMs: number, number: number): string {
  const random = nextRandom();
  random.writeUIntBE(number, UUID_BYTES - NUMBER_BYTES, NUMBER_BYTES);
  return uuidv7({ msecs: nowMs, random });
}

/** The batch number that a uuid contains. Compare the uuid of that batch's row: any uuid yields a number. */
export function batchNumberOf(uuid: string): number {
  return Number.parseInt(uuid.slice(-NUMBER_HEX_DIGITS), 16);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a uuid as it is stored and shown. PostgreSQL fails when others are compared with one. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
