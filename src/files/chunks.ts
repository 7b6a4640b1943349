import { OnhandError } from '../domain/errors.ts';
import { LinesBuilder, type LineDraft, type Lines } from '../domain/lines.ts';
import type { FileRow } from '../formats/format.ts';

/** Most lines of a chunk, which is applied in one transaction. */
export const CHUNK_LINES_MAX = 10_000;

/**
 * The timestamp of lines that have none, in microseconds since 1970-01-01T00:00Z, or null. It is called
 * after rows were read, since the file may state its date.
 */
type AsOf = () => number | null;

/**
 * Cuts the rows of a file into chunks, identically each time it is read. A group is never split. Rejects
 * with `body_shape_wrong` if a group is larger than a chunk.
 */
export async function* chunksOf(
  rows: AsyncIterable<readonly FileRow[]>,
  asOf: AsOf,
): AsyncGenerator<Lines> {
  const cutter = new ChunkCutter();
  for await (const array of rows) {
    const asOfUs = asOf();
    for (const { row, line } of array) cutter.add(dated(line, asOfUs), row);
    yield* cutter.take();
  }
  yield* cutter.end();
}

class ChunkCutter {
  #chunk = new LinesBuilder(CHUNK_LINES_MAX);
  #full: Lines[] = [];
  /** The lines of the current group, which may continue. */
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
    this.#chunk.add(line);
  }

  /** Returns the full chunks and forgets them. */
  take(): readonly Lines[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Returns the remaining chunks. */
  end(): readonly Lines[] {
    this.#endGroup();
    if (this.#chunk.count > 0) this.#full.push(this.#chunk.build());
    return this.take();
  }

  #endGroup(): void {
    this.#makeRoom(this.#group.length);
    for (const line of this.#group) this.#chunk.add(line);
    this.#group = [];
  }

  #makeRoom(count: number): void {
    if (this.#chunk.count + count <= CHUNK_LINES_MAX) return;
    this.#full.push(this.#chunk.build());
    this.#chunk = new LinesBuilder(CHUNK_LINES_MAX);
  }
}

function tooLargeGroup(row: number): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The group that continues in number ${row} has more than ${CHUNK_LINES_MAX} lines; send smaller groups.`,
  );
}

/** All lines of a file that is applied as one batch. Rejects with `too_many_lines` beyond `linesMax`. */
export async function wholeOf(
  rows: AsyncIterable<readonly FileRow[]>,
  asOf: AsOf,
  linesMax: number,
): Promise<Lines> {
  const whole = new LinesBuilder(linesMax);
  for await (const array of rows) {
    if (whole.count + array.length > linesMax) throw tooMany(linesMax);
    const asOfUs = asOf();
    for (const { line } of array) whole.add(dated(line, asOfUs));
  }
  return whole.build();
}

function tooMany(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `This file must be applied as one batch (as a snapshot, as atomic, or because of the supplier's own breaker), which may have at most ${linesMax} rows; it has more. Nothing was applied.`,
  );
}

function dated(line: LineDraft, asOfUs: number | null): LineDraft {
  const isDated = asOfUs === null || line.asOfUs !== undefined || line.refusal !== undefined;
  return isDated ? line : { ...line, asOfUs };
}
