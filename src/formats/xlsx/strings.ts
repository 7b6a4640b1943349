import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../format.ts';
import { readWholeXml, tooLongText, XML_TOKEN_CHARACTERS_MAX } from './xml.ts';

/** Collects the text of an element's `<t>` elements, across formatted runs, without phonetics (`<rPh>`). */
export class RichText {
  readonly #part: string;
  #text = '';
  #isInText = false;
  #isInPhonetic = false;

  /** @param part the part of the workbook, for error messages */
  constructor(part: string) {
    this.#part = part;
  }

  start(): void {
    this.#text = '';
    this.#isInText = false;
    this.#isInPhonetic = false;
  }

  open(name: string): void {
    if (name === 't') this.#isInText = !this.#isInPhonetic;
    else if (name === 'rPh') this.#isInPhonetic = true;
  }

  close(name: string): void {
    if (name === 't') this.#isInText = false;
    else if (name === 'rPh') this.#isInPhonetic = false;
  }

  add(chunk: string): void {
    if (!this.#isInText) return;
    this.#text = this.#text === '' ? chunk : this.#text + chunk;
    if (this.#text.length > XML_TOKEN_CHARACTERS_MAX) throw tooLongText(this.#part);
  }

  take(): string {
    return unescaped(this.#text);
  }
}

/** Decodes `_x0001_`, as workbooks write characters that XML cannot hold; `_x005F_` is a literal `_`. */
export function unescaped(text: string): string {
  if (!text.includes('_x')) return text;
  return text
    .replaceAll(/_x([0-9a-f]{4})_/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .toWellFormed();
}

type StringLimits = Pick<FormatLimits, 'sharedStringsMax' | 'sharedStringBytesMax'>;

/** The texts that cells refer to by number. One buffer takes less memory than millions of strings. */
export class SharedStrings {
  readonly #limits: StringLimits;
  #bytes = Buffer.alloc(64 * 1024);
  #ends = new Uint32Array(4096);
  #count = 0;
  /** Long texts that were decoded once, since many cells may refer to the same one. */
  readonly #long = new Map<number, string>();

  constructor(limits: StringLimits) {
    this.#limits = limits;
  }

  /** The text with this number, or undefined if there is none. */
  at(index: number): string | undefined {
    const end = index < this.#count ? this.#ends[index] : undefined;
    if (end === undefined) return undefined;
    const start = index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
    return end - start > LONG_BYTES ? this.#longAt(index, start, end) : this.#slice(start, end);
  }

  #longAt(index: number, start: number, end: number): string {
    const text = this.#long.get(index) ?? this.#slice(start, end);
    this.#long.set(index, text);
    return text;
  }

  #slice(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end);
  }

  add(text: string): void {
    const end = this.#end();
    const bytes = Buffer.byteLength(text);
    const { sharedStringsMax, sharedStringBytesMax } = this.#limits;
    if (end + bytes > sharedStringBytesMax || this.#count >= sharedStringsMax)
      throw tooMuchText(this.#limits);
    this.#grow(end + bytes);
    this.#bytes.write(text, end);
    this.#ends[this.#count] = end + bytes;
    this.#count += 1;
  }

  #end(): number {
    return this.#count === 0 ? 0 : (this.#ends[this.#count - 1] ?? 0);
  }

  #grow(bytes: number): void {
    if (bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#bytes.length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    if (this.#count === this.#ends.length) {
      const larger = new Uint32Array(2 * this.#ends.length);
      larger.set(this.#ends);
      this.#ends = larger;
    }
  }
}

const LONG_BYTES = 1024;

/** Reads the part `xl/sharedStrings.xml`. Rejects with `body_too_large` if it exceeds the limits. */
export async function readSharedStrings(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
  limits: StringLimits,
): Promise<SharedStrings> {
  const strings = new SharedStrings(limits);
  const text = new RichText(part);
  await readWholeXml(bytes, part, {
    open: (name) => (name === 'si' ? text.start() : text.open(name)),
    close: (name) => (name === 'si' ? strings.add(text.take()) : text.close(name)),
    text: (chunk) => text.add(chunk),
  });
  return strings;
}

function tooMuchText({ sharedStringsMax, sharedStringBytesMax }: StringLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The workbook's cells hold more than ${sharedStringsMax} different texts, or ${sharedStringBytesMax} bytes of them; ` +
      'save it as CSV, or in several files.',
  );
}
