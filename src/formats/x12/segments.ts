import { OnhandError } from '../../domain/errors.ts';
import { cutSegments, type SegmentSyntax } from '../edi/segments.ts';
import type { FormatLimits } from '../format.ts';

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
 * Cuts X12 into segments, as `cutSegments` does. Each ISA defines the delimiters again. Rejects with
 * `body_malformed` if an ISA does not define them.
 */
export function readSegments(
  text: AsyncIterable<string>,
  limits: Pick<FormatLimits, 'rowCharactersMax'>,
): AsyncGenerator<readonly Segment[]> {
  return cutSegments(text, SYNTAX, limits);
}

const SYNTAX: SegmentSyntax<Delimiters, Segment> = {
  headCharactersMax: ISA_CHARACTERS_MAX,
  begin: (head, number) => {
    const delimiters = readDelimiters(head, number);
    return delimiters === null ? null : { characters: delimiters, length: 0 };
  },
  notABeginning: (_, number) => notAnIsa(number),
  terminator: ({ segment }) => segment,
  endOf: (text, from, { segment }) => text.indexOf(segment, from),
  read: (text, number, delimiters) => ({
    number,
    elements: text.split(delimiters.element),
    delimiters,
  }),
  isLast: ({ elements }) => elements[0] === 'IEA',
};

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
    `Segment ${number} should be an ISA of 106 characters, which defines the delimiters of the interchange; ` +
      'it is something else, or it is cut off.',
  );
}
