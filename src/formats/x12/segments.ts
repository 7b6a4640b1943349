import { OnhandError } from '../../domain/errors.ts';
import { quoted, type FormatLimits } from '../format.ts';

/** The delimiters of an interchange, each one character, which its ISA segment defines. */
export interface Delimiters {
  readonly element: string;
  readonly component: string;
  readonly segment: string;
}

export interface Segment {
  /** Its position in the file, from 1. Error messages name it. */
  readonly number: number;
  /** The first element is the segment's name. */
  readonly elements: readonly string[];
  readonly delimiters: Delimiters;
}

/** How many elements an ISA segment has, without its name. */
const ISA_ELEMENTS = 16;

/** Longest ISA. It should have 106 characters; unpadded or overlong fields change that. */
const ISA_CHARACTERS_MAX = 400;

/**
 * Cuts X12 into segments, a few at a time. Each ISA defines the delimiters again. Line breaks after or
 * inside a segment are dropped unless they are delimiters, since some systems fold long segments.
 * Rejects with `body_malformed` if an ISA does not define the delimiters or the file ends inside a
 * segment, and with `body_too_large` if a segment is longer than the limit.
 */
export async function* readSegments(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly Segment[]> {
  const cutter = new SegmentCutter(limits.rowCharactersMax);
  for await (const chunk of text) {
    const segments = cutter.cut(chunk);
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

  cut(chunk: string): readonly Segment[] {
    const text = this.#pending + chunk;
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

  /** The last segment, if its delimiter is a line break that the file lacks. */
  end(): readonly Segment[] {
    const rest = this.#pending;
    if (rest === '') return [];
    if (this.#delimiters === null) throw notAnIsa(this.#count + 1);
    if (/^\s/.test(this.#delimiters.segment))
      // The last line break of a file is easily lost.
      return [this.#segment(rest, this.#delimiters)];
    throw new OnhandError(
      'body_malformed',
      `The file ends inside segment ${this.#count + 1} (${quoted(rest, 40)}); it is truncated.`,
    );
  }

  #segment(text: string, delimiters: Delimiters): Segment {
    this.#count += 1;
    const unfolded = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
    return { number: this.#count, elements: unfolded.split(delimiters.element), delimiters };
  }
}

/** Skips line breaks, spaces and end-of-file marks of old systems (Ctrl-Z) between segments. */
function afterFiller(text: string, from: number): number {
  let at = from;
  while (at < text.length && FILLER.has(text.charCodeAt(at))) at += 1;
  return at;
}

const FILLER: ReadonlySet<number> = new Set([0x0a, 0x0d, 0x20, 0x1a]);

/** The delimiters that an ISA defines; null if too little of it has arrived. */
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
  // Some senders repeat the element separator as the component separator; 846 needs no components.
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
