import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../limits.ts';

/** What sets an interchange's parts apart: each is one character, said by its ISA segment. */
export interface Delimiters {
  readonly element: string;
  readonly component: string;
  readonly segment: string;
}

export interface Segment {
  /** Its place in the file, counted from 1: what complaints name. */
  readonly number: number;
  /** The first is its name. */
  readonly elements: readonly string[];
  /** Those of its interchange. */
  readonly delimiters: Delimiters;
}

/** Elements of an ISA segment, its name left out. */
const ISA_ELEMENTS = 16;

/** Longest ISA that is looked for its end: 106 characters, and more where its fields are not filled up. */
const ISA_CHARACTERS_MAX = 400;

/**
 * Cuts X12 into segments, a few at a time. Every ISA sets the delimiters anew. Line breaks behind a
 * segment's end are left out, as are those inside one where they are no delimiter: some systems fold
 * what they send. Rejects with `body_malformed` where an ISA does not say the delimiters or the file
 * ends inside a segment, `body_too_large` where a segment is longer than the limit.
 */
export async function* readSegments(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly Segment[]> {
  const cutter = new SegmentCutter(limits.rowCharactersMax);
  for await (const piece of text) {
    const segments = cutter.cut(piece);
    if (segments.length > 0) yield segments;
  }
  const last = cutter.end();
  if (last.length > 0) yield last;
}

class SegmentCutter {
  readonly #charactersMax: number;
  #pending = '';
  #count = 0;
  /** Null between interchanges. */
  #delimiters: Delimiters | null = null;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  cut(piece: string): readonly Segment[] {
    const text = this.#pending + piece;
    const segments: Segment[] = [];
    let at = 0;
    for (;;) {
      at = afterFiller(text, at);
      this.#delimiters ??= readDelimiters(text.slice(at, at + ISA_CHARACTERS_MAX), this.#count + 1);
      if (this.#delimiters === null) break;
      const end = text.indexOf(this.#delimiters.segment, at);
      if (end < 0) break;
      const segment = this.#segment(text.slice(at, end), this.#delimiters);
      segments.push(segment);
      if (segment.elements[0] === 'IEA') this.#delimiters = null;
      at = end + 1;
    }
    this.#pending = text.slice(at);
    if (this.#pending.length > this.#charactersMax) {
      throw new OnhandError(
        'body_too_large',
        `Segment ${this.#count + 1} is longer than ${this.#charactersMax} characters; its end (${JSON.stringify(this.#delimiters?.segment ?? '')}) is missing.`,
      );
    }
    return segments;
  }

  /** What is left at the end of the file; nothing, unless it was cut off. */
  end(): readonly Segment[] {
    const rest = this.#pending;
    if (rest === '') return [];
    if (this.#delimiters === null) throw notAnIsa(this.#count + 1);
    if (/^\s/.test(this.#delimiters.segment))
      // A line break at the end of a file is easily lost.
      return [this.#segment(rest, this.#delimiters)];
    throw new OnhandError(
      'body_malformed',
      `The file ends inside segment ${this.#count + 1} (${JSON.stringify(rest.slice(0, SHOWN_CHARACTERS).toWellFormed())}); it is cut off.`,
    );
  }

  #segment(text: string, delimiters: Delimiters): Segment {
    this.#count += 1;
    const unfolded = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
    return { number: this.#count, elements: unfolded.split(delimiters.element), delimiters };
  }
}

const SHOWN_CHARACTERS = 40;

/** Line breaks, spaces and the end mark of old systems (Ctrl-Z) that stand between segments. */
function afterFiller(text: string, from: number): number {
  let at = from;
  while (at < text.length && FILLER.has(text.charCodeAt(at))) at += 1;
  return at;
}

const FILLER: ReadonlySet<number> = new Set([0x0a, 0x0d, 0x20, 0x1a]);

/** Those that an ISA says; null where too little of it is there to tell. */
function readDelimiters(text: string, number: number): Delimiters | null {
  const element = text[3];
  if (element === undefined) return null;
  if (!text.startsWith('ISA') || /[A-Za-z0-9\r\n ]/.test(element)) throw notAnIsa(number);
  let at = 3;
  for (let i = 1; i < ISA_ELEMENTS; i += 1) {
    at = text.indexOf(element, at + 1);
    if (at >= 0) continue;
    if (text.length < ISA_CHARACTERS_MAX) return null;
    throw notAnIsa(number);
  }
  const component = text[at + 1];
  const segment = text[at + 2];
  if (component === undefined || segment === undefined) return null;
  // Some give no separator of components, and repeat the one of elements: nothing here has components.
  if (/[A-Za-z0-9]/.test(segment + component) || segment === element || segment === component)
    throw notAnIsa(number);
  return { element, component, segment };
}

function notAnIsa(number: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `Segment ${number} should be an ISA of 106 characters, which says how the interchange is delimited; ` +
      'it is none, or is cut off.',
  );
}
