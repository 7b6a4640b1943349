/**
 * The texts of lines on their way between threads. Texts are copied, unlike columns of numbers, so they are sent in
 * slices: a thread that answers requests does so between them.
 */
import type { LineRefusal, Lines } from './lines.ts';

/** The members of `Lines` that hold texts. */
export type TextMembers = Pick<Lines, 'skuIds' | 'asSent' | 'refusals'>;

/** The texts of some lines, which follow those of the slice before. */
export interface TextSlice {
  readonly skuIds: Lines['skuIds'];
  /** Null if it is null for each of the lines. */
  readonly asSent: Lines['asSent'] | null;
  /** By index among all lines. */
  readonly refusals: readonly (readonly [index: number, refusal: LineRefusal])[];
}

/** Lines whose texts are copied without a pause: a millisecond of work. */
export const TEXT_SLICE_LINES = 2000;

/** The texts in slices; the last, perhaps the only one, is the return value. */
export function* textSlices({
  skuIds,
  asSent,
  refusals,
}: TextMembers): Generator<TextSlice, TextSlice> {
  const slice = (from: number, to: number): TextSlice => {
    const sent = asSent.slice(from, to);
    return {
      skuIds: skuIds.slice(from, to),
      asSent: sent.some((text) => text !== null) ? sent : null,
      refusals: [...refusalsOf(refusals, from, to)],
    };
  };
  let from = 0;
  for (; from + TEXT_SLICE_LINES < skuIds.length; from += TEXT_SLICE_LINES)
    yield slice(from, from + TEXT_SLICE_LINES);
  return slice(from, skuIds.length);
}

/** The refusals of the lines from `from` to before `to`. */
export function* refusalsOf(
  refusals: Lines['refusals'],
  from: number,
  to: number,
): Generator<readonly [index: number, refusal: LineRefusal]> {
  if (refusals.size === 0) return;
  for (let i = from; i < to; i += 1) {
    const refusal = refusals.get(i);
    if (refusal !== undefined) yield [i, refusal];
  }
}

/** Joins slices again. */
export class TextReceiver {
  #slices: TextSlice[] = [];

  add(slice: TextSlice): void {
    this.#slices.push(slice);
  }

  /** Returns the texts of the lines that were received, and forgets them. */
  take(): TextMembers {
    const slices = this.#slices;
    this.#slices = [];
    // In a tenth of the time of `flatMap`, or of adding one text after another.
    const none: (string | null)[] = [];
    return {
      skuIds: none.concat(...slices.map(({ skuIds }) => skuIds)),
      asSent: none.concat(
        ...slices.map(({ skuIds, asSent }) => asSent ?? Array<null>(skuIds.length).fill(null)),
      ),
      refusals: new Map(slices.flatMap(({ refusals }) => refusals)),
    };
  }
}
