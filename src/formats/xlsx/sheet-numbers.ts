import type { NumberStyle } from './number-formats.ts';

/** Digits that a spreadsheet shows of a number, and takes of one that is typed. */
const SHOWN_DIGITS = 15;

/** Significant digits that tell any double from its neighbours. */
const TELLING_DIGITS = 17;

/** From here on a number under a scientific format may be an identifier that lost its last digits. */
const IDENTIFIER_MIN = 10_000_000;

/**
 * A number of a workbook as text, or undefined where it is no number.
 *
 * A whole number below 2^53 is given with all its digits, whatever way the file writes it: the file
 * holds the number itself, and `9.78043902348E12` is but another program's way to write
 * 9780439023480. A number whose digits are not all known is given with an exponent, so that whoever
 * needs them all can tell: from 2^53 on; where the file cut it to fewer digits than tell it from its
 * neighbours; and where it ends in zeros under a scientific format, which spreadsheets give to what
 * they read from a text with an exponent, such as a rounded ISBN of a CSV.
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

/** The common case: digits alone, few enough to be below 2^53, the first of them not a zero. */
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
 * Whether the text gives the double itself, rather than a few of its digits: it has no exponent, or as
 * many significant digits as the double's shortest form, or so many that none can be missing. `%e` of
 * a careless writer gives `9.780439e+12` and `9.780440e+12` alike seven digits: the zero at the end of
 * the second betrays it.
 */
function isExact(raw: string, value: number): boolean {
  const mantissa = /^[+-]?([\d.]+)e/i.exec(raw.trim())?.[1];
  if (mantissa === undefined) return true;
  const digits = significantDigits(mantissa.replace(/\.0$/, ''));
  return digits >= TELLING_DIGITS || digits <= significantDigits(mantissaOf(value));
}

function mantissaOf(value: number): string {
  return Math.abs(value).toExponential().split('e')[0] ?? '';
}

function significantDigits(mantissa: string): number {
  return mantissa.replace('.', '').replace(/^0+/, '').length;
}

/** A fraction as the spreadsheet shows it: 1.1000000000000001 is 1.1. */
function fractionText(value: number): string {
  return String(Number(value.toPrecision(SHOWN_DIGITS)));
}

/** Day 60 is 29 February 1900, which never was; the days after it are counted with it. */
const PHANTOM_DAY = 60;

/** One past 9999-12-31, in the system that starts in 1900. */
const DAYS_END = 2_958_466;

const DAYS_FROM_1900_TO_1904 = 1462;

/** The calendar day of a serial number, its time of day left out: yyyy-mm-dd. */
export function dateOfSerial(serial: number, starts1904: boolean): string | undefined {
  const day = Math.floor(serial) + (starts1904 ? DAYS_FROM_1900_TO_1904 : 0);
  if (day < 1 || day >= DAYS_END || day === PHANTOM_DAY) return undefined;
  return calendarDate(day < PHANTOM_DAY ? day + 1 : day);
}

/** Days from 0000-03-01 to 1899-12-30. Years are counted from March, so that leap days end them. */
const DAYS_BEFORE_1900 = 693_899;
const DAYS_OF_400_YEARS = 146_097;

/** The date that is so many days after 1899-12-30. Faster than `Date`, which matters by the million. */
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
