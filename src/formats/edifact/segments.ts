import { OnhandError } from '../../domain/errors.ts';
import { cutSegments, type SegmentSyntax } from '../edi/segments.ts';
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
 * Cuts EDIFACT into segments, as `cutSegments` does. Rejects with `body_malformed` if an interchange begins with
 * neither UNA nor UNB.
 */
export function readSegments(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly Segment[]> {
  return cutSegments(text, SYNTAX, limits);
}

const SYNTAX: SegmentSyntax<ServiceCharacters, Segment> = {
  headCharactersMax: UNA_CHARACTERS,
  begin: beginInterchange,
  notABeginning,
  terminator: ({ segment }) => segment,
  endOf: segmentEnd,
  read: (text, number, characters) => {
    const elements = splitSegment(text, characters);
    return { number, name: elements[0]?.[0] ?? '', elements, characters };
  },
  isLast: ({ name }) => name === 'UNZ',
};

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

/**
 * Prints a segment. Service characters inside a text are released, or become spaces if there is no release character.
 * Empty elements and components at the end are omitted.
 */
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
