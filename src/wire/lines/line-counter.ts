const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Bodies up to this size are not counted: they take little memory whatever they contain. */
const UNCOUNTED_BYTES_MAX = 4096;
/** More values than a line with every member has; a body with more per line is not made of lines. */
const VALUES_OF_LINE_MAX = 16;

/**
 * Counts the elements of a JSON array and all values in it while the bytes arrive, so that a body with too
 * many is refused before it is parsed. For malformed JSON the count is meaningless.
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
    // An element and its comma take at least two bytes, so fewer bytes cannot contain too many lines.
    this.#uncountedBytesMax = Math.min(UNCOUNTED_BYTES_MAX, 2 * linesMax);
  }

  /** Continues counting; `chunks` is everything received so far. */
  count(chunks: readonly Uint8Array[]): void {
    for (const { length } of chunks.slice(this.#chunksSeen)) this.#bytesSeen += length;
    this.#chunksSeen = chunks.length;
    if (this.#bytesSeen <= this.#uncountedBytesMax) return;
    for (const bytes of chunks.slice(this.#chunksCounted)) this.#count(bytes);
    this.#chunksCounted = chunks.length;
  }

  /** Values so far, at any depth; 0 while the body is too small to be counted. */
  get values(): number {
    return this.#values;
  }

  /** Whether the array has more than `linesMax` elements, or more values than that many lines have. */
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
        // The members of a single object are not lines, so they count as one level deeper.
        depth += depth === 0 && byte === OPEN_BRACE ? 2 : 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
      }
    }
    [this.#depth, this.#commas, this.#values] = [depth, commas, values];
    [this.#inText, this.#afterBackslash] = [inText, afterBackslash];
  }
}
