const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Counts the elements of a JSON array while its bytes come in, so that an array with too many is refused
 * before it is held in memory. Of a body that is not well-formed the count means nothing, but it ends.
 */
export class LineCounter {
  readonly #linesMax: number;
  #bytesSeen = 0;
  #chunksSeen = 0;
  #chunksCounted = 0;
  #depth = 0;
  #commas = 0;
  #inText = false;
  #afterBackslash = false;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Whether the array has more than `linesMax` elements by now. `chunks` is all that came, each time. */
  areTooMany(chunks: readonly Uint8Array[]): boolean {
    for (const { length } of chunks.slice(this.#chunksSeen)) this.#bytesSeen += length;
    this.#chunksSeen = chunks.length;
    // An element and its comma are two bytes at least: so few bytes cannot hold too many.
    if (this.#bytesSeen <= 2 * this.#linesMax) return false;
    for (const bytes of chunks.slice(this.#chunksCounted)) this.#count(bytes);
    this.#chunksCounted = chunks.length;
    return this.#commas >= this.#linesMax;
  }

  #count(bytes: Uint8Array): void {
    let [depth, commas] = [this.#depth, this.#commas];
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
        if (depth === 1) commas += 1;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        // An object that is the whole body has members, not lines: they stand a level deeper.
        depth += depth === 0 && byte === OPEN_BRACE ? 2 : 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
      }
    }
    [this.#depth, this.#commas] = [depth, commas];
    [this.#inText, this.#afterBackslash] = [inText, afterBackslash];
  }
}
