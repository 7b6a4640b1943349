import { OnhandError } from '../../domain/errors.ts';
import { readWholeXml } from './xml.ts';
import { RichText } from './rich-text.ts';

/** Most text that a workbook's cells may share, in bytes of UTF-8: all of it is held while reading. */
export const SHARED_STRINGS_BYTES_MAX = 64 * 1024 ** 2;

/** How many texts a workbook's cells may share. */
export const SHARED_STRINGS_MAX = 4_000_000;

/** The texts that cells name by number, packed into one buffer: millions of strings would weigh more. */
export class SharedStrings {
  #bytes = Buffer.alloc(64 * 1024);
  #ends = new Uint32Array(4096);
  #count = 0;
  /** Long texts that were asked for: a thousand cells may name the same one. */
  readonly #long = new Map<number, string>();

  /** The text of this number, or undefined where there is none. */
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
    if (end + bytes > SHARED_STRINGS_BYTES_MAX || this.#count >= SHARED_STRINGS_MAX)
      throw tooMuchText();
    this.#makeRoom(end + bytes);
    this.#bytes.write(text, end);
    this.#ends[this.#count] = end + bytes;
    this.#count += 1;
  }

  #end(): number {
    return this.#count === 0 ? 0 : (this.#ends[this.#count - 1] ?? 0);
  }

  #makeRoom(bytes: number): void {
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

/** Reads the part `xl/sharedStrings.xml`; rejects with `body_too_large` where it exceeds the limits. */
export async function readSharedStrings(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
): Promise<SharedStrings> {
  const strings = new SharedStrings();
  const text = new RichText(part);
  await readWholeXml(bytes, part, {
    open: (name) => (name === 'si' ? text.start() : text.open(name)),
    close: (name) => (name === 'si' ? strings.add(text.take()) : text.close(name)),
    text: (piece) => text.add(piece),
  });
  return strings;
}

function tooMuchText(): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The workbook's cells hold more than ${SHARED_STRINGS_MAX} different texts, or ${SHARED_STRINGS_BYTES_MAX} bytes of them; ` +
      'save it as CSV, or in several files.',
  );
}
