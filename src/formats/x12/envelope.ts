import { ContentCounts, isCount, refusal, shown, unclosed } from '../edi/envelope.ts';
import type { Delimiters, Segment } from './segments.ts';

/** What an acknowledgement needs to know about a received interchange. */
export interface ReceivedInterchange {
  /** The elements of the ISA; the first is its name. */
  readonly header: readonly string[];
  readonly delimiters: Delimiters;
  readonly groups: ReceivedGroup[];
}

export interface ReceivedGroup {
  /** GS01, such as `IB` (inventory). */
  readonly functionalId: string;
  /** GS02 and GS03: its sender and receiver. */
  readonly sender: string;
  readonly receiver: string;
  /** GS06. */
  readonly controlNumber: string;
  /** GS08, such as `004010`. */
  readonly version: string;
  /** GE01: how many transaction sets the group says it has; null before its end was read. */
  setsIncluded: number | null;
  setsReceived: number;
  /** Only the faulty sets, since a group may have thousands of correct ones. */
  readonly faultySets: ReceivedSet[];
  /** What is wrong with the group as a whole (element 716); null if nothing is. */
  fault: GroupFault | null;
}

export interface ReceivedSet {
  /** ST01, such as `846`. */
  readonly id: string;
  /** ST02. */
  readonly controlNumber: string;
  readonly notes: SegmentNote[];
  /** What is wrong with the set as a whole (element 718), which is then rejected; null if nothing is. */
  fault: SetFault | null;
}

/** A data element that cannot be used. */
export interface SegmentNote {
  /** The segment's name and its position in the transaction set; ST is 1. */
  readonly segment: string;
  readonly position: number;
  /** Its position in the segment; the first element after the name is 1. */
  readonly element: number;
  /** The element's number in the X12 dictionary, such as 380 for a quantity; empty if it has none. */
  readonly reference: string;
  /** Element 723: what is wrong with it. */
  readonly code: ElementFault;
  readonly value: string;
}

/** Element 718: not supported, trailer missing, control numbers differ, counts differ, segments in error. */
export type SetFault = '1' | '2' | '3' | '4' | '5';
/** Element 716: not supported, version not supported, trailer missing, control numbers differ, counts differ. */
export type GroupFault = '1' | '2' | '3' | '4' | '5';
/** Element 723: missing, too long, invalid character, invalid code value, invalid date. */
export type ElementFault = '1' | '5' | '6' | '7' | '8';

/** Most notes of one transaction set. */
const NOTES_MAX = 100;
/** Most faulty sets of one group. */
const FAULTY_SETS_MAX = 1000;

/** The functional identifier and the transaction set of inventory advice. */
const INVENTORY_GROUP = 'IB';
const INVENTORY_SET = '846';

/** The releases that are supported: from 4010 on, years have four digits. */
const VERSION = /^00[4-8]/;

/**
 * Checks the envelopes of a file while it is read: each must be closed, in order, with the same control
 * number and the right count. Any fault refuses the file (`body_malformed`), since a wrong count means
 * that unknown segments were lost. The error names the segment and the one that it contradicts. Keeps
 * what was received for the acknowledgement.
 */
export class Envelope {
  readonly interchanges: ReceivedInterchange[] = [];
  readonly #counts: ContentCounts;
  #interchange: Opened<ReceivedInterchange> | null = null;
  #group: Opened<ReceivedGroup> | null = null;
  #set: Opened<ReceivedSet> | null = null;

  /** @param rowsMax the most LINs that a file may have; more are refused with `too_many_lines` */
  constructor(rowsMax: number) {
    this.#counts = new ContentCounts(rowsMax);
  }

  /** How many transaction sets were opened so far. */
  get setCount(): number {
    return this.#counts.messages;
  }

  /** Checks a segment. Returns whether it is part of a transaction set's content, between ST and SE. */
  take(segment: Segment): boolean {
    const name = segment.elements[0] ?? '';
    switch (name) {
      case 'ISA':
        this.#openInterchange(segment);
        return false;
      case 'GS':
        this.#openGroup(segment);
        return false;
      case 'ST':
        this.#openSet(segment);
        return false;
      case 'SE':
        this.#closeSet(segment);
        return false;
      case 'GE':
        this.#closeGroup(segment);
        return false;
      case 'IEA':
        this.#closeInterchange(segment);
        return false;
      default:
        if (this.#set === null) throw refusal(segment, `${shown(name)} is outside of any ST … SE`);
        if (name === 'LIN') this.#counts.addItem(segment);
        else if (name === 'CTT') this.#checkTotals(segment);
        return true;
    }
  }

  /** Notes a faulty element of the open transaction set. */
  note(segment: Segment, note: Omit<SegmentNote, 'segment' | 'position'>): void {
    if (this.#set === null) return;
    const { opened, number } = this.#set;
    if (opened.notes.length === 0) this.#addFaulty(opened);
    if (opened.notes.length >= NOTES_MAX) return;
    const position = segment.number - number + 1;
    opened.notes.push({ segment: segment.elements[0] ?? '', position, ...note });
  }

  /** Refuses the open transaction set and the whole file. */
  refuseSet(segment: Segment, fault: SetFault, reason: string): never {
    if (this.#set !== null) {
      this.#set.opened.fault = fault;
      this.#addFaulty(this.#set.opened);
    }
    throw refusal(segment, reason);
  }

  /** Checks that everything is closed at the end of the file. `last` is the last segment's number. */
  end(last: number): void {
    const fault = unclosed(
      [
        ['transaction set (SE)', this.#set],
        ['group (GE)', this.#group],
        ['interchange (IEA)', this.#interchange],
      ],
      last,
    );
    if (fault === undefined) return;
    if (this.#set !== null) {
      this.#set.opened.fault = '2';
      this.#addFaulty(this.#set.opened);
    } else if (this.#group !== null) this.#group.opened.fault = '3';
    throw fault;
  }

  #openInterchange(segment: Segment): void {
    if (this.#interchange !== null) {
      throw refusal(
        segment,
        `ISA is inside the interchange of segment ${this.#interchange.number}`,
      );
    }
    const opened = { header: segment.elements, delimiters: segment.delimiters, groups: [] };
    this.#interchange = { opened, number: segment.number, inside: 0 };
    this.#counts.addGroup(segment);
    this.interchanges.push(opened);
  }

  #openGroup(segment: Segment): void {
    const { elements } = segment;
    if (this.#interchange === null || this.#group !== null)
      throw refusal(segment, 'GS must be between ISA and IEA, and not inside another group');
    const [
      ,
      functionalId = '',
      sender = '',
      receiver = '',
      ,
      ,
      controlNumber = '',
      ,
      version = '',
    ] = elements;
    const opened: ReceivedGroup = {
      functionalId,
      sender,
      receiver,
      controlNumber,
      version,
      setsIncluded: null,
      setsReceived: 0,
      faultySets: [],
      fault: null,
    };
    this.#counts.addGroup(segment);
    this.#interchange.inside += 1;
    this.#interchange.opened.groups.push(opened);
    this.#group = { opened, number: segment.number, inside: 0 };
    if (functionalId !== INVENTORY_GROUP) {
      this.#refuseGroup(
        segment,
        '1',
        `GS01 is ${shown(functionalId)}; only groups of inventory advice (${INVENTORY_GROUP}) are supported`,
      );
    }
    if (!VERSION.test(version)) {
      this.#refuseGroup(
        segment,
        '2',
        `GS08 is ${shown(version)}; releases from 004010 to 008060 are supported`,
      );
    }
  }

  #openSet(segment: Segment): void {
    const [, id = '', controlNumber = ''] = segment.elements;
    if (this.#group === null || this.#set !== null)
      throw refusal(
        segment,
        'ST must be between GS and GE, and not inside another transaction set',
      );
    this.#group.inside += 1;
    this.#group.opened.setsReceived += 1;
    const opened: ReceivedSet = { id, controlNumber, notes: [], fault: null };
    this.#set = { opened, number: segment.number, inside: 0 };
    this.#counts.addMessage();
    if (id !== INVENTORY_SET)
      this.refuseSet(
        segment,
        '1',
        `ST01 is ${shown(id)}; only ${INVENTORY_SET} (inventory advice) is supported`,
      );
  }

  /** CTT01 counts the LINs. */
  #checkTotals(segment: Segment): void {
    const count = segment.elements[1] ?? '';
    const { itemsInMessage } = this.#counts;
    if (isCount(count, itemsInMessage)) return;
    const reason = `CTT01 says ${shown(count)} line items, but there are ${itemsInMessage}`;
    this.refuseSet(segment, '5', reason);
  }

  #closeSet(segment: Segment): void {
    const [, count = '', controlNumber = ''] = segment.elements;
    if (this.#set === null) throw refusal(segment, 'SE closes no transaction set');
    const { opened, number } = this.#set;
    if (controlNumber !== opened.controlNumber) {
      this.refuseSet(
        segment,
        '3',
        `SE02 is ${shown(controlNumber)}, but ST02 of segment ${number} is ${shown(opened.controlNumber)}`,
      );
    }
    const actual = segment.number - number + 1;
    if (!isCount(count, actual)) {
      this.refuseSet(
        segment,
        '4',
        `SE01 says ${shown(count)} segments, but there are ${actual} from segment ${number} on, including ST and SE`,
      );
    }
    this.#set = null;
  }

  #closeGroup(segment: Segment): void {
    const [, count = '', controlNumber = ''] = segment.elements;
    if (this.#group === null || this.#set !== null)
      throw refusal(
        segment,
        this.#set === null
          ? 'GE closes no group'
          : `GE is inside the transaction set of segment ${this.#set.number}`,
      );
    const { opened, number, inside } = this.#group;
    opened.setsIncluded = /^[0-9]{1,6}$/.test(count) ? Number(count) : null;
    if (controlNumber !== opened.controlNumber) {
      this.#refuseGroup(
        segment,
        '4',
        `GE02 is ${shown(controlNumber)}, but GS06 of segment ${number} is ${shown(opened.controlNumber)}`,
      );
    }
    if (!isCount(count, inside)) {
      this.#refuseGroup(
        segment,
        '5',
        `GE01 says ${shown(count)} transaction sets, but there are ${inside} from segment ${number} on`,
      );
    }
    this.#group = null;
  }

  #closeInterchange(segment: Segment): void {
    const [, count = '', controlNumber = ''] = segment.elements;
    if (this.#interchange === null || this.#group !== null)
      throw refusal(
        segment,
        this.#group === null
          ? 'IEA closes no interchange'
          : `IEA is inside the group of segment ${this.#group.number}`,
      );
    const { opened, number, inside } = this.#interchange;
    const expected = opened.header[13] ?? '';
    if (controlNumber !== expected) {
      throw refusal(
        segment,
        `IEA02 is ${shown(controlNumber)}, but ISA13 of segment ${number} is ${shown(expected)}`,
      );
    }
    if (!isCount(count, inside)) {
      throw refusal(
        segment,
        `IEA01 says ${shown(count)} groups, but there are ${inside} from segment ${number} on`,
      );
    }
    this.#interchange = null;
  }

  #refuseGroup(segment: Segment, fault: GroupFault, reason: string): never {
    if (this.#group !== null) this.#group.opened.fault = fault;
    throw refusal(segment, reason);
  }

  #addFaulty(set: ReceivedSet): void {
    const faulty = this.#group?.opened.faultySets;
    if (faulty === undefined || faulty.includes(set) || faulty.length >= FAULTY_SETS_MAX) return;
    faulty.push(set);
  }
}

/** An open envelope: the number of the segment that opened it, and how many parts it has so far. */
interface Opened<What> {
  readonly opened: What;
  readonly number: number;
  inside: number;
}
