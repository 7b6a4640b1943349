import type { Delimiters } from './segments.ts';

/** What was received of an interchange, as far as an acknowledgement tells of it. */
export interface ReceivedInterchange {
  /** The ISA's elements, its name the first. */
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
  /** Those with something wrong; a group of thousands of sets is mostly right. */
  readonly faultySets: ReceivedSet[];
  /** What is wrong with the group as a whole (element 716), if anything. */
  fault: GroupFault | null;
}

export interface ReceivedSet {
  /** ST01, such as `846`. */
  readonly id: string;
  /** ST02. */
  readonly controlNumber: string;
  readonly notes: SegmentNote[];
  /** What is wrong with the set as a whole (element 718), if anything: it is then rejected. */
  fault: SetFault | null;
}

/** A data element that could not be used. */
export interface SegmentNote {
  /** The segment's name and its place in the transaction set, ST counted as 1. */
  readonly segment: string;
  readonly position: number;
  /** Its place in the segment, the first behind the name counted as 1. */
  readonly element: number;
  /** Of the element, in the X12 dictionary, such as 380 for a quantity; empty where it has none. */
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

/** Notes that are kept of one transaction set, and sets of one group: enough to find a fault by. */
export const NOTES_MAX = 100;
export const FAULTY_SETS_MAX = 1000;
