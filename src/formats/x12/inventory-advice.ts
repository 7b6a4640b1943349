import { tooManyRows, type FormatLimits } from '../limits.ts';
import type { FeedRow } from '../rows.ts';
import { Envelope } from './envelope.ts';
import { Item, type FaultyElement } from './item.ts';
import type { ReceivedInterchange } from './received.ts';
import { readSegments, type Segment } from './segments.ts';

/** An X12 file of inventory advice (846). */
export class InventoryAdvice {
  readonly #envelope = new Envelope();
  /** One row for each LIN, numbered by its segment, in pieces. To be read once. */
  readonly rows: AsyncGenerator<readonly FeedRow[]>;
  #item: Item | null = null;
  #date: string | null = null;

  constructor(text: AsyncIterable<string>, limits: FormatLimits) {
    this.rows = this.#read(text, limits);
  }

  /** What was received so far, for an acknowledgement. */
  get interchanges(): readonly ReceivedInterchange[] {
    return this.#envelope.interchanges;
  }

  /** The date of the first advice (BIA04, and BIA05 if it has a time), as it is written; null without one. */
  get datedAs(): string | null {
    return this.#date;
  }

  async *#read(
    text: AsyncIterable<string>,
    limits: FormatLimits,
  ): AsyncGenerator<readonly FeedRow[]> {
    let last = 0;
    for await (const segments of readSegments(text, limits)) {
      const rows: FeedRow[] = [];
      for (const segment of segments) {
        last = segment.number;
        this.#take(segment, rows);
      }
      if (rows.length > 0) yield rows;
    }
    this.#envelope.end(last);
  }

  #take(segment: Segment, rows: FeedRow[]): void {
    const name = segment.elements[0] ?? '';
    if (ENDS_ITEM.has(name)) this.#finishItem(rows);
    if (!this.#envelope.take(segment)) return;
    if (name === 'LIN') this.#item = new Item(segment, this.#note);
    else if (name === 'BIA') this.#date ??= dateOf(segment);
    else this.#item?.take(segment);
  }

  readonly #note = ({ segment, element, reference, code }: FaultyElement): void => {
    const value = segment.elements[element] ?? '';
    this.#envelope.note(segment, { element, reference, code, value });
  };

  #finishItem(rows: FeedRow[]): void {
    if (this.#item === null) return;
    rows.push(this.#item.row());
    this.#item = null;
  }
}

/**
 * Reads inventory advice to its end without making rows of it; breaks off by the signal. Rejects as
 * reading the rows does where the file is not whole or has too many of them.
 */
export async function checkAdvice(
  text: AsyncIterable<string>,
  limits: FormatLimits,
  signal: AbortSignal,
): Promise<void> {
  const envelope = new Envelope();
  let last = 0;
  for await (const segments of readSegments(text, limits)) {
    if (signal.aborted) return;
    for (const segment of segments) {
      last = segment.number;
      envelope.take(segment);
      if (envelope.itemCount > limits.rowsMax) throw tooManyRows(limits.rowsMax, last);
    }
  }
  envelope.end(last);
}

const ENDS_ITEM: ReadonlySet<string> = new Set([
  'LIN',
  'CTT',
  'SE',
  'GE',
  'IEA',
  'ISA',
  'GS',
  'ST',
]);

function dateOf({ elements }: Segment): string | null {
  const [, , , , date = '', time = ''] = elements;
  return date === '' ? null : `${date}${time}`;
}
