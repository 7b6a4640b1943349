import { randomInt } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';
import { DEPTH_MAX, tooDeep } from './json-fault.ts';

/** What the JSON of a body may hold. All of it is checked before the JSON is parsed. */
export interface JsonLimits {
  /** The most elements of an array. */
  readonly linesMax: number;
  /** The most members of one object, and the most different member names of a body. */
  readonly membersMax: number;
  /** The longest text in quotes, in bytes as it was sent. */
  readonly textBytesMax: number;
  /** The largest body in the form encoding `data=<json>`, in bytes. */
  readonly formBytesMax: number;
}

/** Bodies up to this size are not counted: they take little memory whatever they contain. */
const UNCOUNTED_BYTES_MAX = 4096;

/** In bodies up to this size the number of members and the length of texts do no harm. */
export const ANY_SHAPE_BYTES_MAX = 64 * 1024;

/** More values than a line with every member has; a body with more per line is not made of lines. */
const VALUES_OF_LINE_MAX = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const FORM_START = Buffer.from('data=');

/** A random odd factor, so that a sender cannot choose names whose hashes are equal. */
const HASH_FACTOR = (2 * randomInt(2 ** 30) + 1) | 0;

/**
 * Counts what JSON holds while its bytes arrive, so that a body beyond a limit is refused before it is
 * parsed. Each byte is looked at once. The limits matter because `JSON.parse` takes many seconds for an object
 * with millions of members, and for objects with millions of different member names.
 *
 * The counts of malformed JSON are meaningless.
 */
export class JsonCounter {
  readonly #limits: JsonLimits;
  readonly #valuesMax: number;
  readonly #uncountedBytesMax: number;
  #counted = 0;
  /** The bytes before the first that is not white space; null until that one is found. */
  #start: number | null = null;
  #blanks = 0;
  #depth = 0;
  #values = 0;
  /** Elements or members so far of each open array and object; the outermost comes first. */
  readonly #parts = new Uint32Array(DEPTH_MAX + 1);
  readonly #isObject = new Uint8Array(DEPTH_MAX + 1);
  readonly #names = new Set<number>();
  #hash = 0;
  #textBytes = 0;
  #isInText = false;
  #isAfterBackslash = false;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    const { linesMax } = limits;
    this.#valuesMax = Math.max(linesMax * VALUES_OF_LINE_MAX, UNCOUNTED_BYTES_MAX);
    // An element and its comma take at least two bytes, so fewer bytes cannot contain too many lines.
    this.#uncountedBytesMax = Math.min(UNCOUNTED_BYTES_MAX, 2 * linesMax);
  }

  /** Values so far, at any depth; 0 while the body is too small to be counted, and for a form. */
  get values(): number {
    return this.#values;
  }

  /**
   * Continues counting; `bytes` is everything received so far. Throws `too_many_lines` or `body_too_large`
   * beyond a limit, and `body_malformed` if arrays and objects are nested too deeply.
   */
  count(bytes: Uint8Array): void {
    if (bytes.length <= this.#uncountedBytesMax) return;
    this.#start ??= this.#findStart(bytes);
    if (this.#start === null) return;
    const start = bytes.subarray(this.#start, this.#start + FORM_START.length);
    if (FORM_START.subarray(0, start.length).equals(start)) {
      // The form encoding hides the JSON; `parseBody` decodes it and counts again.
      if (bytes.length > this.#limits.formBytesMax) throw tooLargeForm(this.#limits);
      return;
    }
    this.#count(bytes.subarray(this.#counted), this.#counted);
    this.#counted = bytes.length;
  }

  #findStart(bytes: Uint8Array): number | null {
    let at = this.#blanks;
    while (at < bytes.length && isBlank(bytes[at])) at += 1;
    this.#blanks = at;
    return at < bytes.length ? at : null;
  }

  #count(bytes: Uint8Array, before: number): void {
    let isInText = this.#isInText;
    let isAfterBackslash = this.#isAfterBackslash;
    let hash = this.#hash;
    let textBytes = this.#textBytes;
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i] ?? 0;
      if (isInText) {
        if (isAfterBackslash) isAfterBackslash = false;
        else if (byte === BACKSLASH) isAfterBackslash = true;
        else if (byte === QUOTE) {
          isInText = false;
          this.#checkText(textBytes, before + i);
        }
        hash = Math.imul(hash ^ byte, HASH_FACTOR);
        textBytes += 1;
      } else if (byte === QUOTE) {
        isInText = true;
        hash = 0;
        textBytes = 0;
      } else if (byte === COLON) this.#takeName(hash, before + i);
      else if (byte === COMMA) this.#takeComma(before + i);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open(byte);
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && this.#depth > 0)
        this.#depth -= 1;
    }
    this.#isInText = isInText;
    this.#isAfterBackslash = isAfterBackslash;
    this.#hash = hash;
    this.#textBytes = textBytes;
    if (isInText) this.#checkText(textBytes, before + bytes.length);
  }

  #open(byte: number): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw tooDeep();
    this.#parts[this.#depth] = 1;
    this.#isObject[this.#depth] = byte === OPEN_BRACE ? 1 : 0;
    this.#takeValue();
  }

  #takeComma(at: number): void {
    this.#takeValue();
    const depth = this.#depth;
    const parts = (this.#parts[depth] ?? 0) + 1;
    this.#parts[depth] = parts;
    const isObject = this.#isObject[depth] === 1;
    if (depth === 1 && !isObject) {
      if (parts > this.#limits.linesMax) throw tooManyLines(this.#limits.linesMax);
    } else if (isObject && parts > this.#limits.membersMax && at >= ANY_SHAPE_BYTES_MAX)
      throw tooManyMembers(this.#limits);
  }

  #takeValue(): void {
    this.#values += 1;
    if (this.#values > this.#valuesMax) throw tooManyLines(this.#limits.linesMax);
  }

  #takeName(hash: number, at: number): void {
    const names = this.#names;
    if (names.size <= this.#limits.membersMax) names.add(hash);
    else if (at >= ANY_SHAPE_BYTES_MAX) throw tooManyMembers(this.#limits);
  }

  #checkText(textBytes: number, at: number): void {
    const { textBytesMax } = this.#limits;
    if (textBytes <= textBytesMax || at < ANY_SHAPE_BYTES_MAX) return;
    throw new OnhandError(
      'body_too_large',
      `A text in the body is longer than ${textBytesMax} bytes (ONHAND_TEXT_BYTES_MAX); no member of a line is so long.`,
    );
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** The error for an array with more than `linesMax` elements. */
export function tooManyLines(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The array has more than ${linesMax} lines, or more values than that many lines can have; send it in several requests.`,
  );
}

function tooManyMembers({ membersMax }: JsonLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    `An object in the body has more than ${membersMax} members, or the body has more than ${membersMax} different member names ` +
      '(ONHAND_MEMBERS_MAX); send an array of lines with the members that the documentation of the API names.',
  );
}

/** The error for a form that is too large. */
export function tooLargeForm({ formBytesMax }: JsonLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The body is a form (data=…) of more than ${formBytesMax} bytes (ONHAND_FORM_BYTES_MAX); send the JSON itself as the body.`,
  );
}
