import { createScanner, type JSONScanner } from 'jsonc-parser';

/**
 * Looks up details of JSON that `JSON.parse` drops: how a number was written (`512`, `512.0` and `5.12e2` are
 * one value), and the order of members whose names look like array indices. The text is scanned only for
 * lines that need it.
 */

/** How the number that is the value of `member` was written. */
export type NumberText = (member: string, value: number) => string;

/** The JSON text of lines. */
export interface LineSource {
  /** How the number that is the value of member `name` of line `i` was written. */
  numberText(i: number, name: string, value: number): string;
  /** The members of line `i`, as `sourceMembersOf` gives them. */
  members(i: number): ReadonlyMap<string, string>;
}

/** The text of a single line; the index is ignored. */
export class ObjectSource implements LineSource {
  /** A JSON object, already known to be well formed. */
  text = '{}';

  numberText(_i: number, name: string, value: number): string {
    return plainDigits(holdsFloats(this.text), value) ?? sourceValueOf(this.members(), name);
  }

  members(): ReadonlyMap<string, string> {
    return sourceMembersOf(this.text);
  }
}

/** The text of an array of lines; lines are looked up in ascending order. */
export class ArraySource implements LineSource {
  readonly #text: string;
  readonly #scanner: JSONScanner;
  #hasFloats: boolean | undefined;
  /** The last element that was scanned. */
  #index = -1;
  #element = '';
  /** The members of that element, once they were asked for: every number of a line asks. */
  #members: ReadonlyMap<string, string> | undefined;

  /** `text` is a JSON array, already known to be well formed. */
  constructor(text: string) {
    this.#text = text;
    this.#scanner = createScanner(text, true);
  }

  /** How the number that is the value of member `name` of object `i` was written. */
  numberText(i: number, name: string, value: number): string {
    this.#hasFloats ??= holdsFloats(this.#text);
    return plainDigits(this.#hasFloats, value) ?? sourceValueOf(this.members(i), name);
  }

  /** The members of object `i`, as `sourceMembersOf` gives them. `i` must not decrease between calls. */
  members(i: number): ReadonlyMap<string, string> {
    if (i < this.#index) throw new Error(`line ${i} was asked for after line ${this.#index}`);
    if (this.#index < 0) nextToken(this.#scanner, this.#text);
    while (this.#index < i) {
      nextToken(this.#scanner, this.#text);
      this.#element = takeValue(this.#scanner, this.#text);
      this.#index += 1;
      this.#members = undefined;
      nextToken(this.#scanner, this.#text);
    }
    this.#members ??= sourceMembersOf(this.#element);
    return this.#members;
  }
}

/** The source text of the value of member `name`. */
export function sourceValueOf(members: ReadonlyMap<string, string>, name: string): string {
  const value = members.get(name);
  if (value === undefined) throw new Error('the text lacks a member of the parsed value');
  return value;
}

/**
 * The members of a well-formed JSON object in the order sent, each with its value as it was written. A
 * duplicate member has its first position and its last value.
 */
export function sourceMembersOf(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  const scanner = createScanner(text, true);
  nextToken(scanner, text);
  while (nextToken(scanner, text) !== '}') {
    const name = scanner.getTokenValue();
    nextToken(scanner, text);
    nextToken(scanner, text);
    members.set(name, takeValue(scanner, text));
    if (nextToken(scanner, text) === '}') break;
  }
  return members;
}

/** Scans the next token and returns its first character, which identifies its kind. */
function nextToken(scanner: JSONScanner, text: string): string {
  scanner.scan();
  const first = text[scanner.getTokenOffset()];
  if (first === undefined) throw new Error('the text ends before the parsed value');
  return first;
}

/** Scans to the end of the value that the current token begins and returns its text. */
function takeValue(scanner: JSONScanner, text: string): string {
  const begin = scanner.getTokenOffset();
  let depth = depthStep(text[begin]);
  while (depth > 0) depth += depthStep(nextToken(scanner, text));
  return text.slice(begin, scanner.getPosition());
}

function depthStep(first: string | undefined): number {
  if (first === '{' || first === '[') return 1;
  return first === '}' || first === ']' ? -1 : 0;
}

/** Numbers follow a bracket, comma, colon or white space. Inside a string this may match by mistake. */
const MAYBE_FLOAT = /[[,:\s]-?[0-9]+[.eE]/;

/** Whether any number may have a fraction or an exponent. */
function holdsFloats(text: string): boolean {
  return MAYBE_FLOAT.test(text);
}

/** The digits of a number, if it can only have been written as plain digits; else undefined. */
function plainDigits(hasFloats: boolean, value: number): string | undefined {
  const isPlain = !hasFloats && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
  return isPlain ? String(value) : undefined;
}
