/** How far behind UTC clocks may be: a file does not say in which zone its date is. */
const ZONE_MS = 12 * 3_600_000;

/**
 * Of when a file says that it is (`ccyymmdd`, or with `hhmm` behind it), in microseconds since
 * 1970-01-01T00:00Z: the latest instant that this may mean anywhere on Earth, and never later than its
 * upload. Null where it says nothing.
 */
export function asOfOfFile(dated: string | null, uploadedAtMs: number): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d))?$/.exec(dated ?? '');
  if (parts === null) return null;
  const [, year, month, day, hour = '24', minute = '00'] = parts;
  const atMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  return Math.min(atMs + ZONE_MS, uploadedAtMs) * 1000;
}
