import type { ReadingRules } from '../../domain/reading-rules.ts';
import { ReportDate } from '../edi/report-date.ts';
import {
  checkEnvelopes,
  readRows,
  type AcknowledgementOptions,
  type EdiReport,
} from '../edi/report.ts';
import type { FileRow, FormatLimits } from '../format.ts';
import { printContrl } from './acknowledgement.ts';
import { FUNCTIONS_REFUSED, REPORT_DATE_CODES } from './codes.ts';
import { readDtm } from './dates.ts';
import { Envelope } from './envelope.ts';
import { Item, placeOfParty } from './item.ts';
import { readSegments, type Segment } from './segments.ts';

/** An EDIFACT file of inventory reports (INVRPT). */
export class InventoryReport implements EdiReport {
  readonly #envelope: Envelope;
  /** One row per LIN and location, numbered by the segment of the LIN. Can be read once. */
  readonly rows: AsyncGenerator<readonly FileRow[]>;
  #item: Item | null = null;
  /** The location that the open message names before its first LIN. */
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

  get datedAs(): string | null {
    return this.#date.text;
  }

  acknowledge(optionsOf: (interchange: number) => AcknowledgementOptions): readonly string[] {
    return this.#envelope.interchanges.map((received, i) => printContrl(received, optionsOf(i)));
  }

  #take(segment: Segment, rows: FileRow[]): void {
    const { name } = segment;
    if (ENDS_ITEM.has(name)) this.#finishItem(rows);
    if (name === 'UNH') {
      this.#isInHeader = true;
      this.#place = null;
    }
    if (!this.#envelope.take(segment)) return;
    if (name === 'LIN') {
      this.#isInHeader = false;
      this.#item = new Item(segment, this.#place, this.#envelope.release, this.#rules);
    } else if (this.#isInHeader) this.#takeHeader(segment);
    else this.#item?.take(segment);
  }

  /** Reads a segment between UNH and the first LIN. */
  #takeHeader(segment: Segment): void {
    const { name, elements } = segment;
    if (name === 'BGM') this.#checkFunction(segment, elements[3]?.[0] ?? '');
    else if (name === 'DTM') this.#noteDate(elements[1] ?? []);
    else if (name === 'NAD' && elements[1]?.[0] !== 'ST')
      this.#place ??= placeOfParty(segment) ?? null;
  }

  #checkFunction(segment: Segment, sent: string): void {
    const refused = FUNCTIONS_REFUSED.find(({ code }) => code === sent);
    if (refused === undefined) return;
    this.#envelope.refuseMessage(
      segment,
      '14',
      `the message is a ${refused.meaning} (function ${sent} in BGM); send the quantities that are right now, with function 9`,
    );
  }

  #noteDate([qualifier = '', text = '', format = '']: readonly string[]): void {
    const rank = REPORT_DATE_CODES.findIndex(({ code }) => code === qualifier);
    if (rank < 0 || text === '') return;
    const written = readDtm(text, format) ?? `${text} (${format})`;
    this.#date.add(this.#envelope.messageCount, rank, written);
  }

  #finishItem(rows: FileRow[]): void {
    if (this.#item === null) return;
    rows.push(...this.#item.rows());
    this.#item = null;
  }
}

/**
 * Checks the envelopes and the number of items of inventory reports without building the rows. Rejects as
 * reading the rows would. Stops early if the signal is aborted.
 */
export function checkReport(
  text: AsyncIterable<string>,
  limits: FormatLimits,
  signal: AbortSignal,
): Promise<void> {
  return checkEnvelopes(readSegments(text, limits), new Envelope(limits.rowsMax), signal);
}

/** Segments that cannot be part of an item. */
const ENDS_ITEM: ReadonlySet<string> = new Set([
  'LIN',
  'UNS',
  'CNT',
  'UNT',
  'UNE',
  'UNZ',
  'UNB',
  'UNG',
  'UNH',
]);
