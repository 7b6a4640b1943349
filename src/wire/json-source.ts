import { createScanner, type JSONScanner } from 'jsonc-parser';

/**
 * JSON as it was written.
 *
 * `JSON.parse` forgets two things that some answers need: how a number was written (`512`, `512.0` and
 * `5.12e2` are one value), and, of names that look like array indices, the order of an object's
 * members. Both are looked up in the text, and only for the lines that need it.
 */

/** How the number that is the value of `member` was written. */
export type NumberText = (member: string, value: number) => string;

/** Lines, seen from their text. */
export interface LineSource {
  /** How the number that is the value of member `name` of line `i` was written. */
  numberText(i: number, name: string, value: number): string;
  /** The members of line `i`, as `sourceMembersOf` gives them. */
  members(i: number): ReadonlyMap<string, string>;
}

/** A line that is alone in its text, whatever its place. */
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

/** The elements of an array, seen from its text. */
export class ArraySource implements LineSource {
  readonly #text: string;
  readonly #scanner: JSONScanner;
  #hasFloats: boolean | undefined;
  /** The element that the scanner has passed last. */
  #index = -1;
  #element = '';

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

  /** The members of object `i`, as `sourceMembersOf` gives them. `i` may not be less than the last. */
  members(i: number): ReadonlyMap<string, string> {
    if (i < this.#index) throw new Error(`line ${i} was asked for after line ${this.#index}`);
    if (this.#index < 0) nextToken(this.#scanner, this.#text);
    while (this.#index < i) {
      nextToken(this.#scanner, this.#text);
      this.#element = takeValue(this.#scanner, this.#text);
      this.#index += 1;
      nextToken(this.#scanner, this.#text);
    }
    return sourceMembersOf(this.#element);
  }
}

/** The value of member `name` as it was written. */
export function sourceValueOf(members: ReadonlyMap<string, string>, name: string): string {
  const value = members.get(name);
  if (value === undefined) throw new Error('the text lacks a member of the value parsed from it');
  return value;
}

/**
 * The members of a well-formed JSON object: their names in the order sent, each with its value as it
 * was written; of a member given twice, the first place and the last value.
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

/** Moves on by one token and gives its first character, which tells its kind. */
function nextToken(scanner: JSONScanner, text: string): string {
  scanner.scan();
  const first = text[scanner.getTokenOffset()];
  if (first === undefined) throw new Error('the text ends before the value parsed from it');
  return first;
}

/** The text of the value whose first token the scanner has read; it has then read the last one. */
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

/** A number stands behind a bracket, a comma, a colon or white space: inside a text this may err. */
const MAYBE_FLOAT = /[[,:\s]-?[0-9]+[.eE]/;

/** Whether any number may be written with a fraction or an exponent. */
function holdsFloats(text: string): boolean {
  return MAYBE_FLOAT.test(text);
}

/** The digits of a number that can only have been written as them; undefined where that is not sure. */
function plainDigits(hasFloats: boolean, value: number): string | undefined {
  const isPlain = !hasFloats && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
  return isPlain ? String(value) : undefined;
}
