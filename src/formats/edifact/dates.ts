/** Dates of DTM segments: a text and the code of its format (element 2379). */

interface DateFormat {
  readonly pattern: RegExp;
  /** Writes the parts as `ccyymmdd` and, if there is one, the time. */
  readonly write: (text: string) => string;
}

const asWritten = (text: string): string => text;
const thisCentury = (text: string): string => `20${text}`;

const FORMATS: Readonly<Record<string, DateFormat>> = {
  '101': { pattern: /^[0-9]{6}$/, write: thisCentury },
  '102': { pattern: /^[0-9]{8}$/, write: asWritten },
  '201': { pattern: /^[0-9]{10}$/, write: thisCentury },
  '202': { pattern: /^[0-9]{12}$/, write: thisCentury },
  '203': { pattern: /^[0-9]{12}$/, write: asWritten },
  '204': { pattern: /^[0-9]{14}$/, write: asWritten },
  '303': { pattern: /^[0-9]{12}[A-Z0-9?+:-]{0,6}$/, write: (text) => text.slice(0, 12) },
  '304': { pattern: /^[0-9]{14}[A-Z0-9?+:-]{0,6}$/, write: (text) => text.slice(0, 14) },
  '718': { pattern: /^[0-9]{8}-?[0-9]{8}$/, write: (text) => text.slice(-8) },
};

/** The codes of the formats that are read. */
export const DATE_FORMATS: readonly string[] = Object.keys(FORMATS);

/** The format of a date that names none, by its length. */
const FORMAT_BY_LENGTH: Readonly<Record<number, string>> = { 8: '102', 12: '203', 14: '204' };

/**
 * A date and its time as `ccyymmdd`, `ccyymmddhhmm` or `ccyymmddhhmmss`, the end of a period; undefined if
 * it is not written in its format.
 */
export function readDtm(text: string, format: string): string | undefined {
  const known = FORMATS[format === '' ? (FORMAT_BY_LENGTH[text.length] ?? '') : format];
  return known?.pattern.test(text) === true ? known.write(text) : undefined;
}
