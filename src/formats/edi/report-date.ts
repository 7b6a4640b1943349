/** The date of an EDI report, which says how old its quantities are. */
import { OnhandError } from '../../domain/errors.ts';
import { readDate } from '../../domain/inventory.ts';
import { quoted } from '../format.ts';

/** Reads `20270131` as the number yyyymmdd; undefined if there is no such day. */
export function readCompactDate(text: string): number | undefined {
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(text);
  return parts === null ? undefined : readDate(parts.slice(1).join('-'));
}

/** Keeps the date of a file: in the first message that has dates, the one with the lowest rank. */
export class ReportDate {
  #kept: { readonly message: number; readonly rank: number; readonly text: string } | null = null;

  /** `ccyymmdd`, then its time; as written if it cannot be read. Null if there is none so far. */
  get text(): string | null {
    return this.#kept?.text ?? null;
  }

  /** @param message the number of the open message */
  add(message: number, rank: number, text: string): void {
    const kept = this.#kept;
    if (kept !== null && (kept.message !== message || kept.rank <= rank)) return;
    this.#kept = { message, rank, text };
  }
}

/** How far behind UTC a clock may be, since a file does not state its time zone. */
const ZONE_MS = 12 * 3_600_000;

/** `ccyymmdd`, then `hhmm` and `ss` if there is a time. Fractions of a second are dropped. */
const WRITTEN = /^([0-9]{8})(?:([0-9]{2})([0-9]{2})([0-9]{2})?[0-9]{0,2})?$/;

/**
 * The timestamp of a date in a file (`ccyymmdd`, `ccyymmddhhmm` or `ccyymmddhhmmss`), in microseconds since
 * 1970-01-01T00:00Z: the latest instant that it can mean in any time zone, but not later than the upload.
 * Null if there is no date. Throws `body_malformed` if the date cannot be read, since the report may be old.
 */
export function asOfOfFile(dated: string | null, uploadedAtMs: number): number | null {
  if (dated === null) return null;
  const [, day = '', hour = '24', minute = '00', second = '00'] = WRITTEN.exec(dated) ?? [];
  const date = readCompactDate(day);
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  if (date === undefined || seconds > 86_400 || Number(minute) > 59 || Number(second) > 59)
    throw unreadable(dated);
  const midnight = Date.UTC(
    Math.floor(date / 10_000),
    (Math.floor(date / 100) % 100) - 1,
    date % 100,
  );
  return Math.min(midnight + seconds * 1000 + ZONE_MS, uploadedAtMs) * 1000;
}

function unreadable(dated: string): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The date of the report, ${quoted(dated)}, cannot be read, so the report may be out of date; write a ` +
      'calendar date as ccyymmdd and a time as hhmm or hhmmss, or upload the file with the header As-Of.',
  );
}
