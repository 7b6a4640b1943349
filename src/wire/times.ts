import { readDate } from '../domain/inventory.ts';
import { quoteValue, notAllowed } from './validation-messages.ts';

const RFC_3339 =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/;

/**
 * Reads an instant written as RFC 3339 has it, with `Z` or an offset, as microseconds since
 * 1970-01-01T00:00Z; undefined where it is none. Digits behind the microseconds are cut; a leap second
 * is the second after it.
 */
export function readTimeUs(text: string): number | undefined {
  const parts = RFC_3339.exec(text);
  if (parts === null) return undefined;
  const [, day = '', hour, minute, second, fraction = '', sign, offsetHour = 0, offsetMinute = 0] =
    parts;
  const isTime = Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 60;
  const isOffset = Number(offsetHour) <= 23 && Number(offsetMinute) <= 59;
  if (!isTime || !isOffset || readDate(day) === undefined) return undefined;
  const offsetMinutes = Number(offsetHour) * 60 + Number(offsetMinute);
  const minutes = Number(hour) * 60 + Number(minute) - (sign === '-' ? -1 : 1) * offsetMinutes;
  const us = Number(fraction.slice(0, 6).padEnd(6, '0'));
  return Date.parse(day) * 1000 + (minutes * 60 + Number(second)) * 1_000_000 + us;
}

/** Writes microseconds since 1970-01-01T00:00Z as the API does: ISO 8601 in UTC, with microseconds. */
export function printTimeUs(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const digits = String(timeUs - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${digits}Z`);
}

/** The same of milliseconds. */
export function printTime(timeMs: number): string {
  return printTimeUs(timeMs * 1000);
}

/** How the times of a request's lines are read. */
export interface AsOfOptions {
  /** When the request came, in milliseconds since 1970-01-01T00:00Z. */
  readonly nowMs: number;
  /** How far ahead of that a time may lie. */
  readonly asOfToleranceSeconds: number;
  /** What holds for lines that do not say. */
  readonly asOfUs: number | undefined;
}

/**
 * Reads of when a report is, in microseconds since 1970-01-01T00:00Z; or gives the sentence that refuses
 * it, naming it as `what`.
 */
export function readAsOf(
  what: string,
  value: unknown,
  { nowMs, asOfToleranceSeconds }: Omit<AsOfOptions, 'asOfUs'>,
): number | string {
  const asOfUs = typeof value === 'string' ? readTimeUs(value) : undefined;
  if (asOfUs === undefined) return notAllowed(what, TIME_ALLOWED, value);
  if (asOfUs <= nowMs * 1000 + asOfToleranceSeconds * 1_000_000) return asOfUs;
  return `${what} ${quoteValue(value)} is more than ${asOfToleranceSeconds} seconds in the future.`;
}

const TIME_ALLOWED = 'a time with an offset or Z, such as "2026-11-23T16:21:19Z"';
