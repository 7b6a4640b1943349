import { OnhandError } from '../domain/errors.ts';
import { quoteValue } from './validation-messages.ts';
import { readTimeUs } from './times.ts';

/** A time as a parameter gives it (RFC 3339), in milliseconds, rounded down. Throws `parameter_invalid`. */
export function readTimeMs(name: string, text: string): number {
  const timeUs = readTimeUs(text);
  if (timeUs === undefined) {
    throw invalid(`${name} ${quoteValue(text)} is not a time such as 2026-01-31T12:00:00Z`);
  }
  return Math.floor(timeUs / 1000);
}

/** Uuids of a parameter: separated by commas, repeated, or both. Throws `parameter_invalid`. */
export function readUuids(values: readonly string[]): readonly string[] {
  const uuids = values.flatMap((value) => value.split(',')).map((uuid) => uuid.trim());
  const wrong = uuids.find((uuid) => !UUID.test(uuid));
  if (wrong !== undefined) throw invalid(`supplier_uuids: ${quoteValue(wrong)} is not a uuid`);
  return uuids.map((uuid) => uuid.toLowerCase());
}

export function invalid(what: string): OnhandError {
  return new OnhandError('parameter_invalid', `The query cannot be read: ${what}.`);
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
