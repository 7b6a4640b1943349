import { OnhandError } from '../domain/errors.ts';
import { LinesBuilder, type LineDraft, type Lines } from '../domain/lines.ts';
import type { FeedRow } from '../formats/rows.ts';

/** Most lines of a feed that are applied in one transaction. */
export const CHUNK_LINES_MAX = 10_000;

/**
 * Of when the lines are that do not say, in microseconds since 1970-01-01T00:00Z, or null; asked once rows
 * have come, since the file may say it.
 */
type AsOf = () => number | null;

/**
 * Cuts the rows of a feed into pieces, the same ones each time it is read. A group is never cut; throws
 * `body_shape_wrong` where one is larger than a piece. Of a row no more than its line is held.
 */
export async function* chunksOf(
  rows: AsyncIterable<readonly FeedRow[]>,
  asOf: AsOf,
): AsyncGenerator<Lines> {
  const cutter = new Cutter();
  for await (const some of rows) {
    const asOfUs = asOf();
    for (const { row, line } of some) cutter.add(dated(line, asOfUs), row);
    yield* cutter.take();
  }
  yield* cutter.end();
}

class Cutter {
  #piece = new LinesBuilder(CHUNK_LINES_MAX);
  #full: Lines[] = [];
  /** The lines of the group that has not ended yet. */
  #group: LineDraft[] = [];

  add(line: LineDraft, row: number): void {
    const [first] = this.#group;
    if (first !== undefined && line.group === first.group) {
      this.#group.push(line);
      if (this.#group.length > CHUNK_LINES_MAX) throw tooLargeGroup(row);
      return;
    }
    if (first !== undefined) this.#endGroup();
    if (line.group !== undefined) {
      this.#group.push(line);
      return;
    }
    this.#makeRoom(1);
    this.#piece.add(line);
  }

  /** The pieces that are full, once. */
  take(): readonly Lines[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The pieces that are left. */
  end(): readonly Lines[] {
    this.#endGroup();
    if (this.#piece.count > 0) this.#full.push(this.#piece.build());
    return this.take();
  }

  #endGroup(): void {
    this.#makeRoom(this.#group.length);
    for (const line of this.#group) this.#piece.add(line);
    this.#group = [];
  }

  #makeRoom(count: number): void {
    if (this.#piece.count + count <= CHUNK_LINES_MAX) return;
    this.#full.push(this.#piece.build());
    this.#piece = new LinesBuilder(CHUNK_LINES_MAX);
  }
}

function tooLargeGroup(row: number): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The group that goes on in number ${row} has more than ${CHUNK_LINES_MAX} lines; make smaller groups.`,
  );
}

/** All rows of a feed, which is applied as one batch. Throws `too_many_lines` where there are more. */
export async function wholeOf(
  rows: AsyncIterable<readonly FeedRow[]>,
  asOf: AsOf,
  linesMax: number,
): Promise<Lines> {
  const whole = new LinesBuilder(linesMax);
  for await (const some of rows) {
    if (whole.count + some.length > linesMax) throw tooMany(linesMax);
    const asOfUs = asOf();
    for (const { line } of some) whole.add(dated(line, asOfUs));
  }
  return whole.build();
}

function tooMany(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `This file must be judged as a whole (as a snapshot, as atomic, or by the supplier's own breaker), and is then read up to ${linesMax} rows; it has more. Nothing was applied.`,
  );
}

function dated(line: LineDraft, asOfUs: number | null): LineDraft {
  const isDated = asOfUs === null || line.asOfUs !== undefined || line.refusal !== undefined;
  return isDated ? line : { ...line, asOfUs };
}
