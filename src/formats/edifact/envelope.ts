import { ContentCounts, isCount, refusal, shown, unclosed } from '../edi/envelope.ts';
import type { Segment, ServiceCharacters } from './segments.ts';

/** What an acknowledgement needs to know about a received interchange. */
export interface ReceivedInterchange {
  /** The elements of UNB; the first is its name. */
  readonly header: Segment['elements'];
  readonly characters: ServiceCharacters;
  /** What is wrong with the interchange as a whole; null if nothing is. */
  fault: SyntaxFault | null;
  /** The message that made the file unusable; null if none did. */
  faultyMessage: FaultyMessage | null;
}

export interface FaultyMessage {
  /** The reference of UNH. */
  readonly reference: string;
  /** The components of its type, such as INVRPT, D, 96A and UN. */
  readonly type: readonly string[];
  readonly fault: SyntaxFault;
}

/**
 * Element 0085: missing, value not supported, not supported in this position, references do not match,
 * counts do not match.
 */
export type SyntaxFault = '13' | '14' | '15' | '28' | '29';

/** Character sets (UNB, element 0001) whose texts are read completely. */
const CHARACTER_SETS: ReadonlySet<string> = new Set(['UNOA', 'UNOB', 'UNOC', 'UNOW']);
const NOT_ASCII = /[\u0080-\uffff]/;

/**
 * Checks the envelopes of a file while it is read: each must be closed, in order, with the same reference
 * and the right count. Any fault refuses the file (`body_malformed`), since a wrong count means that unknown
 * segments were lost. The error names the segment. Keeps what was received for the acknowledgement.
 */
export class Envelope {
  readonly interchanges: ReceivedInterchange[] = [];
  readonly #counts: ContentCounts;
  #interchange: Opened | null = null;
  #group: Opened | null = null;
  #message: Opened | null = null;
  #messageType: readonly string[] = [];

  /** @param rowsMax the most LINs that a file may have; more are refused with `too_many_lines` */
  constructor(rowsMax: number) {
    this.#counts = new ContentCounts(rowsMax);
  }

  /** How many messages were opened so far. */
  get messageCount(): number {
    return this.#counts.messages;
  }

  /** The directory of the open message, such as `96A`. */
  get release(): string {
    return this.#messageType[2] ?? '';
  }

  /** Checks a segment. Returns whether it is part of a message's content, between UNH and UNT. */
  take(segment: Segment): boolean {
    switch (segment.name) {
      case 'UNB':
        this.#openInterchange(segment);
        return false;
      case 'UNG':
        this.#openGroup(segment);
        return false;
      case 'UNH':
        this.#openMessage(segment);
        return false;
      case 'UNT':
        this.#closeMessage(segment);
        return false;
      case 'UNE':
        this.#closeGroup(segment);
        return false;
      case 'UNZ':
        this.#closeInterchange(segment);
        return false;
      default:
        this.#takeContent(segment);
        return true;
    }
  }

  /** Refuses the open message and the whole file. */
  refuseMessage(segment: Segment, fault: SyntaxFault, reason: string): never {
    this.#noteMessage(fault);
    throw refusal(segment, reason);
  }

  /** Checks that everything is closed at the end of the file. `last` is the last segment's number. */
  end(last: number): void {
    const fault = unclosed(
      [
        ['message (UNT)', this.#message],
        ['group (UNE)', this.#group],
        ['interchange (UNZ)', this.#interchange],
      ],
      last,
    );
    if (fault === undefined) return;
    if (this.#message === null) this.#noteInterchange('13');
    else this.#noteMessage('13');
    throw fault;
  }

  #takeContent(segment: Segment): void {
    if (this.#message === null) {
      this.#noteInterchange('15');
      throw refusal(segment, `${shown(segment.name)} is outside of any UNH … UNT`);
    }
    if (segment.name === 'LIN') this.#counts.addItem(segment);
    else if (segment.name === 'CNT') this.#checkItems(segment);
    const set = this.interchanges.at(-1)?.header[1]?.[0] ?? '';
    if (!CHARACTER_SETS.has(set) && segment.elements.some((one) => NOT_ASCII.test(one.join(''))))
      this.refuseMessage(
        segment,
        '14',
        `UNB names the character set ${shown(set)}, of which only ASCII can be read; send UNOC (Latin-1) or UNOW (UTF-8)`,
      );
  }

  #openInterchange(segment: Segment): void {
    if (this.#interchange !== null) {
      this.#noteInterchange('15');
      throw refusal(
        segment,
        `UNB is inside the interchange of segment ${this.#interchange.number}`,
      );
    }
    this.#counts.addGroup(segment);
    this.interchanges.push({
      header: segment.elements,
      characters: segment.characters,
      fault: null,
      faultyMessage: null,
    });
    this.#interchange = {
      reference: segment.elements[5]?.[0] ?? '',
      number: segment.number,
      inside: 0,
    };
  }

  #openGroup(segment: Segment): void {
    if (this.#interchange === null || this.#group !== null || this.#message !== null) {
      this.#noteInterchange('15');
      throw refusal(
        segment,
        'UNG must be between UNB and UNZ, and not inside another group or message',
      );
    }
    this.#counts.addGroup(segment);
    this.#interchange.inside += 1;
    this.#group = { reference: segment.elements[5]?.[0] ?? '', number: segment.number, inside: 0 };
  }

  #openMessage(segment: Segment): void {
    const parent = this.#group ?? this.#interchange;
    if (parent === null || this.#message !== null) {
      this.#noteInterchange('15');
      throw refusal(segment, 'UNH must be between UNB and UNZ, and not inside another message');
    }
    const [, [reference = ''] = [], type = []] = segment.elements;
    parent.inside += 1;
    this.#counts.addMessage();
    this.#messageType = type;
    this.#message = { reference, number: segment.number, inside: 0 };
    const [name = '', version = ''] = type;
    if (name !== 'INVRPT')
      this.refuseMessage(
        segment,
        '14',
        `the message is ${shown(name)}; only INVRPT (inventory report) is supported`,
      );
    if (version !== 'D')
      this.refuseMessage(
        segment,
        '14',
        `the message is of version ${shown(version)}; directories from D.96A on are supported`,
      );
  }

  /** CNT+2 counts the LINs. */
  #checkItems(segment: Segment): void {
    const [qualifier = '', count = ''] = segment.elements[1] ?? [];
    const { itemsInMessage } = this.#counts;
    if (qualifier !== '2' || isCount(count, itemsInMessage)) return;
    this.refuseMessage(
      segment,
      '29',
      `CNT says ${shown(count)} line items, but there are ${itemsInMessage}`,
    );
  }

  #closeMessage(segment: Segment): void {
    const [, [count = ''] = [], [reference = ''] = []] = segment.elements;
    if (this.#message === null) {
      this.#noteInterchange('15');
      throw refusal(segment, 'UNT closes no message');
    }
    const { number } = this.#message;
    if (reference !== this.#message.reference)
      this.refuseMessage(
        segment,
        '28',
        `UNT has the reference ${shown(reference)}, but UNH of segment ${number} has ${shown(this.#message.reference)}`,
      );
    const actual = segment.number - number + 1;
    if (!isCount(count, actual))
      this.refuseMessage(
        segment,
        '29',
        `UNT says ${shown(count)} segments, but there are ${actual} from segment ${number} on, including UNH and UNT`,
      );
    this.#message = null;
  }

  #closeGroup(segment: Segment): void {
    this.#group = this.#close(segment, this.#group, { of: 'UNG', what: 'messages' });
  }

  #closeInterchange(segment: Segment): void {
    if (this.#group !== null) {
      this.#noteInterchange('15');
      throw refusal(segment, `UNZ is inside the group of segment ${this.#group.number}`);
    }
    const what = 'messages or groups';
    this.#interchange = this.#close(segment, this.#interchange, { of: 'UNB', what });
  }

  /** Checks the trailer of a group or interchange, which is then closed. */
  #close(
    segment: Segment,
    opened: Opened | null,
    { of, what }: { readonly of: string; readonly what: string },
  ): null {
    const [, [count = ''] = [], [reference = ''] = []] = segment.elements;
    const { name } = segment;
    if (this.#message !== null)
      this.refuseMessage(
        segment,
        '13',
        `${name} is inside the message of segment ${this.#message.number}`,
      );
    if (opened === null) {
      this.#noteInterchange('15');
      throw refusal(segment, `${name} closes nothing`);
    }
    if (reference !== opened.reference) {
      this.#noteInterchange('28');
      throw refusal(
        segment,
        `${name} has the reference ${shown(reference)}, but ${of} of segment ${opened.number} has ${shown(opened.reference)}`,
      );
    }
    if (!isCount(count, opened.inside)) {
      this.#noteInterchange('29');
      throw refusal(
        segment,
        `${name} says ${shown(count)} ${what}, but there are ${opened.inside} from segment ${opened.number} on`,
      );
    }
    return null;
  }

  #noteInterchange(fault: SyntaxFault): void {
    const received = this.interchanges.at(-1);
    if (received !== undefined) received.fault = fault;
  }

  #noteMessage(fault: SyntaxFault): void {
    const received = this.interchanges.at(-1);
    if (received === undefined || this.#message === null) return;
    const { reference } = this.#message;
    received.faultyMessage = { reference, type: this.#messageType, fault };
  }
}

/** An open envelope: its reference, the number of the segment that opened it, and its parts so far. */
interface Opened {
  readonly reference: string;
  readonly number: number;
  inside: number;
}
