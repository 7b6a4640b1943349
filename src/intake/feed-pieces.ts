import { OnhandError } from '../domain/errors.ts';
import { LinesBuilder, type Lines } from '../domain/lines.ts';
import type { FeedRow } from '../feeds/rows.ts';

/** Most lines of a feed that are applied in one transaction. */
export const PIECE_LINES_MAX = 10_000;

/**
 * Cuts the rows of a feed into pieces, the same ones each time it is read. A group is never cut; throws
 * `body_shape_wrong` where one is larger than a piece.
 */
export async function* piecesOf(
  rows: AsyncIterable<readonly FeedRow[]>,
): AsyncGenerator<readonly FeedRow[]> {
  let waiting: FeedRow[] = [];
  for await (const some of rows) {
    waiting = waiting.concat(some);
    while (waiting.length > PIECE_LINES_MAX) {
      const end = endOfPiece(waiting);
      yield waiting.slice(0, end);
      waiting = waiting.slice(end);
    }
  }
  if (waiting.length > 0) yield waiting;
}

function endOfPiece(rows: readonly FeedRow[]): number {
  for (let end = PIECE_LINES_MAX; end > 0; end -= 1) {
    const next = rows[end]?.line.group;
    if (next === undefined || next !== rows[end - 1]?.line.group) return end;
  }
  throw new OnhandError(
    'body_shape_wrong',
    `The group that begins in number ${rows[0]?.row ?? 0} has more than ${PIECE_LINES_MAX} lines; make smaller groups.`,
  );
}

/** All rows of a feed, which is applied as one batch. Throws `too_many_lines` where there are more. */
export async function wholeOf(
  rows: AsyncIterable<readonly FeedRow[]>,
  linesMax: number,
): Promise<readonly FeedRow[]> {
  const all: FeedRow[] = [];
  for await (const some of rows) {
    if (all.length + some.length > linesMax) throw tooMany(linesMax);
    for (const row of some) all.push(row);
  }
  return all;
}

function tooMany(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `This file must be judged as a whole (as a snapshot, as atomic, or by the supplier's own breaker), and is then read up to ${linesMax} rows; it has more. Nothing was applied.`,
  );
}

/**
 * The lines of rows, in columns.
 *
 * @param asOfUs of when those are that do not say, in microseconds since 1970-01-01T00:00Z
 */
export function linesOf(rows: readonly FeedRow[], asOfUs: number | null): Lines {
  const builder = new LinesBuilder(rows.length);
  for (const { line } of rows) {
    const isDated = asOfUs === null || line.asOfUs !== undefined || line.refusal !== undefined;
    builder.add(isDated ? line : { ...line, asOfUs });
  }
  return builder.build();
}
