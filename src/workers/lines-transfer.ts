/**
 * Sends lines from a worker to the main thread. Texts have to be copied there, so they come in slices between
 * which the main thread can do other work. Columns of numbers are moved at the end.
 */
import type { LineRefusal, Lines } from '../domain/lines.ts';
import { buffersIn } from './protocol.ts';
import { move } from './serve.ts';

/** The texts of some lines. */
interface LineTexts {
  readonly skuIds: Lines['skuIds'];
  /** Null if it is null for each of the lines. */
  readonly asSent: Lines['asSent'] | null;
  readonly refusals: readonly (readonly [index: number, refusal: LineRefusal])[];
  readonly skuIdCandidates: readonly (readonly [index: number, skuIds: readonly string[]])[];
}

/** The main thread's part. */
export interface LinesHost {
  texts(texts: LineTexts): Promise<void>;
}

/** What is not text. */
export type LineColumns = Omit<Lines, 'skuIds' | 'skuIdCandidates' | 'asSent' | 'refusals'>;

/** Lines whose texts are copied without a pause: some milliseconds of work. */
const SLICE_LINES = 5000;

/** Sends the texts of lines. Returns their columns, to be sent after them. */
export async function sendTexts(lines: Lines, host: LinesHost): Promise<LineColumns> {
  const { skuIds, skuIdCandidates, asSent, refusals, ...columns } = lines;
  const refused = new Slices(refusals);
  const candidates = new Slices(skuIdCandidates ?? []);
  for (let from = 0; from < lines.count; from += SLICE_LINES) {
    const to = from + SLICE_LINES;
    const sent = asSent.slice(from, to);
    await host.texts({
      skuIds: skuIds.slice(from, to),
      asSent: sent.some((text) => text !== null) ? sent : null,
      refusals: refused.takeUpTo(to),
      skuIdCandidates: candidates.takeUpTo(to),
    });
  }
  return columns;
}

/** Values by index, taken in order. */
class Slices<Value> {
  readonly #entries: readonly (readonly [index: number, Value])[];
  #taken = 0;

  constructor(values: Iterable<readonly [index: number, Value]>) {
    this.#entries = [...values].toSorted(([a], [b]) => a - b);
  }

  /** The entries that were not taken, up to an index (exclusive). */
  takeUpTo(index: number): readonly (readonly [index: number, Value])[] {
    const first = this.#taken;
    while ((this.#entries[this.#taken]?.[0] ?? index) < index) this.#taken += 1;
    return this.#entries.slice(first, this.#taken);
  }
}

/** Marks the buffers of the columns to be moved with `message`, which contains the columns. */
export function moveColumns<Message extends object>(
  message: Message,
  { gtins, gtinEnds, fields, conditions, groups }: LineColumns,
  more: readonly ArrayBufferView[] = [],
): Message {
  const ofConditions =
    conditions === null
      ? []
      : [conditions.asOfUs, conditions.expectedQuantities, conditions.stockChanges];
  const columns = [gtins, gtinEnds, groups, ...Object.values(fields), ...ofConditions, ...more];
  return move(message, buffersIn(columns));
}

/** Receives lines. Its `texts` is for the host of a task. */
export class LinesReceiver implements LinesHost {
  #skuIds: (string | null)[] = [];
  #asSent: (string | null)[] = [];
  #refusals = new Map<number, LineRefusal>();
  #skuIdCandidates = new Map<number, readonly string[]>();

  texts({ skuIds, skuIdCandidates, asSent, refusals }: LineTexts): Promise<void> {
    for (const skuId of skuIds) this.#skuIds.push(skuId);
    for (let i = 0; i < skuIds.length; i += 1) this.#asSent.push(asSent?.[i] ?? null);
    for (const [index, refusal] of refusals) this.#refusals.set(index, refusal);
    for (const [index, texts] of skuIdCandidates) this.#skuIdCandidates.set(index, texts);
    return Promise.resolve();
  }

  /** Returns the lines that were received, and forgets them. */
  take(columns: LineColumns): Lines {
    const lines = {
      ...columns,
      skuIds: this.#skuIds,
      skuIdCandidates: this.#skuIdCandidates.size === 0 ? null : this.#skuIdCandidates,
      asSent: this.#asSent,
      refusals: this.#refusals,
    };
    this.#skuIds = [];
    this.#asSent = [];
    this.#refusals = new Map();
    this.#skuIdCandidates = new Map();
    return lines;
  }
}
