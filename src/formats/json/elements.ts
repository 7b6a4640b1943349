import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../limits.ts';

/** How many arrays and objects may stand inside one another in a file, the outermost counted. */
const DEPTH_MAX = 8;

/** What is looked for outside of texts, and inside one. */
const MARKS = /["{}[\],]/g;
const TEXT_MARKS = /["\\]/g;

/**
 * Cuts a JSON array into its elements, holding one at a time: each is the text between two commas,
 * which may still be no JSON. Yields those that end in a piece of the text together. Rejects with
 * `body_malformed` where it is no array, or has anything behind its end, `body_too_large` where an
 * element is longer than the limit.
 */
export async function* readJsonElements(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly string[]> {
  const cutter = new ElementCutter(limits.rowCharactersMax);
  for await (const piece of text) {
    const elements = cutter.cut(piece);
    if (elements.length > 0) yield elements;
  }
  cutter.end();
}

class ElementCutter {
  readonly #charactersMax: number;
  #isOpen = false;
  #isEnded = false;
  /** Arrays and objects that are open, the outermost counted. */
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #count = 0;
  /** The beginning of an element whose end is still to come. */
  #pending = '';
  /** Where in the piece the element begins that is being cut. */
  #start = 0;
  #elements: string[] = [];

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  cut(piece: string): readonly string[] {
    this.#elements = [];
    this.#start = 0;
    for (let at = 0; at < piece.length;) at = this.#step(piece, at);
    this.#pending += piece.slice(this.#start);
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

  /** Moves on to behind the next mark, or to the end. */
  #step(piece: string, from: number): number {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return from + 1;
    }
    const marks = this.#isInText ? TEXT_MARKS : MARKS;
    marks.lastIndex = from;
    const at = marks.exec(piece)?.index ?? piece.length;
    if (at < piece.length) this.#pass(piece, at);
    return at + 1;
  }

  #pass(piece: string, at: number): void {
    const mark = piece[at];
    if (this.#isInText) {
      if (mark === '"') this.#isInText = false;
      else this.#isEscaped = true;
    } else if (mark === '"') this.#isInText = true;
    else if (mark === '[' || mark === '{') this.#enter(piece, at);
    else if (mark === ',') {
      if (this.#depth === 1) this.#finish(piece, at, false);
    } else this.#leave(piece, at);
  }

  #enter(piece: string, at: number): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) {
      throw malformed(
        `element ${this.#count + 1} is nested too deeply; at most ${DEPTH_MAX} arrays and objects may stand inside one another`,
      );
    }
    if (this.#depth > 1) return;
    if (
      this.#isOpen ||
      piece[at] !== '[' ||
      (this.#pending + piece.slice(this.#start, at)).trim() !== ''
    ) {
      throw malformed('there is something beside the array');
    }
    this.#isOpen = true;
    this.#start = at + 1;
    this.#pending = '';
  }

  #leave(piece: string, at: number): void {
    if (this.#depth === 0) throw malformed('there is something behind the array');
    if (this.#depth === 1) {
      if (piece[at] !== ']') throw malformed(`element ${this.#count + 1} ends in a brace too many`);
      this.#finish(piece, at, true);
      this.#isEnded = true;
    }
    this.#depth -= 1;
  }

  #finish(piece: string, at: number, isLast: boolean): void {
    const element = (this.#pending + piece.slice(this.#start, at)).trim();
    this.#pending = '';
    this.#start = at + 1;
    if (element.length > this.#charactersMax) this.#refuseLong();
    // An array may have no element at all, but none that is empty.
    if (element === '' && isLast && this.#count === 0) return;
    this.#count += 1;
    if (element === '')
      throw malformed(`element ${this.#count} is empty: there is a comma too many`);
    this.#elements.push(element);
  }

  #refuseTrailing(): void {
    if (this.#pending.trim() !== '') throw malformed('there is something behind the array');
  }

  #refuseLong(): void {
    if (this.#isEnded || !this.#isOpen) throw malformed('there is something beside the array');
    throw new OnhandError(
      'body_too_large',
      `Element ${this.#count + 1} is longer than ${this.#charactersMax} characters.`,
    );
  }
}

function malformed(reason: string): OnhandError {
  return new OnhandError('body_malformed', `The file is no well-formed JSON array: ${reason}.`);
}
