import { isAscii, isUtf8 } from 'node:buffer';
import { OnhandError } from '../../domain/errors.ts';
import { decodeWindows1252 } from './windows-1252.ts';

/** The encodings that are told apart. Text that is ASCII throughout is UTF-8. */
export type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'Windows-1252';

/** How much of the good text before a bad byte is shown, in bytes. */
const SHOWN_BEFORE_FAULT_BYTES = 24;

/** How many bytes tell UTF-16 without a byte order mark from everything else. */
const HEAD_BYTES = 256;

/**
 * A text of unknown encoding as UTF-8.
 *
 * UTF-8 and UTF-16 are known by their byte order marks, UTF-16 without one by its zeros. Else it is
 * UTF-8 as long as that is what it is; at the first byte that no UTF-8 has, if all before was ASCII,
 * it is Windows-1252 from there on. A file that holds both is refused: one of them would be read as
 * something that nobody wrote.
 */
export class Utf8Text {
  #encoding: Encoding = 'UTF-8';
  /** The text without its byte order mark, cut between characters. To be read once. */
  readonly bytes: AsyncGenerator<Buffer>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.bytes = this.#read(chunks);
  }

  /** As far as it can be told from what has been read. */
  get encoding(): Encoding {
    return this.#encoding;
  }

  async *#read(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    const { head, rest } = await takeHead(chunks);
    const bom = markOf(head);
    this.#encoding = bom?.encoding ?? encodingByZeros(head) ?? 'UTF-8';
    const marked = startingWith(head.subarray(bom?.bytes.length ?? 0), rest);
    const start = bom?.bytes.length ?? 0;
    if (this.#encoding === 'UTF-16LE' || this.#encoding === 'UTF-16BE') {
      yield* decodeUtf16(marked, this.#encoding);
    } else {
      yield* this.#readBytes(marked, start, bom !== undefined);
    }
  }

  async *#readBytes(
    chunks: AsyncIterable<Buffer>,
    start: number,
    isSurelyUtf8: boolean,
  ): AsyncGenerator<Buffer> {
    let carried: Buffer = Buffer.alloc(0);
    let passed = start;
    let isUtf8Text = isSurelyUtf8;
    const reading = chunks[Symbol.asyncIterator]();
    try {
      for (let next = await reading.next(); next.done !== true; next = await reading.next()) {
        const text = carried.length === 0 ? next.value : Buffer.concat([carried, next.value]);
        const whole = text.subarray(0, text.length - openCharacterBytes(text));
        if (!isUtf8(whole)) {
          if (isUtf8Text || !isAscii(whole.subarray(0, firstFault(whole))))
            throw notUtf8(whole, passed);
          yield* this.#readWindows1252(startingWith(text, remaining(reading)), passed);
          return;
        }
        isUtf8Text ||= !isAscii(whole);
        carried = text.subarray(whole.length);
        passed += whole.length;
        if (whole.length > 0) yield whole;
      }
      if (carried.length === 0) return;
      if (isUtf8Text) throw notUtf8(carried, passed);
      yield* this.#readWindows1252(startingWith(carried, remaining(reading)), passed);
    } finally {
      await reading.return?.();
    }
  }

  async *#readWindows1252(chunks: AsyncIterable<Buffer>, start: number): AsyncGenerator<Buffer> {
    this.#encoding = 'Windows-1252';
    let passed = start;
    let carried: Buffer = Buffer.alloc(0);
    for await (const chunk of chunks) {
      const bytes = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
      // The byte that may begin a character of UTF-8 is judged with the one behind it.
      const kept = (bytes.at(-1) ?? 0) >= 0xc2 ? bytes.length - 1 : bytes.length;
      yield decodeWindows1252(bytes.subarray(0, kept), passed);
      passed += kept;
      carried = bytes.subarray(kept);
    }
    if (carried.length > 0) yield decodeWindows1252(carried, passed);
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

/** Text in Latin letters is half zeros in UTF-16: the odd bytes or the even ones. */
function encodingByZeros(head: Buffer): Encoding | undefined {
  const zeros = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (head.length < 4) return undefined;
  if (even === 0 && odd > head.length / 4) return 'UTF-16LE';
  return odd === 0 && even > head.length / 4 ? 'UTF-16BE' : undefined;
}

async function takeHead(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Buffer; readonly rest: AsyncIterable<Buffer> }> {
  const reading = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
    const next = await reading.next();
    if (next.done === true) break;
    head = head.length === 0 ? Buffer.from(next.value) : Buffer.concat([head, next.value]);
  }
  return { head, rest: remaining(reading) };
}

async function* remaining(reading: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    for (let next = await reading.next(); next.done !== true; next = await reading.next()) {
      const { buffer, byteOffset, byteLength } = next.value;
      yield Buffer.from(buffer, byteOffset, byteLength);
    }
  } finally {
    await reading.return?.();
  }
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* decodeUtf16(
  chunks: AsyncIterable<Buffer>,
  encoding: 'UTF-16LE' | 'UTF-16BE',
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let passed = 0;
  const decode = (chunk?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch {
      const where = chunk === undefined ? 'at its end' : `behind byte ${passed}`;
      throw new OnhandError(
        'body_malformed',
        `The file begins as ${encoding} and is something else ${where}; save it as UTF-8.`,
      );
    }
  };
  for await (const chunk of chunks) {
    const text = decode(chunk);
    passed += chunk.length;
    if (text.length > 0) yield text;
  }
  decode();
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
    `The file mixes encodings: it is UTF-8 up to byte ${bytesBefore + at + 1}` +
      (shown === '' ? '' : `, after ${JSON.stringify(shown.replace(/^\uFFFD+/, ''))},`) +
      ' which is part of no character; save it as UTF-8.',
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
