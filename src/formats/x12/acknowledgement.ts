import type { ReceivedGroup, ReceivedInterchange, ReceivedSet, SegmentNote } from './received.ts';

export interface AcknowledgementTerms {
  /** Of the interchange that is written, unique for its receiver: 1 … 999999999. */
  readonly controlNumber: number;
  /** When it is written, in milliseconds since 1970-01-01T00:00Z; dates are written in UTC. */
  readonly atMs: number;
  /** Whether the file was refused as a whole: then nothing of it is accepted, however right it is. */
  readonly isRefused: boolean;
}

/**
 * The functional acknowledgement (997) of an interchange that was received: which of its groups and
 * transaction sets were accepted (A), accepted with errors in some of their lines (E), or rejected
 * (R), and where the errors are. It goes the other way, with the delimiters of what it answers. It
 * speaks of form alone; what became of each line is in the results. An interchange that holds no group
 * is answered with an interchange acknowledgement (TA1).
 */
export function print997(received: ReceivedInterchange, terms: AcknowledgementTerms): string {
  const { header, delimiters, groups } = received;
  const { date, time } = written(terms.atMs);
  const control = String(terms.controlNumber).padStart(9, '0');
  const isa = [
    'ISA',
    '00',
    ' '.repeat(10),
    '00',
    ' '.repeat(10),
    ...reversed(header),
    date.slice(2),
    time,
    header[11] ?? 'U',
    header[12] ?? '00401',
    control,
    '0',
    header[15] ?? 'P',
    delimiters.component,
  ];
  const answer = groups.length === 0 ? [printRejected(header)] : printGroup(received, terms);
  const segments = [isa, ...answer, ['IEA', groups.length === 0 ? '0' : '1', control]];
  return segments
    .map((segment) => trimmed(segment).join(delimiters.element) + delimiters.segment)
    .join('');
}

/** Of an interchange without a group, that its content is invalid (TA1): there is nothing for a 997 to name. */
function printRejected(header: readonly string[]): Elements {
  return ['TA1', header[13] ?? '', header[9] ?? '', header[10] ?? '', 'R', '024'];
}

/** The group of functional acknowledgements, one for each group received. */
function printGroup(
  { groups }: ReceivedInterchange,
  terms: AcknowledgementTerms,
): readonly Elements[] {
  const [first] = groups;
  const { date, time } = written(terms.atMs);
  const control = String(terms.controlNumber);
  const version = /^00[4-8]/.test(first?.version ?? '') ? (first?.version ?? '') : '004010';
  const sets = groups.map((group, i) => printSet(group, String(i + 1).padStart(4, '0'), terms));
  return [
    ['GS', 'FA', first?.receiver ?? '', first?.sender ?? '', date, time, control, 'X', version],
    ...sets.flat(),
    ['GE', String(sets.length), control],
  ];
}

/** The sender becomes the receiver. */
function reversed(header: readonly string[]): readonly string[] {
  const [, , , , , senderQualifier = 'ZZ', sender = '', receiverQualifier = 'ZZ', receiver = ''] =
    header;
  return [receiverQualifier, receiver.padEnd(15), senderQualifier, sender.padEnd(15)];
}

type Elements = readonly string[];

function printSet(
  group: ReceivedGroup,
  control: string,
  { isRefused }: AcknowledgementTerms,
): readonly Elements[] {
  const isRejected = isRefused || group.fault !== null;
  const faulty = group.faultySets.map((set) => printFaultySet(set, isRejected));
  const rejected = isRejected ? group.setsReceived : group.faultySets.filter(isRejectedSet).length;
  const accepted = group.setsReceived - rejected;
  const included = group.setsIncluded ?? group.setsReceived;
  const inside: readonly Elements[] = [
    ['AK1', group.functionalId, group.controlNumber],
    ...faulty.flat(),
    [
      'AK9',
      groupVerdict(group, isRejected, accepted),
      String(included),
      String(group.setsReceived),
      String(accepted),
      group.fault ?? '',
    ],
  ];
  return [['ST', '997', control], ...inside, ['SE', String(inside.length + 2), control]];
}

function groupVerdict(group: ReceivedGroup, isRejected: boolean, accepted: number): string {
  if (isRejected || (accepted === 0 && group.setsReceived > 0)) return 'R';
  if (accepted < group.setsReceived) return 'P';
  return group.faultySets.length > 0 ? 'E' : 'A';
}

function isRejectedSet(set: ReceivedSet): boolean {
  return set.fault !== null;
}

function printFaultySet(set: ReceivedSet, isGroupRejected: boolean): readonly Elements[] {
  const verdict = isGroupRejected || isRejectedSet(set) ? 'R' : 'E';
  const inErrors = set.notes.length > 0 ? '5' : '';
  return [
    ['AK2', set.id, set.controlNumber],
    ...bySegment(set.notes).flatMap(printNotes),
    [
      'AK5',
      verdict,
      ...[set.fault ?? '', inErrors].filter(
        (code, i, all) => code !== '' && all.indexOf(code) === i,
      ),
    ],
  ];
}

/** Notes on one segment stand under one AK3. */
function bySegment(notes: readonly SegmentNote[]): readonly (readonly SegmentNote[])[] {
  return [...Map.groupBy(notes, ({ position }) => position).values()];
}

function printNotes(notes: readonly SegmentNote[]): readonly Elements[] {
  const [first] = notes;
  if (first === undefined) return [];
  return [
    ['AK3', first.segment, String(first.position), 'LIN', '8'],
    ...notes.map(({ element, reference, code, value }) => [
      'AK4',
      String(element),
      reference,
      code,
      value.slice(0, VALUE_CHARACTERS_MAX).toWellFormed(),
    ]),
  ];
}

/** Longest copy of a bad element (element 724). */
const VALUE_CHARACTERS_MAX = 99;

/** Empty elements at the end of a segment are left out. */
function trimmed(elements: Elements): Elements {
  const last = elements.findLastIndex((element) => element !== '');
  return elements.slice(0, last + 1);
}

function written(atMs: number): { readonly date: string; readonly time: string } {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  return { date: date.replaceAll('-', ''), time: time.slice(0, 5).replace(':', '') };
}
