/**
 * The texts of lines on their way between threads. Texts are copied, unlike columns of numbers, so they are sent in
 * slices: a thread that answers requests does so between them.
 */
import type { LineRefusal, Lines } from './lines.ts';

/** The members of `Lines` that hold texts. */
export type TextMembers = Pick<Lines, 'skuIds' | 'skuIdCandidates' | 'asSent' | 'refusals'>;

/** The texts of some lines, which follow those of the slice before. */
export interface TextSlice {
  readonly skuIds: Lines['skuIds'];
  /** Null if it is null for each of the lines. */
  readonly asSent: Lines['asSent'] | null;
  /** By index among all lines. */
  readonly refusals: readonly (readonly [index: number, refusal: LineRefusal])[];
  /** By index among all lines. */
  readonly skuIdCandidates: readonly (readonly [index: number, skuIds: readonly string[]])[];
}

/** Lines whose texts are copied without a pause: a millisecond of work. */
export const TEXT_SLICE_LINES = 2000;

/** The texts in slices; the last, perhaps the only one, is the return value. */
export function* textSlices({
  skuIds,
  skuIdCandidates,
  asSent,
  refusals,
}: TextMembers): Generator<TextSlice, TextSlice> {
  const slice = (from: number, to: number): TextSlice => {
    const sent = asSent.slice(from, to);
    return {
      skuIds: skuIds.slice(from, to),
      asSent: sent.some((text) => text !== null) ? sent : null,
      refusals: [...entriesOf(refusals, from, to)],
      skuIdCandidates: skuIdCandidates === null ? [] : [...entriesOf(skuIdCandidates, from, to)],
    };
  };
  let from = 0;
  for (; from + TEXT_SLICE_LINES < skuIds.length; from += TEXT_SLICE_LINES)
    yield slice(from, from + TEXT_SLICE_LINES);
  return slice(from, skuIds.length);
}

/** The values of the lines from `from` to before `to`. */
export function* entriesOf<Value>(
  values: ReadonlyMap<number, Value>,
  from: number,
  to: number,
): Generator<readonly [index: number, Value]> {
  if (values.size === 0) return;
  for (let i = from; i < to; i += 1) {
    const value = values.get(i);
    if (value !== undefined) yield [i, value];
  }
}

/** Joins slices again. */
export class TextReceiver {
  #skuIds: (string | null)[] = [];
  #asSent: (string | null)[] = [];
  #refusals = new Map<number, LineRefusal>();
  #skuIdCandidates = new Map<number, readonly string[]>();

  add({ skuIds, skuIdCandidates, asSent, refusals }: TextSlice): void {
    for (const skuId of skuIds) this.#skuIds.push(skuId);
    for (let i = 0; i < skuIds.length; i += 1) this.#asSent.push(asSent?.[i] ?? null);
    for (const [index, refusal] of refusals) this.#refusals.set(index, refusal);
    for (const [index, texts] of skuIdCandidates) this.#skuIdCandidates.set(index, texts);
  }

  /** Returns the texts of the lines that were received, and forgets them. */
  take(): TextMembers {
    const texts = {
      skuIds: this.#skuIds,
      skuIdCandidates: this.#skuIdCandidates.size === 0 ? null : this.#skuIdCandidates,
      asSent: this.#asSent,
      refusals: this.#refusals,
    };
    this.#skuIds = [];
    this.#asSent = [];
    this.#refusals = new Map();
    this.#skuIdCandidates = new Map();
    return texts;
  }
}
