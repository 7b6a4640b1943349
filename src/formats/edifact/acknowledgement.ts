import type { AcknowledgementOptions } from '../edi/report.ts';
import type { ReceivedInterchange } from './envelope.ts';
import { DEFAULT_CHARACTERS, printSegment } from './segments.ts';

/** Element 0083. */
const REJECTED = '4';
const ACKNOWLEDGED = '7';
/** Element 0085: unspecified error, for a file that was refused for other reasons than its syntax. */
const UNSPECIFIED = '18';

/**
 * Prints the syntax and service report (CONTRL) of a received interchange, with the same service characters.
 * It acknowledges the interchange, or rejects it and names the error and the message that has it. It covers
 * the syntax only; the results file has the result of each line.
 */
export function printContrl(
  { header, characters, fault, faultyMessage }: ReceivedInterchange,
  { controlNumber, atMs, isRefused }: AcknowledgementOptions,
): string {
  const [, syntax = [], sender = [], recipient = [], , [reference = ''] = []] = header;
  const control = String(controlNumber);
  const isVersion4 = syntax[1] === '4';
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  const day = date.replaceAll('-', '').slice(isVersion4 ? 0 : 2);
  const uci = ['UCI', reference, sender, recipient, isRefused ? REJECTED : ACKNOWLEDGED];
  const isRejected = isRefused && faultyMessage !== null;
  const inside = [
    isRefused && !isRejected ? [...uci, fault ?? UNSPECIFIED] : uci,
    ...(isRejected
      ? [['UCM', faultyMessage.reference, faultyMessage.type, REJECTED, faultyMessage.fault]]
      : []),
  ];
  const segments = [
    ['UNB', syntax, recipient, sender, [day, time.slice(0, 5).replace(':', '')], control],
    ['UNH', '1', isVersion4 ? ['CONTRL', '4', '1', 'UN'] : ['CONTRL', 'D', '3', 'UN']],
    ...inside,
    ['UNT', String(inside.length + 2), '1'],
    ['UNZ', '1', control],
  ];
  const { component, element, decimal, release, segment } = characters;
  const una = `UNA${component}${element}${decimal}${release ?? ' '} ${segment}`;
  const isDefault = characters === DEFAULT_CHARACTERS;
  return (isDefault ? '' : una) + segments.map((one) => printSegment(one, characters)).join('');
}
