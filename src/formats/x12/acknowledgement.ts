import type { AcknowledgementOptions } from '../edi/report.ts';
import type { ReceivedGroup, ReceivedInterchange, ReceivedSet, SegmentNote } from './envelope.ts';

/**
 * Prints the functional acknowledgement (997) of a received interchange, with the same delimiters. It
 * says which groups and transaction sets were accepted (A), accepted with errors in some lines (E) or
 * rejected (R), and where the errors are. It covers the syntax only; the results file has the result of
 * each line. An interchange without a group gets an interchange acknowledgement (TA1).
 */
export function print997(received: ReceivedInterchange, options: AcknowledgementOptions): string {
  const { header, delimiters, groups } = received;
  const { date, time } = written(options.atMs);
  const control = String(options.controlNumber).padStart(9, '0');
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
  const answer = groups.length === 0 ? [printRejected(header)] : printGroup(received, options);
  const segments = [isa, ...answer, ['IEA', groups.length === 0 ? '0' : '1', control]];
  return segments
    .map((segment) => trimmed(segment).join(delimiters.element) + delimiters.segment)
    .join('');
}

/** Rejects the content of an interchange without a group (TA1), since a 997 would have nothing to name. */
function printRejected(header: readonly string[]): Elements {
  return ['TA1', header[13] ?? '', header[9] ?? '', header[10] ?? '', 'R', '024'];
}

/** A group of functional acknowledgements, one per received group. */
function printGroup(
  { groups }: ReceivedInterchange,
  options: AcknowledgementOptions,
): readonly Elements[] {
  const [first] = groups;
  const { date, time } = written(options.atMs);
  const control = String(options.controlNumber);
  const version = /^00[4-8]/.test(first?.version ?? '') ? (first?.version ?? '') : '004010';
  const sets = groups.map((group, i) => printSet(group, String(i + 1).padStart(4, '0'), options));
  return [
    ['GS', 'FA', first?.receiver ?? '', first?.sender ?? '', date, time, control, 'X', version],
    ...sets.flat(),
    ['GE', String(sets.length), control],
  ];
}

/** Swaps sender and receiver. */
function reversed(header: readonly string[]): readonly string[] {
  const [, , , , , senderQualifier = 'ZZ', sender = '', receiverQualifier = 'ZZ', receiver = ''] =
    header;
  return [receiverQualifier, receiver.padEnd(15), senderQualifier, sender.padEnd(15)];
}

type Elements = readonly string[];

function printSet(
  group: ReceivedGroup,
  control: string,
  { isRefused }: AcknowledgementOptions,
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
      groupResult(group, isRejected, accepted),
      String(included),
      String(group.setsReceived),
      String(accepted),
      group.fault ?? '',
    ],
  ];
  return [['ST', '997', control], ...inside, ['SE', String(inside.length + 2), control]];
}

function groupResult(group: ReceivedGroup, isRejected: boolean, accepted: number): string {
  if (isRejected || (accepted === 0 && group.setsReceived > 0)) return 'R';
  if (accepted < group.setsReceived) return 'P';
  return group.faultySets.length > 0 ? 'E' : 'A';
}

function isRejectedSet(set: ReceivedSet): boolean {
  return set.fault !== null;
}

function printFaultySet(set: ReceivedSet, isGroupRejected: boolean): readonly Elements[] {
  const result = isGroupRejected || isRejectedSet(set) ? 'R' : 'E';
  const inErrors = set.notes.length > 0 ? '5' : '';
  return [
    ['AK2', set.id, set.controlNumber],
    ...bySegment(set.notes).flatMap(printNotes),
    [
      'AK5',
      result,
      ...[set.fault ?? '', inErrors].filter(
        (code, i, all) => code !== '' && all.indexOf(code) === i,
      ),
    ],
  ];
}

/** All notes on one segment come under one AK3. */
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

/** A segment without its empty trailing elements. */
function trimmed(elements: Elements): Elements {
  const last = elements.findLastIndex((element) => element !== '');
  return elements.slice(0, last + 1);
}

function written(atMs: number): { readonly date: string; readonly time: string } {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  return { date: date.replaceAll('-', ''), time: time.slice(0, 5).replace(':', '') };
}
