/** What the envelopes of X12 and EDIFACT have in common: their limits, their counts and the errors about them. */
import { OnhandError } from '../../domain/errors.ts';
import { quoted, tooManyRows } from '../format.ts';

/** A segment, by its position in the file. */
interface Numbered {
  readonly number: number;
}

/** Most groups and interchanges of one file. Most files have one interchange and at most one group. */
const GROUPS_MAX = 10_000;

/** Counts what a file contains. A message is what X12 calls a transaction set; each LIN is an item. */
export class ContentCounts {
  readonly #rowsMax: number;
  #groups = 0;
  #messages = 0;
  #items = 0;
  #itemsInMessage = 0;

  /** @param rowsMax the most items that a file may have */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  /** How many messages were opened so far. */
  get messages(): number {
    return this.#messages;
  }

  /** How many items the last message has so far. */
  get itemsInMessage(): number {
    return this.#itemsInMessage;
  }

  /** Counts a group or an interchange. Throws `body_too_large` beyond the limit. */
  addGroup({ number }: Numbered): void {
    this.#groups += 1;
    if (this.#groups > GROUPS_MAX) {
      throw new OnhandError(
        'body_too_large',
        `Segment ${number}: the file has more than ${GROUPS_MAX} interchanges and groups; send it in several files.`,
      );
    }
  }

  addMessage(): void {
    this.#messages += 1;
    this.#itemsInMessage = 0;
  }

  /** Counts a LIN of the open message. Throws `too_many_lines` beyond the limit. */
  addItem({ number }: Numbered): void {
    this.#itemsInMessage += 1;
    this.#items += 1;
    if (this.#items > this.#rowsMax) throw tooManyRows(this.#rowsMax, number);
  }
}

/** An envelope that may be open: what closes it, and the segment that opened it, or null if none is open. */
export type MaybeOpen = readonly [what: string, opened: Numbered | null];

/**
 * The error for a file that ends before its envelopes are closed; undefined if none is open.
 *
 * @param envelopes from the innermost to the outermost
 * @param last the number of the last segment
 */
export function unclosed(envelopes: readonly MaybeOpen[], last: number): OnhandError | undefined {
  for (const [what, opened] of envelopes) {
    if (opened === null) continue;
    return new OnhandError(
      'body_malformed',
      `The file ends with segment ${last}, and the end of the ${what} that segment ${opened.number} opens is missing; the file is truncated.`,
    );
  }
  return undefined;
}

/** Whether a count in a file is right. */
export function isCount(text: string, count: number): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) === count;
}

/** The error for a segment that makes onhand refuse the whole file. */
export function refusal({ number }: Numbered, reason: string): OnhandError {
  return new OnhandError('body_malformed', `Segment ${number}: ${reason}.`);
}

/** An element as a message shows it. */
export function shown(text: string): string {
  return quoted(text, 40);
}
