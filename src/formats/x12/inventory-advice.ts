import { tooManyRows, type FileRow, type FormatLimits } from '../format.ts';
import { Envelope, type ReceivedInterchange } from './envelope.ts';
import { Item, type FaultyElement } from './item.ts';
import { readSegments, type Segment } from './segments.ts';

/** An X12 file of inventory advice (846). */
export class InventoryAdvice {
  readonly #envelope = new Envelope();
  /** One row per LIN, numbered by its segment. Can be read once. */
  readonly rows: AsyncGenerator<readonly FileRow[]>;
  #item: Item | null = null;
  #date: string | null = null;

  constructor(text: AsyncIterable<string>, limits: FormatLimits) {
    this.rows = this.#read(text, limits);
  }

  /** The interchanges received so far, to be acknowledged. */
  get interchanges(): readonly ReceivedInterchange[] {
    return this.#envelope.interchanges;
  }

  /** The date of the first advice as written (BIA04, followed by BIA05 if there is a time); null if absent. */
  get datedAs(): string | null {
    return this.#date;
  }

  async *#read(
    text: AsyncIterable<string>,
    limits: FormatLimits,
  ): AsyncGenerator<readonly FileRow[]> {
    let last = 0;
    for await (const segments of readSegments(text, limits)) {
      const rows: FileRow[] = [];
      for (const segment of segments) {
        last = segment.number;
        this.#take(segment, rows);
      }
      if (rows.length > 0) yield rows;
    }
    this.#envelope.end(last);
  }

  #take(segment: Segment, rows: FileRow[]): void {
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

  #finishItem(rows: FileRow[]): void {
    if (this.#item === null) return;
    rows.push(this.#item.row());
    this.#item = null;
  }
}

/**
 * Checks the envelopes and the number of rows of inventory advice without building the rows. Rejects as
 * reading the rows would. Stops early if the signal is aborted.
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

/** How far behind UTC a clock may be, since a file does not state its time zone. */
const ZONE_MS = 12 * 3_600_000;

/**
 * The timestamp of a date in a file (`ccyymmdd` or `ccyymmddhhmm`), in microseconds since
 * 1970-01-01T00:00Z: the latest instant that it can mean in any time zone, but not later than the
 * upload. Null if there is no date.
 */
export function asOfOfFile(dated: string | null, uploadedAtMs: number): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d))?$/.exec(dated ?? '');
  if (parts === null) return null;
  const [, year, month, day, hour = '24', minute = '00'] = parts;
  const atMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  return Math.min(atMs + ZONE_MS, uploadedAtMs) * 1000;
}
