import { Session, type Profiler } from 'node:inspector';
import { SOURCES } from './sources.ts';

/** For each function, which of its characters have run. */
type Seen = Map<string, Uint8Array>;

/** What ran since the last call: ranges of characters, by function. */
export type Covered = ReadonlyMap<string, readonly (readonly [from: number, to: number])[]>;

/**
 * Which code of the readers has run, by V8's own block coverage. Start it before the readers are loaded: functions
 * that were compiled before are counted as a whole.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen: Seen = new Map();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last call. Takes some milliseconds. */
  take(): Covered {
    const covered = new Map<string, readonly (readonly [number, number])[]>();
    for (const { url, functions } of this.#scripts()) {
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        covered.set(`${url}:${whole.startOffset}:${whole.endOffset}`, runRanges(ranges));
      }
    }
    return covered;
  }

  #scripts(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    // The callback is called before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      taken = result;
    });
    return taken.filter(({ url }) => url.startsWith(SOURCES));
  }

  /** Whether some of this has not been seen before. */
  isNew(covered: Covered): boolean {
    return Iterator.from(covered).some(([name, ranges]) => {
      const seen = this.#seen.get(name);
      return seen === undefined || ranges.some(([from, to]) => seen.subarray(from, to).includes(0));
    });
  }

  /** Marks this as seen. */
  add(covered: Covered): void {
    for (const [name, ranges] of covered) {
      const [, from, to] = /:(\d+):(\d+)$/.exec(name) ?? [];
      const seen = this.#seen.get(name) ?? new Uint8Array(Number(to) - Number(from));
      for (const [begin, end] of ranges) seen.fill(1, begin, end);
      this.#seen.set(name, seen);
    }
  }

  /** Forgets what was seen. */
  forget(): void {
    this.#seen.clear();
  }

  /** How many characters of code have run. */
  get size(): number {
    let size = 0;
    for (const seen of this.#seen.values()) for (const one of seen) size += one;
    return size;
  }

  stop(): void {
    this.#session.disconnect();
  }
}

/** The parts of a function that ran, relative to its beginning. A range that is nested in another one overrides it. */
function runRanges(
  ranges: readonly Profiler.CoverageRange[],
): readonly (readonly [number, number])[] {
  const [whole] = ranges;
  if (whole === undefined) return [];
  const start = whole.startOffset;
  const points = [
    ...new Set(ranges.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset])),
  ]
    .map((offset) => offset - start)
    .toSorted((a, b) => a - b);
  const ran: (readonly [number, number])[] = [];
  for (const [i, from] of points.entries()) {
    const to = points[i + 1];
    if (to === undefined) break;
    // Ranges come in pre-order: the last one around a place is the innermost.
    const inner = ranges.findLast(
      ({ startOffset, endOffset }) => startOffset - start <= from && endOffset - start >= to,
    );
    if (inner !== undefined && inner.count > 0) ran.push([from, to]);
  }
  return ran;
}
