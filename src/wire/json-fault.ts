import { OnhandError } from '../domain/errors.ts';
import { quoteValue } from './validation-messages.ts';

/** Deepest nesting of arrays and objects in a body; the outermost counts as 1. */
export const DEPTH_MAX = 8;

/** How messages describe the text that is parsed. */
export interface ParsedText {
  readonly name: string;
  /** Deepest nesting of arrays and objects. */
  readonly depthMax: number;
  /** Describes a position; both numbers count from 1. */
  readonly placeOf: (line: number, column: number) => string;
}

export const BODY: ParsedText = {
  name: 'The body',
  depthMax: DEPTH_MAX,
  placeOf: (line, column) => `line ${line}, column ${column}`,
};

/** The error for a text that is nested too deeply. */
export function tooDeep({ name, depthMax }: ParsedText = BODY): OnhandError {
  return new OnhandError(
    'body_malformed',
    `${name} is nested too deeply: at most ${depthMax} arrays and objects may stand inside one another.`,
  );
}

/** Where malformed JSON stops being JSON. */
export interface JsonFault {
  /** In UTF-16 code units. */
  readonly offset: number;
  /** What is wrong there, or `too_deep` if arrays and objects are nested too deeply. */
  readonly what: string;
}

export const TOO_DEEP = 'too_deep';

/**
 * The first fault in a text that is not JSON, because `JSON.parse` gives no position for most errors.
 * Undefined if there is none. One pass without recursion: it takes time in proportion to `offset`, and
 * memory in proportion to `depthMax`.
 */
export function findFault(text: string, depthMax: number): JsonFault | undefined {
  return new FaultFinder(text, depthMax).find();
}

/** Line and column of an offset, both from 1. Lines end in CRLF, LF or CR. */
export function positionOf(
  text: string,
  offset: number,
): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let i = 0; i < offset; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== LF && (code !== CR || text.charCodeAt(i + 1) === LF)) continue;
    line += 1;
    start = i + 1;
  }
  return { line, column: offset - start + 1 };
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The words of JSON by their first letter. */
const WORDS: ReadonlyMap<number, string> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]),
);

/** How much of a text without meaning is looked at. Messages quote less. */
const SYMBOL_CHARACTERS_MAX = 100;

const INCOMPLETE_NUMBER = 'a number is incomplete';
const NO_COMMENTS = 'JSON has no comments';

class FaultFinder {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;
  /** The closing character of each open array and object. */
  readonly #closers: number[] = [];
  #fault: JsonFault | undefined;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  find(): JsonFault | undefined {
    while (this.#fault === undefined) {
      // A value is expected here.
      const opened = this.#readValue();
      if (this.#fault !== undefined || opened) continue;
      if (this.#afterValue()) return this.#fault;
    }
    return this.#fault;
  }

  /** Reads a value, or the beginning of an array or object; then returns true. */
  #readValue(): boolean {
    const code = this.#next();
    if (code === OPEN_BRACKET) return this.#open(CLOSE_BRACKET);
    if (code === OPEN_BRACE) return this.#open(CLOSE_BRACE);
    if (code === QUOTE) this.#readText();
    else if (code === MINUS || isDigit(code)) this.#readNumber();
    else this.#readWord(code);
    return false;
  }

  /** Whether a value must follow: false if an empty array or object was closed. */
  #open(closer: number): boolean {
    if (this.#closers.length >= this.#depthMax) return this.#refuse(this.#at, TOO_DEEP);
    this.#at += 1;
    if (this.#next() === closer) {
      this.#at += 1;
      return false;
    }
    this.#closers.push(closer);
    if (closer === CLOSE_BRACE) this.#readName();
    return true;
  }

  #readName(): void {
    const code = this.#next();
    if (code !== QUOTE) {
      const symbol = this.#symbol();
      const isSymbol = symbol !== '' && !isDigit(code) && code !== MINUS && !isWord(symbol);
      this.#refuse(
        this.#at,
        isSymbol ? noMeaning(symbol) : 'a member name in double quotes is expected',
      );
      return;
    }
    this.#readText();
    if (this.#fault !== undefined) return;
    if (this.#next() === COLON) this.#at += 1;
    else this.#refuse(this.#at, this.#orSymbol('a colon is expected'));
  }

  /** Reads what follows a value. Returns whether the text is complete. */
  #afterValue(): boolean {
    for (;;) {
      const code = this.#next();
      const closer = this.#closers.at(-1);
      if (closer === undefined) {
        if (this.#at < this.#text.length)
          this.#refuse(this.#at, this.#orSymbol('nothing more is expected'));
        return true;
      }
      if (code === COMMA) {
        this.#at += 1;
        if (closer === CLOSE_BRACE) this.#readName();
        return false;
      }
      if (code !== closer) {
        this.#refuse(this.#at, this.#expected(closer));
        return false;
      }
      this.#at += 1;
      this.#closers.pop();
    }
  }

  #expected(closer: number): string {
    if (this.#at < this.#text.length) return this.#orSymbol('a comma is expected');
    return closer === CLOSE_BRACE
      ? 'a closing brace } is expected'
      : 'a closing bracket ] is expected';
  }

  /** The character after white space; NaN at the end. */
  #next(): number {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === LF || code === CR || code === 0x09) {
      at += 1;
      code = text.charCodeAt(at);
    }
    this.#at = at;
    return code;
  }

  #readText(): void {
    const text = this.#text;
    const start = this.#at;
    for (let at = start + 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return;
      }
      if (code === BACKSLASH) {
        at += 1;
        const escaped = text[at] ?? '';
        if (escaped === 'u') {
          if (!isHex4(text, at + 1)) {
            this.#refuse(start, INVALID_UNICODE);
            return;
          }
          at += 4;
        } else if (!ESCAPES.has(escaped)) {
          this.#refuse(start, escaped === '' ? UNENDED : INVALID_ESCAPE);
          return;
        }
      } else if (code < 0x20) {
        const isBreak = code === LF || code === CR;
        this.#refuse(start, isBreak ? UNENDED : CONTROL_CHARACTER);
        return;
      }
    }
    this.#refuse(start, UNENDED);
  }

  #readNumber(): void {
    const start = this.#at;
    let at = this.#text.charCodeAt(start) === MINUS ? start + 1 : start;
    if (this.#text[at] === '0') at += 1;
    else at = this.#digits(at);
    if (at > 0 && this.#text[at] === '.') at = this.#digits(at + 1);
    const exponent = at < 0 ? '' : (this.#text[at] ?? '');
    if (exponent === 'e' || exponent === 'E') {
      const sign = this.#text[at + 1];
      at = this.#digits(sign === '+' || sign === '-' ? at + 2 : at + 1);
    }
    if (at < 0) this.#refuse(start, INCOMPLETE_NUMBER);
    else this.#at = at;
  }

  /** The position after one or more digits; -1 if there is none. */
  #digits(from: number): number {
    if (from < 0) return -1;
    let at = from;
    while (isDigit(this.#text.charCodeAt(at))) at += 1;
    return at === from ? -1 : at;
  }

  #readWord(code: number): void {
    const word = WORDS.get(code);
    if (word !== undefined && this.#symbol() === word) this.#at += word.length;
    else this.#refuse(this.#at, this.#orSymbol('a value is expected'));
  }

  /** What is wrong where something else is expected. */
  #orSymbol(expected: string): string {
    if (this.#text.charCodeAt(this.#at) === SLASH) {
      const next = this.#text[this.#at + 1];
      if (next === '/' || next === '*') return NO_COMMENTS;
    }
    const symbol = this.#symbol();
    const first = symbol.charCodeAt(0);
    const isOther = symbol === '' || isDigit(first) || first === MINUS || isWord(symbol);
    return isOther ? expected : noMeaning(symbol);
  }

  /** The text up to the next punctuation, quote or white space. */
  #symbol(): string {
    let end = this.#at;
    const last = Math.min(this.#text.length, this.#at + SYMBOL_CHARACTERS_MAX);
    while (end < last && !ENDS_SYMBOL.has(this.#text.charCodeAt(end))) end += 1;
    return this.#text.slice(this.#at, end);
  }

  #refuse(offset: number, what: string): true {
    this.#fault = { offset, what };
    return true;
  }
}

const ESCAPES: ReadonlySet<string> = new Set('"\\/bfnrt');

const ENDS_SYMBOL: ReadonlySet<number> = new Set(
  Array.from(' \t\r\n{}[],:"/', (character) => character.charCodeAt(0)),
);

const UNENDED = 'a text in quotes does not end on its line (a line break in it is written \\n)';
const INVALID_UNICODE = 'a text has a \\u that is not followed by four hexadecimal digits';
const INVALID_ESCAPE = 'a text has a backslash that begins nothing (a backslash is written \\\\)';
const CONTROL_CHARACTER = 'a text has a control character (a tab is written \\t)';

function noMeaning(symbol: string): string {
  return `${quoteValue(symbol)} has no meaning in JSON`;
}

function isWord(symbol: string): boolean {
  return WORDS.get(symbol.charCodeAt(0)) === symbol;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isHex4(text: string, from: number): boolean {
  for (let at = from; at < from + 4; at += 1) {
    const code = text.charCodeAt(at);
    const letter = code | 0x20;
    if (!isDigit(code) && !(letter >= 0x61 && letter <= 0x66)) return false;
  }
  return true;
}
