import { OnhandError } from '../../domain/errors.ts';
import {
  FAULTY_SETS_MAX,
  NOTES_MAX,
  type GroupFault,
  type ReceivedGroup,
  type ReceivedInterchange,
  type ReceivedSet,
  type SegmentNote,
  type SetFault,
} from './received.ts';
import type { Segment } from './segments.ts';

/** Groups and interchanges of one file, most of which have one of each. */
const GROUPS_MAX = 10_000;

/** Functional identifier of inventory advice, and its transaction set. */
const INVENTORY_GROUP = 'IB';
const INVENTORY_SET = '846';

/** Releases that are read: from 4010 on dates have four digits for the year. */
const VERSION = /^00[4-8]/;

/**
 * Holds a file's envelopes against each other while it is read: what is opened must be closed, in
 * order, with the same control number and a right count. Every fault refuses the file
 * (`body_malformed`), naming the segment and the one that it contradicts: a count that is wrong means
 * that segments were lost, and nobody knows which. What was received is kept for the acknowledgement.
 */
export class Envelope {
  readonly interchanges: ReceivedInterchange[] = [];
  #interchange: Opened<ReceivedInterchange> | null = null;
  #group: Opened<ReceivedGroup> | null = null;
  #set: Opened<ReceivedSet> | null = null;
  #groupCount = 0;
  /** LINs of the transaction set that is open. */
  #itemsInSet = 0;
  #itemCount = 0;

  /** LINs so far. */
  get itemCount(): number {
    return this.#itemCount;
  }

  /** Takes a segment up, with what it says of others; gives whether it is one of a transaction set's own, between ST and SE. */
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
        if (this.#set === null)
          throw refusal(segment, `${shown(name)} stands outside of any ST … SE`);
        if (name === 'LIN') this.#countItem();
        else if (name === 'CTT') this.#checkTotals(segment);
        return true;
    }
  }

  /** Notes an element of the transaction set that is open. */
  note(segment: Segment, note: Omit<SegmentNote, 'segment' | 'position'>): void {
    if (this.#set === null) return;
    const { opened, number } = this.#set;
    if (opened.notes.length === 0) this.#keepFaulty(opened);
    if (opened.notes.length >= NOTES_MAX) return;
    const position = segment.number - number + 1;
    opened.notes.push({ segment: segment.elements[0] ?? '', position, ...note });
  }

  /** Refuses the transaction set that is open, and the file with it. */
  refuseSet(segment: Segment, fault: SetFault, reason: string): never {
    if (this.#set !== null) {
      this.#set.opened.fault = fault;
      this.#keepFaulty(this.#set.opened);
    }
    throw refusal(segment, reason);
  }

  /** At the end of the file. */
  end(last: number): void {
    const open = [
      { what: 'transaction set (SE)', opened: this.#set },
      { what: 'group (GE)', opened: this.#group },
      { what: 'interchange (IEA)', opened: this.#interchange },
    ].find(({ opened }) => opened !== null);
    if (open?.opened === undefined || open.opened === null) return;
    if (this.#set !== null) {
      this.#set.opened.fault = '2';
      this.#keepFaulty(this.#set.opened);
    } else if (this.#group !== null) this.#group.opened.fault = '3';
    throw new OnhandError(
      'body_malformed',
      `The file ends with segment ${last}, and the end of the ${open.what} that segment ${open.opened.number} opens is missing; it is cut off.`,
    );
  }

  #openInterchange(segment: Segment): void {
    if (this.#interchange !== null) {
      throw refusal(
        segment,
        `ISA stands inside the interchange of segment ${this.#interchange.number}`,
      );
    }
    const opened = { header: segment.elements, delimiters: segment.delimiters, groups: [] };
    this.#interchange = { opened, number: segment.number, inside: 0 };
    this.#countGroup(segment);
    this.interchanges.push(opened);
  }

  #openGroup(segment: Segment): void {
    const { elements } = segment;
    if (this.#interchange === null || this.#group !== null)
      throw refusal(segment, 'GS must stand between ISA and IEA, and not inside another group');
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
    this.#countGroup(segment);
    this.#interchange.inside += 1;
    this.#interchange.opened.groups.push(opened);
    this.#group = { opened, number: segment.number, inside: 0 };
    if (functionalId !== INVENTORY_GROUP) {
      this.#refuseGroup(
        segment,
        '1',
        `GS01 is ${shown(functionalId)}; groups of inventory advice (${INVENTORY_GROUP}) are read here`,
      );
    }
    if (!VERSION.test(version)) {
      this.#refuseGroup(
        segment,
        '2',
        `GS08 is ${shown(version)}; releases from 004010 to 008060 are read`,
      );
    }
  }

  #openSet(segment: Segment): void {
    const [, id = '', controlNumber = ''] = segment.elements;
    if (this.#group === null || this.#set !== null)
      throw refusal(
        segment,
        'ST must stand between GS and GE, and not inside another transaction set',
      );
    this.#group.inside += 1;
    this.#group.opened.setsReceived += 1;
    const opened: ReceivedSet = { id, controlNumber, notes: [], fault: null };
    this.#set = { opened, number: segment.number, inside: 0 };
    this.#itemsInSet = 0;
    if (id !== INVENTORY_SET)
      this.refuseSet(
        segment,
        '1',
        `ST01 is ${shown(id)}; ${INVENTORY_SET} (inventory advice) is read here`,
      );
  }

  #countItem(): void {
    this.#itemsInSet += 1;
    this.#itemCount += 1;
  }

  /** CTT01 counts the LINs. */
  #checkTotals(segment: Segment): void {
    const count = segment.elements[1] ?? '';
    if (isCount(count, this.#itemsInSet)) return;
    const reason = `CTT01 says ${shown(count)} line items, but there are ${this.#itemsInSet}`;
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
        `SE01 says ${shown(count)} segments, but there are ${actual} from segment ${number} on, ST and SE counted`,
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
          : `GE stands inside the transaction set of segment ${this.#set.number}`,
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
          : `IEA stands inside the group of segment ${this.#group.number}`,
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

  #keepFaulty(set: ReceivedSet): void {
    const faulty = this.#group?.opened.faultySets;
    if (faulty === undefined || faulty.includes(set) || faulty.length >= FAULTY_SETS_MAX) return;
    faulty.push(set);
  }

  #countGroup(segment: Segment): void {
    this.#groupCount += 1;
    if (this.#groupCount > GROUPS_MAX) {
      throw new OnhandError(
        'body_too_large',
        `Segment ${segment.number}: the file has more than ${GROUPS_MAX} interchanges and groups; send it in several files.`,
      );
    }
  }
}

/** What is open: where it was opened, and how many of its parts have come. */
interface Opened<What> {
  readonly opened: What;
  readonly number: number;
  inside: number;
}

function isCount(text: string, count: number): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) === count;
}

function refusal(segment: Segment, reason: string): OnhandError {
  return new OnhandError('body_malformed', `Segment ${segment.number}: ${reason}.`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN_CHARACTERS).toWellFormed());
}

const SHOWN_CHARACTERS = 40;
