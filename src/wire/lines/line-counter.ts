const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A body of so few bytes takes little memory, whatever is in it. */
const UNCOUNTED_BYTES_MAX = 4096;
/** More than a line with every member has: who sends more sends no lines. */
const VALUES_OF_LINE_MAX = 16;

/**
 * Counts the elements of a JSON array, and all values in it, while its bytes come in, so that a body with
 * too many is refused before it is parsed. Of what is not well-formed the count means nothing, but it ends.
 */
export class LineCounter {
  readonly #linesMax: number;
  readonly #valuesMax: number;
  readonly #uncountedBytesMax: number;
  #bytesSeen = 0;
  #chunksSeen = 0;
  #chunksCounted = 0;
  #depth = 0;
  #commas = 0;
  #values = 0;
  #inText = false;
  #afterBackslash = false;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
    this.#valuesMax = Math.max(linesMax * VALUES_OF_LINE_MAX, UNCOUNTED_BYTES_MAX);
    // An element and its comma are two bytes at least: so few bytes cannot hold too many.
    this.#uncountedBytesMax = Math.min(UNCOUNTED_BYTES_MAX, 2 * linesMax);
  }

  /** Counts on; `chunks` is all that came, each time. */
  count(chunks: readonly Uint8Array[]): void {
    for (const { length } of chunks.slice(this.#chunksSeen)) this.#bytesSeen += length;
    this.#chunksSeen = chunks.length;
    if (this.#bytesSeen <= this.#uncountedBytesMax) return;
    for (const bytes of chunks.slice(this.#chunksCounted)) this.#count(bytes);
    this.#chunksCounted = chunks.length;
  }

  /** Arrays, objects and members so far, at any depth; 0 while there are too few bytes to matter. */
  get values(): number {
    return this.#values;
  }

  /** Whether the array has more than `linesMax` elements, or values for more than so many, by now. */
  get areTooMany(): boolean {
    return this.#commas >= this.#linesMax || this.#values > this.#valuesMax;
  }

  #count(bytes: Uint8Array): void {
    let [depth, commas, values] = [this.#depth, this.#commas, this.#values];
    let [inText, afterBackslash] = [this.#inText, this.#afterBackslash];
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i];
      if (inText) {
        if (afterBackslash) afterBackslash = false;
        else if (byte === BACKSLASH) afterBackslash = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) {
        inText = true;
      } else if (byte === COMMA) {
        values += 1;
        if (depth === 1) commas += 1;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        values += 1;
        // An object that is the whole body has members, not lines: they stand a level deeper.
        depth += depth === 0 && byte === OPEN_BRACE ? 2 : 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
      }
    }
    [this.#depth, this.#commas, this.#values] = [depth, commas, values];
    [this.#inText, this.#afterBackslash] = [inText, afterBackslash];
  }
}
