import { OnhandError } from '../domain/errors.ts';

/** Decodes the UTF-8 of a body, dropping a byte order mark. Throws `body_malformed`. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const { line, column } = firstNotUtf8(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    );
    throw new OnhandError(
      'body_malformed',
      `The body is not UTF-8: line ${line}, column ${column} has bytes that are not a character. Save or send it as UTF-8.`,
    );
  }
}

const LF = 0x0a;

/**
 * The position of the first bytes that are not UTF-8; line and column are counted from 1. One pass over the
 * bytes before it. The whole length counts as invalid if all of it is UTF-8.
 */
export function firstNotUtf8(bytes: Buffer): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === LF) {
      line += 1;
      start = at + 1;
    }
    const length = byte < 0x80 ? 1 : characterLength(bytes, at);
    if (length === 0) break;
    at += length;
  }
  return { line, column: bytes.toString('utf8', start, at).length + 1 };
}

/** The bytes of the character that begins with a byte of at least 0x80; 0 if none does. */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return isContinuation(second) ? 2 : 0;
  // Overlong forms, surrogates and numbers beyond U+10FFFF are not characters.
  const [least, most] = SECOND_BYTES.get(lead) ?? [0x80, 0xbf];
  if (second < least || second > most || !isContinuation(bytes[at + 2])) return 0;
  if (lead < 0xf0) return 3;
  return isContinuation(bytes[at + 3]) ? 4 : 0;
}

/** The range of the second byte after these first bytes. */
const SECOND_BYTES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

function isContinuation(byte = 0): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}
