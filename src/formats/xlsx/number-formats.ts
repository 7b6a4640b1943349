/**
 * How a workbook has a number shown, as far as it says what the number is: a date, a number that was
 * written with an exponent, or digits padded with zeros to a width.
 */
export type NumberStyle =
  | { readonly kind: 'plain' }
  | { readonly kind: 'date' }
  | { readonly kind: 'scientific' }
  | { readonly kind: 'padded'; readonly width: number };

export const PLAIN: NumberStyle = { kind: 'plain' };
const DATE: NumberStyle = { kind: 'date' };
const SCIENTIFIC: NumberStyle = { kind: 'scientific' };

/** Widest padding that is taken over, in digits. */
const PADDED_WIDTH_MAX = 64;

/**
 * The style of a format that the file spells out, such as `dd/mm/yyyy;@`. Its first section, the one
 * of positive numbers, decides.
 */
export function styleOfFormat(code: string): NumberStyle {
  const marks = bareMarks(code);
  if (/^0+$/.test(marks)) {
    return marks.length > 1 && marks.length <= PADDED_WIDTH_MAX
      ? { kind: 'padded', width: marks.length }
      : PLAIN;
  }
  if (/^general$/i.test(marks)) return PLAIN;
  if (/[0#?]e[+-]/i.test(marks)) return SCIENTIFIC;
  if (/[dy]/i.test(marks)) return DATE;
  // An `m` is a month, unless hours or seconds beside it make it minutes.
  return /m/i.test(marks) && !/[hs]/i.test(marks) ? DATE : PLAIN;
}

/** The format's first section without what it shows literally, its colours, locales and conditions. */
function bareMarks(code: string): string {
  const bare = code
    .slice(0, FORMAT_CHARACTERS_READ)
    .replaceAll(/"[^"]*"|\\.|[_*].|\[[^\]]*\]|am\/pm|a\/p/gis, '');
  return (bare.split(';')[0] ?? '').trim();
}

const FORMAT_CHARACTERS_READ = 1000;

/** The style of a format that is known by its number alone. */
export function styleOfBuiltIn(id: number): NumberStyle {
  if (id === 11 || id === 48) return SCIENTIFIC;
  return BUILT_IN_DATES.some(([first, last]) => id >= first && id <= last) ? DATE : PLAIN;
}

/** First and last of the numbers that mean a date: Western ones, then those of East Asian editions. */
const BUILT_IN_DATES = [
  [14, 17],
  [22, 22],
  [27, 31],
  [36, 36],
  [50, 54],
  [57, 58],
] as const;
