/**
 * What the format of a cell says about its number: it is a date, it is shown with an exponent, or its
 * digits are padded with zeros to a width.
 */
export type NumberStyle =
  | { readonly kind: 'plain' }
  | { readonly kind: 'date' }
  | { readonly kind: 'scientific' }
  | { readonly kind: 'padded'; readonly width: number };

export const PLAIN: NumberStyle = { kind: 'plain' };
const DATE: NumberStyle = { kind: 'date' };
const SCIENTIFIC: NumberStyle = { kind: 'scientific' };

/** Widest padding that is applied, in digits. */
const PADDED_WIDTH_MAX = 64;

/** The style of a format code such as `dd/mm/yyyy;@`. Its first section, for positive numbers, decides. */
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
  // An `m` is a month, or minutes if there are also hours or seconds.
  return /m/i.test(marks) && !/[hs]/i.test(marks) ? DATE : PLAIN;
}

/** The format's first section without literal text, colours, locales and conditions. */
function bareMarks(code: string): string {
  const bare = code
    .slice(0, FORMAT_CHARACTERS_READ)
    .replaceAll(/"[^"]*"|\\.|[_*].|\[[^[\]]*\]|am\/pm|a\/p/gis, '');
  return (bare.split(';')[0] ?? '').trim();
}

const FORMAT_CHARACTERS_READ = 1000;

/** The style of a built-in format, which files name only by its number. */
export function styleOfBuiltIn(id: number): NumberStyle {
  if (id === 11 || id === 48) return SCIENTIFIC;
  return BUILT_IN_DATES.some(([first, last]) => id >= first && id <= last) ? DATE : PLAIN;
}

/** Number ranges of the built-in date formats: Western ones, then those of East Asian editions. */
const BUILT_IN_DATES = [
  [14, 17],
  [22, 22],
  [27, 31],
  [36, 36],
  [50, 54],
  [57, 58],
] as const;

/** How many digits of a number a spreadsheet shows, and keeps of a typed number. */
const SHOWN_DIGITS = 15;

/** Significant digits that identify any double exactly. */
const EXACT_DIGITS = 17;

/** From here on, a number in a scientific format may be an identifier that lost its last digits. */
const IDENTIFIER_MIN = 10_000_000;

/**
 * A number of a workbook as text, or undefined if it is not a number.
 *
 * A whole number below 2^53 is printed with all its digits, even if the file writes it with an exponent
 * (`9.78043902348E12` is 9780439023480). A number whose digits are not all known is printed with an
 * exponent, so that an identifier column can refuse it. That is a number
 * - from 2^53 on,
 * - that the file wrote with too few digits, or
 * - that ends in zeros and has a scientific format: spreadsheets use that format when they read text
 *   with an exponent, such as a rounded ISBN in a CSV file.
 */
export function numberText(
  raw: string,
  style: NumberStyle,
  starts1904: boolean,
): string | undefined {
  if (style.kind === 'plain' && isShortPlainInteger(raw)) return raw;
  const value = readDouble(raw);
  if (value === undefined) return undefined;
  if (style.kind === 'date') {
    const date = dateOfSerial(value, starts1904);
    if (date !== undefined) return date;
  }
  if (!Number.isInteger(value)) return fractionText(value);
  if (!Number.isSafeInteger(value)) return value.toExponential();
  if (!isExact(raw, value)) return raw.trim();
  if (style.kind === 'scientific' && Math.abs(value) >= IDENTIFIER_MIN && value % 10 === 0)
    return value.toExponential();
  const digits = String(value);
  return style.kind === 'padded' && value >= 0 ? digits.padStart(style.width, '0') : digits;
}

/** The fast path for the common case: only digits, below 2^53, no leading zero. */
function isShortPlainInteger(raw: string): boolean {
  if (raw.length === 0 || raw.length > SHOWN_DIGITS) return false;
  for (let i = 0; i < raw.length; i += 1) {
    const code = raw.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return raw.length === 1 || raw.charCodeAt(0) !== 0x30;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function readDouble(raw: string): number | undefined {
  const text = raw.trim();
  if (text.length > NUMBER_CHARACTERS_MAX || !NUMBER.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const NUMBER_CHARACTERS_MAX = 400;

/**
 * Whether the text gives all digits of the double: it has no exponent, or no more significant digits
 * than the double's shortest form, or at least 17. A writer that prints `%e` gives both `9.780439e+12`
 * and `9.780440e+12` seven digits; the trailing zero of the second shows that it was rounded.
 */
function isExact(raw: string, value: number): boolean {
  const mantissa = /^[+-]?([\d.]+)e/i.exec(raw.trim())?.[1];
  if (mantissa === undefined) return true;
  const digits = significantDigits(mantissa.replace(/\.0$/, ''));
  return digits >= EXACT_DIGITS || digits <= significantDigits(mantissaOf(value));
}

function mantissaOf(value: number): string {
  return Math.abs(value).toExponential().split('e')[0] ?? '';
}

function significantDigits(mantissa: string): number {
  return mantissa.replace('.', '').replace(/^0+/, '').length;
}

/** A fraction as a spreadsheet shows it: 1.1000000000000001 is 1.1. */
function fractionText(value: number): string {
  return String(Number(value.toPrecision(SHOWN_DIGITS)));
}

/** Day 60 is 29 February 1900, which never existed; later days are counted as if it had. */
const PHANTOM_DAY = 60;

/** The day after 9999-12-31, counted from 1900. */
const DAYS_END = 2_958_466;

const DAYS_FROM_1900_TO_1904 = 1462;

/** The date (yyyy-mm-dd) of a spreadsheet's serial number, without its time of day. */
export function dateOfSerial(serial: number, starts1904: boolean): string | undefined {
  const day = Math.floor(serial) + (starts1904 ? DAYS_FROM_1900_TO_1904 : 0);
  if (day < 1 || day >= DAYS_END || day === PHANTOM_DAY) return undefined;
  return calendarDate(day < PHANTOM_DAY ? day + 1 : day);
}

/** Days from 0000-03-01 to 1899-12-30. Years start in March, so that a leap day is a year's last day. */
const DAYS_BEFORE_1900 = 693_899;
const DAYS_OF_400_YEARS = 146_097;

/** The date that is `days` after 1899-12-30. Faster than `Date`, which matters for millions of cells. */
function calendarDate(days: number): string {
  const since = days + DAYS_BEFORE_1900;
  const era = Math.floor(since / DAYS_OF_400_YEARS);
  const dayOfEra = since - era * DAYS_OF_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - 365 * yearOfEra - leapDays;
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = 400 * era + yearOfEra + (month <= 2 ? 1 : 0);
  return `${year}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
}
