import { isAscii, isUtf8 } from 'node:buffer';
import { OnhandError } from '../domain/errors.ts';
import { Peekable } from './peekable.ts';

/** The encodings that are recognised. ASCII counts as UTF-8. */
export type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'Windows-1252';

/** How much of the valid text before a bad byte is shown, in bytes. */
const SHOWN_BEFORE_FAULT_BYTES = 24;

/** How many bytes are enough to recognise UTF-16 without a byte order mark. */
const HEAD_BYTES = 256;

/**
 * Converts text of unknown encoding to UTF-8.
 *
 * UTF-8 and UTF-16 are recognised by their byte order marks, UTF-16 without one by its zero bytes.
 * Otherwise the text is read as UTF-8. At the first byte that is not UTF-8, it becomes Windows-1252 if
 * everything before was ASCII. A file that mixes both is refused, since one part would be misread.
 */
export class Utf8Text {
  #encoding: Encoding = 'UTF-8';
  /** The text without its byte order mark, cut between characters. Can be read once. */
  readonly bytes: AsyncGenerator<Buffer>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.bytes = this.#read(new Peekable(chunks));
  }

  /** The encoding, judged by what was read so far. */
  get encoding(): Encoding {
    return this.#encoding;
  }

  async *#read(source: Peekable): AsyncGenerator<Buffer> {
    const head = await source.peek(HEAD_BYTES);
    const mark = markOf(head);
    const markBytes = mark?.bytes.length ?? 0;
    source.skip(markBytes);
    this.#encoding = mark?.encoding ?? encodingByZeros(head) ?? 'UTF-8';
    if (this.#encoding === 'UTF-16LE' || this.#encoding === 'UTF-16BE')
      yield* decodeUtf16(source.all(), this.#encoding);
    else yield* this.#readBytes(source, markBytes, mark !== undefined);
  }

  async *#readBytes(source: Peekable, start: number, hasMark: boolean): AsyncGenerator<Buffer> {
    let rest: Buffer = Buffer.alloc(0);
    let offset = start;
    let isUtf8Text = hasMark;
    try {
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const whole = text.subarray(0, text.length - openCharacterBytes(text));
        if (!isUtf8(whole)) {
          if (isUtf8Text || !isAscii(whole.subarray(0, firstFault(whole))))
            throw notUtf8(whole, offset);
          rest = text;
          break;
        }
        isUtf8Text ||= !isAscii(whole);
        rest = text.subarray(whole.length);
        offset += whole.length;
        if (whole.length > 0) yield whole;
      }
      if (rest.length === 0) return;
      if (isUtf8Text) throw notUtf8(rest, offset);
      source.unread(rest);
      yield* this.#readWindows1252(source.all(), offset);
    } finally {
      await source.close();
    }
  }

  async *#readWindows1252(chunks: AsyncIterable<Buffer>, start: number): AsyncGenerator<Buffer> {
    this.#encoding = 'Windows-1252';
    let offset = start;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of chunks) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      // A byte that may begin a UTF-8 character is judged together with the next one.
      const length = (bytes.at(-1) ?? 0) >= 0xc2 ? bytes.length - 1 : bytes.length;
      yield decodeWindows1252(bytes.subarray(0, length), offset);
      offset += length;
      rest = bytes.subarray(length);
    }
    if (rest.length > 0) yield decodeWindows1252(rest, offset);
  }
}

const MARKS: readonly {
  readonly bytes: readonly number[];
  readonly encoding: Encoding | undefined;
}[] = [
  { bytes: [0xff, 0xfe, 0, 0], encoding: undefined },
  { bytes: [0, 0, 0xfe, 0xff], encoding: undefined },
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'UTF-8' },
  { bytes: [0xff, 0xfe], encoding: 'UTF-16LE' },
  { bytes: [0xfe, 0xff], encoding: 'UTF-16BE' },
];

function markOf(
  head: Buffer,
): { readonly bytes: readonly number[]; readonly encoding: Encoding } | undefined {
  const mark = MARKS.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte));
  if (mark === undefined) return undefined;
  if (mark.encoding === undefined)
    throw new OnhandError('body_malformed', 'The file is UTF-32; save it as UTF-8.');
  return { bytes: mark.bytes, encoding: mark.encoding };
}

/** In UTF-16, half the bytes of Latin text are zeros: those at even or those at odd positions. */
function encodingByZeros(head: Buffer): Encoding | undefined {
  const zeros = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (head.length < 4) return undefined;
  if (even === 0 && odd > head.length / 4) return 'UTF-16LE';
  return odd === 0 && even > head.length / 4 ? 'UTF-16BE' : undefined;
}

async function* decodeUtf16(
  chunks: AsyncIterable<Buffer>,
  encoding: 'UTF-16LE' | 'UTF-16BE',
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let offset = 0;
  const decode = (chunk?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch {
      const where = chunk === undefined ? 'at its end' : `after byte ${offset}`;
      throw new OnhandError(
        'body_malformed',
        `The file begins as ${encoding} but is not ${encoding} ${where}; save it as UTF-8.`,
      );
    }
  };
  for await (const chunk of chunks) {
    const text = decode(chunk);
    offset += chunk.length;
    if (text.length > 0) yield text;
  }
  decode();
}

/** How many bytes at the end belong to an incomplete character. */
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
    `The file mixes encodings: it is UTF-8 up to byte ${bytesBefore + at + 1}` +
      (shown === '' ? '' : `, after ${JSON.stringify(shown.replace(/^\uFFFD+/, ''))},`) +
      ' which is not part of any character; save it as UTF-8.',
  );
}

/** The position of the first byte that is not UTF-8, by binary search. */
function firstFault(text: Buffer): number {
  let valid = 0;
  let bad = text.length;
  while (bad - valid > 1) {
    const middle = (valid + bad) >> 1;
    const part = text.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - openCharacterBytes(part)))) valid = middle;
    else bad = middle;
  }
  return bad - 1 - openCharacterBytes(text.subarray(0, bad - 1));
}

/** The characters of the bytes 0x80 … 0x9f; a space marks undefined bytes. The other bytes are Latin-1. */
const UPPER = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';

const NOT_LATIN_1 = /[\u0080-\u009f]/g;

/** How common UTF-8 characters look when read as Windows-1252 (`Ã©`, `â€™`). Real text does not contain them. */
const LIKE_UTF8 = /[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u0080/;

/**
 * Converts Windows-1252 to UTF-8. Throws `body_malformed` at an undefined byte, and if the text turns
 * out to be UTF-8. `start` is the offset of these bytes in the file.
 */
function decodeWindows1252(bytes: Buffer, start: number): Buffer {
  const latin1 = bytes.toString('latin1');
  const lookalike = LIKE_UTF8.exec(latin1);
  if (lookalike !== null) throw mixed(start + lookalike.index);
  return Buffer.from(
    latin1.replaceAll(NOT_LATIN_1, (character, at: number) => {
      const decoded = UPPER[character.charCodeAt(0) - 0x80];
      if (decoded === undefined || decoded === ' ') throw undefinedByte(character, start + at);
      return decoded;
    }),
  );
}

function mixed(at: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The file mixes encodings: it is Windows-1252 before byte ${at + 1} and UTF-8 there; save it as UTF-8.`,
  );
}

function undefinedByte(character: string, at: number): OnhandError {
  const hex = character.charCodeAt(0).toString(16);
  return new OnhandError(
    'body_malformed',
    `The file is neither UTF-8 nor Windows-1252: byte ${at + 1} is 0x${hex}; save it as UTF-8.`,
  );
}
