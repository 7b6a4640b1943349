import { createHmac, timingSafeEqual } from 'node:crypto';
import { SUPPLIERS_FOLLOWED_MAX } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';

/** The position of a reader of changes. */
export interface Cursor {
  /** For each followed supplier, by id, the sequence of the last change that was read. */
  readonly sequences: ReadonlyMap<number, number>;
  /** The supplier that was read last; the next read begins with another one. 0 means none. */
  readonly turn: number;
}

/** A cursor that follows no supplier yet. */
export const EMPTY_CURSOR: Cursor = { sequences: new Map(), turn: 0 };

/**
 * Authenticates cursors. A cursor contains internal supplier ids, and a supplier that is no longer visible is reported
 * by name. So a reader must not be able to forge a cursor or to use that of another reader.
 */
export interface CursorSeal {
  /** A secret that the nodes of this database share: at least 32 random bytes. */
  readonly key: Uint8Array;
  /** The organization that reads. */
  readonly readerId: number;
}

const VERSION = 1;
const SEAL_BYTES = 8;
/** Eight bytes for each of two numbers per supplier, plus header and seal. */
const TEXT_LENGTH_MAX = Math.ceil(((SUPPLIERS_FOLLOWED_MAX + 2) * 16 * 4) / 3);

/**
 * A cursor as text: base64url of version, numbers and seal. The numbers are LEB128: the count of suppliers, `turn`, the
 * ids in ascending order (each but the first as the difference from the previous one), and their sequences.
 */
export function printCursor({ sequences, turn }: Cursor, seal: CursorSeal): string {
  const suppliers = [...sequences].toSorted(([a], [b]) => a - b);
  const bytes: number[] = [VERSION];
  pushNumber(bytes, suppliers.length);
  pushNumber(bytes, turn);
  let before = 0;
  for (const [id] of suppliers) {
    pushNumber(bytes, id - before);
    before = id;
  }
  for (const [, sequence] of suppliers) pushNumber(bytes, sequence);
  const content = Buffer.from(bytes);
  return Buffer.concat([content, sealOf(content, seal)]).toString('base64url');
}

/** Parses a cursor. Throws `parameter_invalid` unless `printCursor` made it for this reader. */
export function parseCursor(text: string, seal: CursorSeal): Cursor {
  if (text.length > TEXT_LENGTH_MAX || !/^[A-Za-z0-9_-]+$/.test(text)) throw notACursor();
  const bytes = Buffer.from(text, 'base64url');
  const content = bytes.subarray(0, -SEAL_BYTES);
  const given = bytes.subarray(-SEAL_BYTES);
  const isSealed =
    content.length > 0 &&
    // Base64 may have unused bits at the end: only one spelling is accepted.
    bytes.toString('base64url') === text &&
    timingSafeEqual(given, sealOf(content, seal));
  if (!isSealed || content[0] !== VERSION) throw notACursor();
  const numbers = readNumbers(content.subarray(1));
  const [count = 0, turn = 0] = numbers;
  if (numbers.length !== 2 + 2 * count) throw notACursor();
  const sequences = new Map<number, number>();
  let id = 0;
  for (let i = 0; i < count; i += 1) {
    id += numbers[2 + i] ?? 0;
    sequences.set(id, numbers[2 + count + i] ?? 0);
  }
  return { sequences, turn };
}

function notACursor(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'The cursor was not issued to this organization, or it is incomplete. ' +
      'Send it exactly as it was returned, or start again with from=now.',
  );
}

function sealOf(content: Uint8Array, { key, readerId }: CursorSeal): Buffer {
  return createHmac('sha256', key)
    .update(`changes\0${readerId}\0`)
    .update(content)
    .digest()
    .subarray(0, SEAL_BYTES);
}

/** Sequences and ids go up to 2^53, beyond the range of bitwise operators. */
function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function readNumbers(bytes: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % 128) * scale;
    if (byte < 128) {
      numbers.push(value);
      value = 0;
      scale = 1;
    } else {
      scale *= 128;
    }
  }
  return numbers;
}
