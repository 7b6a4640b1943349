import { OnhandError } from '../../domain/errors.ts';
import { quoted, type FormatLimits } from '../format.ts';

/** The service characters of an interchange, each one character, which UNA defines. */
export interface ServiceCharacters {
  readonly component: string;
  readonly element: string;
  /** The decimal mark. */
  readonly decimal: string;
  /** Makes the character after it part of the text; null if there is none. */
  readonly release: string | null;
  readonly segment: string;
}

export interface Segment {
  /** Its position in the file, from 1, without UNA. Error messages name it. */
  readonly number: number;
  readonly name: string;
  /** The components of each element; element 0 is the name. */
  readonly elements: readonly (readonly string[])[];
  readonly characters: ServiceCharacters;
}

/** The service characters of an interchange without UNA. */
export const DEFAULT_CHARACTERS: ServiceCharacters = {
  component: ':',
  element: '+',
  decimal: '.',
  release: '?',
  segment: "'",
};

/** The same for the control characters of syntax level B. */
const CONTROL_CHARACTERS: ServiceCharacters = {
  component: '\u001f',
  element: '\u001d',
  decimal: '.',
  release: null,
  segment: '\u001c',
};

/** Whether a text begins as an interchange does. */
export function isInterchange(text: string): boolean {
  return /^UNA.{6}/s.test(text) || charactersOf(text) !== undefined;
}

/** The service characters of a text that begins with UNB. */
function charactersOf(text: string): ServiceCharacters | undefined {
  return [DEFAULT_CHARACTERS, CONTROL_CHARACTERS].find(({ element }) =>
    text.startsWith(`UNB${element}`),
  );
}

/** A UNA: its name and six characters. */
const UNA_CHARACTERS = 9;

/**
 * Cuts EDIFACT into segments, a few at a time. Line breaks after or inside a segment are dropped unless
 * they end segments. Rejects with `body_malformed` if an interchange begins with neither UNA nor UNB or the
 * file ends inside a segment, and with `body_too_large` if a segment is longer than the limit.
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
  #characters: ServiceCharacters | null = null;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  cut(chunk: string): readonly Segment[] {
    const text = this.#pending + chunk;
    const segments: Segment[] = [];
    let at = 0;
    for (;;) {
      at = afterFiller(text, at);
      if (this.#characters === null) {
        const begun = beginInterchange(text.slice(at, at + UNA_CHARACTERS), this.#count + 1);
        if (begun === null) break;
        this.#characters = begun.characters;
        at = afterFiller(text, at + begun.length);
      }
      const end = segmentEnd(text, at, this.#characters);
      if (end < 0) break;
      const segment = this.#segment(text.slice(at, end), this.#characters);
      segments.push(segment);
      if (segment.name === 'UNZ') this.#characters = null;
      at = end + 1;
    }
    this.#pending = text.slice(at);
    if (this.#pending.length > this.#charactersMax) {
      throw new OnhandError(
        'body_too_large',
        `Segment ${this.#count + 1} is longer than ${this.#charactersMax} characters; its end (${JSON.stringify(this.#characters?.segment ?? '')}) is missing.`,
      );
    }
    return segments;
  }

  /** The last segment, if it ends with a line break that the file lacks. */
  end(): readonly Segment[] {
    const rest = this.#pending;
    if (rest === '') return [];
    if (this.#characters === null) throw notABeginning(rest, this.#count + 1);
    if (/^\s/.test(this.#characters.segment)) return [this.#segment(rest, this.#characters)];
    throw new OnhandError(
      'body_malformed',
      `The file ends inside segment ${this.#count + 1} (${quoted(rest, 40)}); it is truncated.`,
    );
  }

  #segment(text: string, characters: ServiceCharacters): Segment {
    this.#count += 1;
    const unfolded = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
    const elements = splitSegment(unfolded, characters);
    return { number: this.#count, name: elements[0]?.[0] ?? '', elements, characters };
  }
}

/** Skips line breaks, spaces and end-of-file marks of old systems (Ctrl-Z) between segments. */
function afterFiller(text: string, from: number): number {
  let at = from;
  while (at < text.length && FILLER.has(text.charCodeAt(at))) at += 1;
  return at;
}

const FILLER: ReadonlySet<number> = new Set([0x0a, 0x0d, 0x20, 0x1a]);

/** The service characters, and the length of their UNA; null if too little has arrived. */
function beginInterchange(
  head: string,
  number: number,
): { readonly characters: ServiceCharacters; readonly length: number } | null {
  if (head.startsWith('UNA')) {
    if (head.length < UNA_CHARACTERS) return null;
    const [component = '', element = '', decimal = '', release = '', , segment = ''] =
      head.slice(3);
    const used = [component, element, segment, ...(release === ' ' ? [] : [release])];
    if (used.some((one) => /[A-Za-z0-9]/.test(one)) || new Set(used).size < used.length)
      throw notABeginning(head, number);
    const characters = {
      component,
      element,
      decimal,
      release: release === ' ' ? null : release,
      segment,
    };
    return { characters, length: UNA_CHARACTERS };
  }
  const characters = charactersOf(head);
  if (characters !== undefined) return { characters, length: 0 };
  if (head.length < 4 && ('UNA'.startsWith(head) || 'UNB'.startsWith(head))) return null;
  throw notABeginning(head, number);
}

function notABeginning(head: string, number: number): OnhandError {
  return new OnhandError(
    'body_malformed',
    `Segment ${number} should be UNB, after UNA if the interchange has one, and is ${quoted(head, 40)}.`,
  );
}

/** The position of the next character that ends a segment and is not released; negative if there is none. */
function segmentEnd(text: string, from: number, { segment, release }: ServiceCharacters): number {
  let at = text.indexOf(segment, from);
  if (release === null) return at;
  while (at >= 0 && isReleased(text, from, at, release)) at = text.indexOf(segment, at + 1);
  return at;
}

/** Whether an odd number of release characters precedes a position: each pair is the character itself. */
function isReleased(text: string, from: number, at: number, release: string): boolean {
  let before = at;
  while (before > from && text[before - 1] === release) before -= 1;
  return (at - before) % 2 === 1;
}

function splitSegment(
  text: string,
  { component, element, release }: ServiceCharacters,
): readonly (readonly string[])[] {
  if (release === null || !text.includes(release))
    return text.split(element).map((one) => one.split(component));
  const elements: string[][] = [];
  let components: string[] = [];
  let value = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === release) {
      at += 1;
      value += text[at] ?? '';
    } else if (character === component || character === element) {
      components.push(value);
      value = '';
      if (character === component) continue;
      elements.push(components);
      components = [];
    } else value += character;
  }
  return [...elements, [...components, value]];
}

/** Writes a segment, releasing service characters in its texts; empty trailing parts are left out. */
export function printSegment(
  elements: readonly (string | readonly string[])[],
  { component, element, release, segment }: ServiceCharacters,
): string {
  const service = new Set([component, element, segment, ...(release === null ? [] : [release])]);
  const escape = (text: string): string =>
    Array.from(text, (one) =>
      service.has(one) ? (release === null ? ' ' : release + one) : one,
    ).join('');
  const printed = elements.map((one) =>
    withoutEmptyEnd((typeof one === 'string' ? [one] : one).map(escape)).join(component),
  );
  return withoutEmptyEnd(printed).join(element) + segment;
}

function withoutEmptyEnd(texts: readonly string[]): readonly string[] {
  return texts.slice(0, texts.findLastIndex((text) => text !== '') + 1);
}
