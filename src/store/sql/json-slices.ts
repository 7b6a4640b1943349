import { setImmediate as nextTurn } from 'node:timers/promises';

/** How much JSON is parsed without a pause: some milliseconds of work. */
const SLICE_BYTES = 128 * 1024;

/**
 * Parses a long JSON array of a known form in slices; other requests get a turn between them.
 *
 * @param boundary two texts that meet only between two elements: the end of one, and the comma and start of the next.
 *   A text in the array cannot contain a quote that is not escaped.
 * @yields some of the elements, in order
 */
export async function* parseInSlices(
  json: Uint8Array,
  [end, start]: readonly [string, string],
): AsyncGenerator {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  for (let from = 1; from < bytes.length;) {
    const found = bytes.indexOf(end + start, from + SLICE_BYTES);
    const to = found < 0 ? bytes.length - 1 : found + end.length;
    yield JSON.parse(`[${bytes.toString('utf8', from, to)}]`);
    from = to + 1;
    if (from < bytes.length) await nextTurn();
  }
}
