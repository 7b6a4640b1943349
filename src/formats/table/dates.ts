import { printDate, readDate } from '../../domain/inventory.ts';
import { folded } from '../language.ts';
import { isPlaceholder, withoutApostrophe } from './blanks.ts';

/** How a date such as 03/04/2027 is read; null if that was not said. */
export type DateOrder = 'day_first' | 'month_first' | null;

/** The number yyyymmdd, nothing (the cell stands for no date), or why the date cannot be read. */
export type DateReading =
  { readonly date: number } | { readonly isPlaceholder: true } | { readonly refusal: string };

/**
 * Reads a date as suppliers write it. Its time of day and time zone, if it has them, are ignored. A date that
 * can be read in two ways is refused with both, unless `order` decides.
 */
export function readDateCell(cell: string, order: DateOrder): DateReading {
  const text = withoutApostrophe(cell);
  if (isPlaceholder(text)) return { isPlaceholder: true };
  const dated = text.length > DATE_LENGTH_MAX ? undefined : (TIMED.exec(text)?.[1] ?? text);
  if (dated === undefined) return refused('is not a calendar date');
  const parts = YEAR_FIRST.exec(dated) ?? COMPACT.exec(dated);
  if (parts !== null) return calendarDate(parts[1], parts[2], parts[3]);
  const dotted = DOTTED.exec(dated);
  if (dotted !== null) return inDottedOrder(dotted, order);
  const slashed = SLASHED.exec(dated);
  if (slashed !== null) return inEitherOrder(slashed, order);
  return namedMonth(dated) ?? refused(`is not a calendar date${hintOf(text)}`);
}

/** Dates that programs write for none: their day zero, and the last day that there is. */
const NO_DATES: ReadonlySet<number> = new Set([
  10101, 18991230, 18991231, 19000100, 19000101, 19700101, 99991231,
]);

const DATE_LENGTH_MAX = 40;

/** A date, and a time of day behind it. */
const TIMED =
  /^(.+?)(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$/;
const YEAR_FIRST = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/;
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/;
const DOTTED = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})$/;
const SLASHED = /^(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})$/;

/** Where dots separate the parts of a date, the day comes first. */
function inDottedOrder(parts: RegExpExecArray, order: DateOrder): DateReading {
  const dayFirst = inEitherOrder(parts, order ?? 'day_first');
  return 'date' in dayFirst || order !== null ? dayFirst : inEitherOrder(parts, 'month_first');
}

function inEitherOrder(parts: RegExpExecArray, order: DateOrder): DateReading {
  const [whole, first, second, year] = parts;
  const dayFirst = calendarDate(year, second, first);
  const monthFirst = calendarDate(year, first, second);
  const yearFirst = inYearFirst(whole, dayFirst, monthFirst);
  if (yearFirst !== undefined && order === null) return yearFirst;
  if (order !== null) return order === 'day_first' ? dayFirst : monthFirst;
  if (!('date' in dayFirst)) return monthFirst;
  if (!('date' in monthFirst) || dayFirst.date === monthFirst.date) return dayFirst;
  return refused(
    `may be ${printDate(dayFirst.date)} or ${printDate(monthFirst.date)}; send dates=day_first or dates=month_first`,
  );
}

/**
 * A date of two digits each, such as 27-01-15, in which the year may as well come first. Undefined if it cannot, or if only
 * that would be long ago.
 */
function inYearFirst(text: string, ...others: readonly DateReading[]): DateReading | undefined {
  const [, year, month, day] = /^(\d\d)-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const yearFirst = calendarDate(year, month, day);
  if (!('date' in yearFirst) || yearFirst.date < LONG_AGO) return undefined;
  const recent = others.flatMap((other) =>
    'date' in other && other.date >= LONG_AGO && other.date !== yearFirst.date ? [other.date] : [],
  );
  const [other] = recent;
  if (other === undefined) return yearFirst;
  return refused(
    `may be ${printDate(yearFirst.date)} or ${printDate(other)}; write yyyy-mm-dd, or send dates=day_first or dates=month_first`,
  );
}

/** No stock is expected before 2020. */
const LONG_AGO = 20200101;

/** A date with the name of its month, such as `15 Jan 2027`, `Jan 15, 2027` or `15-Jan-27`. */
function namedMonth(text: string): DateReading | undefined {
  const words = folded(text)
    .split(/[\s,./-]+/)
    .filter((word) => word !== '' && word !== 'de');
  if (words.length !== 3) return undefined;
  const place = words.findIndex((word) => /^[a-z]{3,}$/.test(word));
  const month = MONTHS.findIndex((names) => names.test(words[place] ?? ''));
  const [first = '', last = ''] = words.filter((_, i) => i !== place);
  if (
    month < 0 ||
    place > 1 ||
    !/^\d{1,2}(?:st|nd|rd|th)?$/.test(first) ||
    !/^(?:\d{2}|\d{4})$/.test(last)
  )
    return undefined;
  return calendarDate(last, String(month + 1), first.replace(/[a-z]+$/, ''));
}

/** The names of months in all languages, whole or cut after three letters or more. */
const MONTHS = [
  /^(?:jan|januar[iy]?|janvier|janv|januari|janeiro|enero|ene|gennaio|gen|styczen|stycznia|sty)$/,
  /^(?:feb|febr|februar[iy]?|fevrier|fevr|fev|fevereiro|febrero|febbraio|luty|lutego|lut)$/,
  /^(?:mar|march|marz|marts?|mars|marzo|marco|maart|mrt|marzec|marca|maerz)$/,
  /^(?:apr|april|avril|avr|abril|abr|aprile|kwiecien|kwietnia|kwi)$/,
  /^(?:may|mai|maj|mayo|maio|mag|maggio|mei|maja)$/,
  /^(?:jun|june|juni|juin|junio|junho|giu|giugno|czerwiec|czerwca|cze)$/,
  /^(?:jul|july|juli|juillet|juil|julio|julho|lug|luglio|lipiec|lipca|lip)$/,
  /^(?:aug|august|augusti|augustus|aout|ago|agosto|sierpien|sierpnia|sie)$/,
  /^(?:sep|sept|september|septembre|septiembre|set|setembro|settembre|sett|wrzesien|wrzesnia|wrz)$/,
  /^(?:oct|october|okt|oktober|octobre|octubre|out|outubro|ott|ottobre|pazdziernik|pazdziernika|paz)$/,
  /^(?:nov|november|novembre|noviembre|novembro|listopad|listopada|lis)$/,
  /^(?:dec|december|dez|dezember|decembre|dic|diciembre|dezembro|dicembre|grudzien|grudnia|gru)$/,
] as const;

function calendarDate(year = '', month = '', day = ''): DateReading {
  const whole = year.length === 2 ? `20${year}` : year;
  const date = readDate(`${whole}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`);
  if (date === undefined) return refused('is not a calendar date; there is no such day');
  return NO_DATES.has(date) ? { isPlaceholder: true } : { date };
}

/** A day of this century, counted as spreadsheets do. */
const SERIAL = /^[34567]\d{4}(?:\.0+)?$/;

function hintOf(text: string): string {
  return SERIAL.test(text)
    ? "; it looks like a spreadsheet's number of a day, so format the column as a date"
    : '; write yyyy-mm-dd, or NULL';
}

function refused(refusal: string): DateReading {
  return { refusal };
}
