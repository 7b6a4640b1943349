/** How much of a value is repeated in a message, in UTF-16 code units. */
const ECHO_LENGTH_MAX = 64;

/**
 * A value as a message repeats it: printed as JSON and cut where it is long; arrays and objects by
 * their kind alone.
 */
export function quoteValue(value: unknown): string {
  if (typeof value === 'string') return echoText(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function echoText(text: string): string {
  const head = cut(text);
  return JSON.stringify(head) + (head === text ? '' : '…');
}

/** A number as it was written, cut where it is long. */
export function quoteNumber(written: string): string {
  const head = cut(written);
  return head === written ? head : `${head}…`;
}

/** The head of a text, no character of it cut in two. */
function cut(text: string): string {
  if (text.length <= ECHO_LENGTH_MAX) return text;
  const head = text.slice(0, ECHO_LENGTH_MAX);
  const last = text.codePointAt(ECHO_LENGTH_MAX - 1) ?? 0;
  return last > 0xffff ? head.slice(0, -1) : head;
}

/** The sentence that refuses a value. */
export function notAllowed(member: string, allowed: string, value: unknown): string {
  return `${member} must be ${allowed}; ${quoteValue(value)} is not.`;
}

/** How many unknown members of one object a message names at most. */
const UNKNOWN_NAMED_MAX = 100;

/** A member's name may be moved by JavaScript when it looks like an array index. */
const LIKE_AN_INDEX = /^[0-9]+$/;

interface Fault {
  readonly member: string;
  readonly sentence: string;
}

/** What is wrong with the members of one object, gathered for one message. */
export class MemberErrors {
  readonly #validMembers: readonly string[];
  readonly #faults: Fault[] = [];
  #unknownCount = 0;

  constructor(validMembers: readonly string[]) {
    this.#validMembers = validMembers;
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  /** `sentence` says what is wrong with `member`, and what is allowed. */
  add(member: string, sentence: string): void {
    this.#faults.push({ member, sentence });
  }

  /** Notes a member that the object does not have; `shown` is how a message calls it. */
  addUnknown(member: string, shown: string = member): void {
    this.#unknownCount += 1;
    if (this.#unknownCount <= UNKNOWN_NAMED_MAX) {
      this.add(member, `${quoteValue(shown)} is not a known member.`);
    }
  }

  /** All sentences in the order in which the members were sent; `asSent` gives that order where asked. */
  print(asSent: () => Iterable<string>): string {
    const sentences = this.#inOrderSent(asSent).map((fault) => fault.sentence);
    if (this.#unknownCount > UNKNOWN_NAMED_MAX) {
      sentences.push(`Nor are ${this.#unknownCount - UNKNOWN_NAMED_MAX} more.`);
    }
    if (this.#unknownCount > 0) sentences.push(`Valid members: ${this.#validMembers.join(', ')}.`);
    return sentences.join(' ');
  }

  #inOrderSent(asSent: () => Iterable<string>): readonly Fault[] {
    const mayBeMoved = this.#faults.some((fault) => LIKE_AN_INDEX.test(fault.member));
    if (this.#faults.length < 2 || !mayBeMoved) return this.#faults;
    const places = new Map<string, number>();
    for (const member of asSent()) places.set(member, places.size);
    const place = (fault: Fault) => places.get(fault.member) ?? places.size;
    return this.#faults.toSorted((a, b) => place(a) - place(b));
  }
}
