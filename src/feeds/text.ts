import { isUtf8 } from 'node:buffer';
import { OnhandError } from '../domain/errors.ts';

/** How files begin that are often taken for CSV, and what to say of them. */
const FOREIGN_BEGINNINGS: readonly { readonly bytes: readonly number[]; readonly what: string }[] =
  [
    { bytes: [0xff, 0xfe], what: 'is UTF-16 ("Unicode text")' },
    { bytes: [0xfe, 0xff], what: 'is UTF-16 ("Unicode text")' },
    { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'is a workbook or another ZIP archive' },
    { bytes: [0x1f, 0x8b], what: 'is compressed with gzip' },
  ];

/** How much of the good text before a bad byte is shown, in bytes. */
const SHOWN_BEFORE_FAULT_BYTES = 24;

/**
 * Passes UTF-8 text on, cut between characters. Rejects with `body_malformed` at the first byte that
 * is not UTF-8, naming its position: decoding would silently put U+FFFD in its place.
 */
export async function* requireUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let carried = Buffer.alloc(0);
  let bytesPassed = 0;
  for await (const chunk of chunks) {
    const text = carried.length === 0 ? Buffer.from(chunk) : Buffer.concat([carried, chunk]);
    if (bytesPassed === 0) refuseForeign(text);
    const whole = text.subarray(0, text.length - openCharacterBytes(text));
    if (!isUtf8(whole)) throw notUtf8(whole, bytesPassed);
    carried = text.subarray(whole.length);
    bytesPassed += whole.length;
    if (whole.length > 0) yield whole;
  }
  if (carried.length > 0) throw notUtf8(carried, bytesPassed);
}

function refuseForeign(text: Buffer): void {
  const foreign = FOREIGN_BEGINNINGS.find(({ bytes }) =>
    bytes.every((byte, i) => text[i] === byte),
  );
  if (foreign !== undefined) {
    throw new OnhandError(
      'body_malformed',
      `The file ${foreign.what}, not CSV; save it as "CSV UTF-8".`,
    );
  }
}

/** How many bytes at the end belong to a character whose last bytes are still to come. */
function openCharacterBytes(text: Buffer): number {
  for (let back = 1; back <= 3 && back <= text.length; back += 1) {
    const byte = text[text.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < characterBytes(byte) ? back : 0;
  }
  return 0;
}

function characterBytes(leadByte: number): number {
  if (leadByte >= 0xf0) return 4;
  return leadByte >= 0xe0 ? 3 : 2;
}

function notUtf8(text: Buffer, bytesBefore: number): OnhandError {
  const at = firstFault(text);
  const shown = text.subarray(Math.max(0, at - SHOWN_BEFORE_FAULT_BYTES), at).toString();
  return new OnhandError(
    'body_malformed',
    `The file is not UTF-8: byte ${bytesBefore + at + 1}` +
      (shown === '' ? '' : `, after ${JSON.stringify(shown.replace(/^\uFFFD+/, ''))},`) +
      ' is part of no character; save it as "CSV UTF-8".',
  );
}

/** Where the first byte stands that is not UTF-8, found by halving. */
function firstFault(text: Buffer): number {
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const part = text.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - openCharacterBytes(part)))) good = middle;
    else bad = middle;
  }
  return bad - 1 - openCharacterBytes(text.subarray(0, bad - 1));
}
