import { readDate } from '../domain/inventory.ts';
import { quoteValue, notAllowed } from './validation-messages.ts';

const RFC_3339 =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/;

/**
 * Reads an RFC 3339 timestamp with `Z` or an offset as microseconds since 1970-01-01T00:00Z; undefined if it
 * is none. Digits beyond microseconds are cut. A leap second is read as the second after it.
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

/** Prints microseconds since 1970-01-01T00:00Z as ISO 8601 in UTC, with microseconds. */
export function printTimeUs(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const digits = String(timeUs - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${digits}Z`);
}

/** Prints milliseconds since 1970-01-01T00:00Z as `printTimeUs` does. */
export function printTime(timeMs: number): string {
  return printTimeUs(timeMs * 1000);
}

/** How the report timestamps of a request are read. */
export interface AsOfOptions {
  /** When the request arrived, in milliseconds since 1970-01-01T00:00Z. */
  readonly nowMs: number;
  /** How far in the future a timestamp may be. */
  readonly asOfToleranceSeconds: number;
  /** The timestamp of lines without their own. */
  readonly asOfUs: number | undefined;
}

/**
 * Reads a report's timestamp as microseconds since 1970-01-01T00:00Z, or returns an error message that calls
 * it `what`.
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

/** How messages say what a timestamp looks like. */
export const TIME_ALLOWED = 'a time with an offset or Z, such as "2026-11-23T16:21:19Z"';
