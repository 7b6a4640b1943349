import { OnhandError } from '../domain/errors.ts';
import type { LineDraft } from '../domain/lines.ts';
import { refusedRow, type FileRow, type FormatLimits } from './format.ts';

/**
 * Reads one line from its JSON value and the text that it was parsed from. One reader reads the lines of
 * one file, in order. The caller passes it in, so that a line means the same in a file as in a request.
 */
export type JsonLineReader = (value: unknown, text: string) => LineDraft;

/**
 * The elements of a JSON array as rows, numbered from 1. An array that is not well-formed is refused as
 * a whole (`body_malformed`), since it is not certain where the next element begins.
 */
export async function* readJsonArray(
  text: AsyncIterable<string>,
  readLine: JsonLineReader,
  limits: FormatLimits,
): AsyncGenerator<readonly FileRow[]> {
  let row = 0;
  for await (const elements of readJsonElements(text, limits)) {
    yield elements.map((element) => {
      row += 1;
      return { row, cells: [element], line: readLine(parseElement(element, row), element) };
    });
  }
}

function parseElement(element: string, row: number): unknown {
  try {
    return JSON.parse(element);
  } catch (error) {
    throw new OnhandError(
      'body_malformed',
      `Element ${row} of the array is not valid JSON: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/**
 * The lines of NDJSON as rows, numbered as lines of the file, without blank ones. A line that is too long
 * or not valid JSON is refused; the others are read.
 */
export async function* readNdjson(
  text: AsyncIterable<string>,
  readLine: JsonLineReader,
  limits: FormatLimits,
): AsyncGenerator<readonly FileRow[]> {
  let row = 0;
  for await (const lines of readLines(text, limits.rowCharactersMax)) {
    const rows: FileRow[] = [];
    for (const line of lines) {
      row += 1;
      if (line === null) rows.push(tooLong(row, limits.rowCharactersMax));
      else if (line.trim() !== '') rows.push(readNdjsonLine(line, row, readLine));
    }
    if (rows.length > 0) yield rows;
  }
}

function readNdjsonLine(line: string, row: number, readLine: JsonLineReader): FileRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return refusedRow(row, [line], `Line ${row} is not valid JSON: ${messageOf(error)}.`);
  }
  return { row, cells: [line], line: readLine(value, line) };
}

function tooLong(row: number, charactersMax: number): FileRow {
  return refusedRow(row, [], `Line ${row} is longer than ${charactersMax} characters.`);
}

/** Lines without their line breaks; null for a line that is too long and was discarded. */
async function* readLines(
  text: AsyncIterable<string>,
  charactersMax: number,
): AsyncGenerator<readonly (string | null)[]> {
  let pending = '';
  let isTooLong = false;
  for await (const chunk of text) {
    const [first = '', ...rest] = chunk.split('\n');
    pending += first;
    isTooLong ||= pending.length > charactersMax;
    if (isTooLong) pending = '';
    if (rest.length === 0) continue;
    const last = rest.pop() ?? '';
    const whole = rest.map((line) => (line.length > charactersMax ? null : line));
    yield [isTooLong ? null : pending, ...whole];
    pending = last;
    isTooLong = pending.length > charactersMax;
    if (isTooLong) pending = '';
  }
  if (isTooLong || pending !== '') yield [isTooLong ? null : pending];
}

/** The parser's message, without the text that it quotes. It may name half of a character. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const unquoted = message.split(/, (?:\.\.\.)?"/)[0] ?? message;
  return unquoted.slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed();
}

const MESSAGE_CHARACTERS_MAX = 100;

/** How deep arrays and objects may be nested, including the outermost array. */
const DEPTH_MAX = 8;

/** The characters that matter outside and inside a string. */
const STRUCTURE = /["{}[\],]/g;
const STRING_MARKS = /["\\]/g;

/**
 * Cuts a JSON array into the texts of its elements, without parsing them, holding one at a time. Rejects
 * with `body_malformed` if the text is not one array, and with `body_too_large` if an element is longer
 * than the limit.
 */
async function* readJsonElements(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly string[]> {
  const cutter = new ElementCutter(limits.rowCharactersMax);
  for await (const chunk of text) {
    const elements = cutter.cut(chunk);
    if (elements.length > 0) yield elements;
  }
  cutter.end();
}

class ElementCutter {
  readonly #charactersMax: number;
  #isOpen = false;
  #isEnded = false;
  /** How many arrays and objects are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #count = 0;
  /** The beginning of an element whose end has not arrived. */
  #pending = '';
  /** Where the current element begins in the chunk. */
  #start = 0;
  #elements: string[] = [];

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  cut(chunk: string): readonly string[] {
    this.#elements = [];
    this.#start = 0;
    for (let at = 0; at < chunk.length;) at = this.#step(chunk, at);
    this.#pending += chunk.slice(this.#start);
    if (this.#pending.length > this.#charactersMax) this.#refuseLong();
    return this.#elements;
  }

  end(): void {
    if (!this.#isEnded) {
      throw malformed(
        `it ends inside element ${this.#count + 1}; the bracket that closes the array is missing`,
      );
    }
    this.#refuseTrailing();
  }

  /** Returns the position after the next structural character, or the end. */
  #step(chunk: string, from: number): number {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return from + 1;
    }
    const marks = this.#isInString ? STRING_MARKS : STRUCTURE;
    marks.lastIndex = from;
    const at = marks.exec(chunk)?.index ?? chunk.length;
    if (at < chunk.length) this.#take(chunk, at);
    return at + 1;
  }

  #take(chunk: string, at: number): void {
    const mark = chunk[at];
    if (this.#isInString) {
      if (mark === '"') this.#isInString = false;
      else this.#isEscaped = true;
    } else if (mark === '"') this.#isInString = true;
    else if (mark === '[' || mark === '{') this.#enter(chunk, at);
    else if (mark === ',') {
      if (this.#depth === 1) this.#finish(chunk, at, false);
    } else this.#leave(chunk, at);
  }

  #enter(chunk: string, at: number): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) {
      throw malformed(
        `element ${this.#count + 1} is nested too deeply; the array may be at most ${DEPTH_MAX} levels deep`,
      );
    }
    if (this.#depth > 1) return;
    if (
      this.#isOpen ||
      chunk[at] !== '[' ||
      (this.#pending + chunk.slice(this.#start, at)).trim() !== ''
    ) {
      throw malformed('there is text outside the array');
    }
    this.#isOpen = true;
    this.#start = at + 1;
    this.#pending = '';
  }

  #leave(chunk: string, at: number): void {
    if (this.#depth === 0) throw malformed('there is text after the array');
    if (this.#depth === 1) {
      if (chunk[at] !== ']') throw malformed(`element ${this.#count + 1} ends in a brace too many`);
      this.#finish(chunk, at, true);
      this.#isEnded = true;
    }
    this.#depth -= 1;
  }

  #finish(chunk: string, at: number, isLast: boolean): void {
    const element = (this.#pending + chunk.slice(this.#start, at)).trim();
    this.#pending = '';
    this.#start = at + 1;
    if (element.length > this.#charactersMax) this.#refuseLong();
    // An array may be empty, but an element may not.
    if (element === '' && isLast && this.#count === 0) return;
    this.#count += 1;
    if (element === '')
      throw malformed(`element ${this.#count} is empty: there is a comma too many`);
    this.#elements.push(element);
  }

  #refuseTrailing(): void {
    if (this.#pending.trim() !== '') throw malformed('there is text after the array');
  }

  #refuseLong(): void {
    if (this.#isEnded || !this.#isOpen) throw malformed('there is text outside the array');
    throw new OnhandError(
      'body_too_large',
      `Element ${this.#count + 1} is longer than ${this.#charactersMax} characters.`,
    );
  }
}

function malformed(reason: string): OnhandError {
  return new OnhandError('body_malformed', `The file is not a well-formed JSON array: ${reason}.`);
}
