import type { ReadingRules } from '../../domain/reading-rules.ts';
import { placeName } from '../edi/places.ts';
import { ReportDate } from '../edi/report-date.ts';
import {
  checkEnvelopes,
  readRows,
  type AcknowledgementOptions,
  type EdiReport,
} from '../edi/report.ts';
import type { FileRow, FormatLimits } from '../format.ts';
import { print997 } from './acknowledgement.ts';
import { PURPOSES_REFUSED, REPORT_DATE_CODES } from './codes.ts';
import { Envelope, type ReceivedInterchange } from './envelope.ts';
import { Item, type FaultyElement } from './item.ts';
import { readSegments, type Segment } from './segments.ts';

/** An X12 file of inventory advice (846). */
export class InventoryAdvice implements EdiReport {
  readonly #envelope: Envelope;
  /** One row per LIN, numbered by its segment. Can be read once. */
  readonly rows: AsyncGenerator<readonly FileRow[]>;
  #item: Item | null = null;
  /** The location that the open transaction set names before its first LIN. */
  #place: string | null = null;
  #isInHeader = false;
  readonly #rules: Pick<ReadingRules, 'negative' | 'locations'>;
  readonly #date = new ReportDate();

  constructor(
    text: AsyncIterable<string>,
    limits: FormatLimits,
    rules: Pick<ReadingRules, 'negative' | 'locations'>,
  ) {
    this.#rules = rules;
    this.#envelope = new Envelope(limits.rowsMax);
    this.rows = readRows(readSegments(text, limits), this.#envelope, (segment, rows) => {
      this.#take(segment, rows);
    });
  }

  /** The interchanges received so far, to be acknowledged. */
  get interchanges(): readonly ReceivedInterchange[] {
    return this.#envelope.interchanges;
  }

  acknowledge(optionsOf: (interchange: number) => AcknowledgementOptions): readonly string[] {
    return this.interchanges.map((received, i) => print997(received, optionsOf(i)));
  }

  /** From BIA, or else from DTM. */
  get datedAs(): string | null {
    return this.#date.text;
  }

  #take(segment: Segment, rows: FileRow[]): void {
    const name = segment.elements[0] ?? '';
    if (ENDS_ITEM.has(name)) this.#finishItem(rows);
    if (name === 'ST') {
      this.#isInHeader = true;
      this.#place = null;
    }
    if (!this.#envelope.take(segment)) return;
    if (name === 'LIN') {
      this.#isInHeader = false;
      this.#item = new Item(segment, this.#place, this.#note, this.#rules);
    } else if (this.#isInHeader) this.#takeHeader(name, segment);
    else this.#item?.take(segment);
  }

  /** Reads a segment between ST and the first LIN. */
  #takeHeader(name: string, segment: Segment): void {
    const { elements } = segment;
    const [, first = ''] = elements;
    if (name === 'BIA') {
      const refused = PURPOSES_REFUSED.find(({ code }) => code === first);
      if (refused !== undefined) {
        this.#envelope.refuseSet(
          segment,
          '5',
          `BIA01 is "${first}" (${refused.meaning}); send the quantities that are right now, with BIA01 "00"`,
        );
      }
      this.#noteDate(BIA_RANK, elements[4], elements[5]);
    } else if (name === 'DTM') {
      const rank = REPORT_DATE_CODES.findIndex(({ code }) => code === first);
      if (rank >= 0) this.#noteDate(BIA_RANK + 1 + rank, elements[2], elements[3]);
    } else if (name === 'N1' && WAREHOUSE_QUALIFIERS.has(first))
      this.#place ??= placeName(elements[4] ?? '', elements[2] ?? '');
  }

  #noteDate(rank: number, date = '', time = ''): void {
    if (date.trim() === '') return;
    this.#date.add(this.#envelope.setCount, rank, writtenDate(date.trim(), time.trim()));
  }

  readonly #note = ({ segment, element, reference, code }: FaultyElement): void => {
    const value = segment.elements[element] ?? '';
    this.#envelope.note(segment, { element, reference, code, value });
  };

  #finishItem(rows: FileRow[]): void {
    if (this.#item === null) return;
    rows.push(...this.#item.rows());
    this.#item = null;
  }
}

/**
 * Checks the envelopes and the number of rows of inventory advice without building the rows. Rejects as
 * reading the rows would. Stops early if the signal is aborted.
 */
export function checkAdvice(
  text: AsyncIterable<string>,
  limits: FormatLimits,
  signal: AbortSignal,
): Promise<void> {
  return checkEnvelopes(readSegments(text, limits), new Envelope(limits.rowsMax), signal);
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

/** Parties of a whole transaction set (N101) that say where its quantities are. */
const WAREHOUSE_QUALIFIERS: ReadonlySet<string> = new Set(['WH', 'SF', 'SN']);

/** The date in BIA counts before those in DTM. */
const BIA_RANK = 0;

/** `ccyymmdd`, then the time. What cannot be read keeps a space between them, so that it is not read by chance. */
function writtenDate(date: string, time: string): string {
  const day = /^[0-9]{6}$/.test(date) ? `20${date}` : date;
  const isWritten = /^[0-9]{8}$/.test(day) && /^(?:[0-9]{4}|[0-9]{6,8})?$/.test(time);
  return isWritten ? `${day}${time}` : `${date} ${time}`.trim();
}
