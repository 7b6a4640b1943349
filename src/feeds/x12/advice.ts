import type { FeedLimits } from '../limits.ts';
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
  /** LINs of the transaction set that is open. */
  #items = 0;
  #date: string | null = null;

  constructor(text: AsyncIterable<string>, limits: FeedLimits) {
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
    limits: FeedLimits,
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
    if (!this.#envelope.take(segment)) {
      if (name === 'ST') this.#items = 0;
      return;
    }
    if (name === 'LIN') {
      this.#items += 1;
      this.#item = new Item(segment, this.#note);
    } else if (name === 'CTT') this.#checkTotals(segment);
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

  /** CTT01 counts the LINs. */
  #checkTotals(segment: Segment): void {
    const count = segment.elements[1] ?? '';
    if (/^[0-9]{1,10}$/.test(count) && Number(count) === this.#items) return;
    const reason = `CTT01 says ${JSON.stringify(count.slice(0, 20).toWellFormed())} line items, but there are ${this.#items}`;
    this.#envelope.refuseSet(segment, '5', reason);
  }
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
