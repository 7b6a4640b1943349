/**
 * Compact sets of positive integers, used for the SKUs that a batch confirmed. A full catalogue that is sent
 * again is a single run and takes a few bytes.
 *
 * The encoding is a list of runs in ascending order. Each run is two LEB128 numbers: the gap after the end of
 * the previous run, and the run's length minus one.
 */

/** @param numbers without duplicates, in any order */
export function encodeNumberSet(numbers: readonly number[]): Uint8Array {
  const sorted = Float64Array.from(numbers).sort();
  const bytes: number[] = [];
  let end = 0;
  for (let i = 0; i < sorted.length;) {
    const begin = sorted[i] ?? 0;
    let length = 1;
    while (sorted[i + length] === begin + length) length += 1;
    writeNumber(bytes, begin - end);
    writeNumber(bytes, length - 1);
    end = begin + length;
    i += length;
  }
  return Uint8Array.from(bytes);
}

/** The runs of a set, in ascending order. */
export function* decodeRuns(
  bytes: Uint8Array,
): Generator<readonly [begin: number, length: number], void, undefined> {
  let at = 0;
  let end = 0;
  const readNumber = (): number => {
    let [number, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) throw new RangeError('the set of numbers is cut short');
      at += 1;
      number += (byte & 0x7f) * scale;
      if (byte < 0x80) return number;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const begin = end + readNumber();
    const length = readNumber() + 1;
    end = begin + length;
    yield [begin, length];
  }
}

function writeNumber(bytes: number[], number: number): void {
  let rest = number;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** Adds the `candidates` that are in the set to `found`. */
export function addMembers(
  bytes: Uint8Array,
  candidates: ReadonlySet<number>,
  found: Set<number>,
): void {
  for (const [begin, length] of decodeRuns(bytes)) {
    if (length > candidates.size) {
      for (const number of candidates) {
        if (number >= begin && number < begin + length) found.add(number);
      }
      continue;
    }
    for (let number = begin; number < begin + length; number += 1) {
      if (candidates.has(number)) found.add(number);
    }
  }
}
