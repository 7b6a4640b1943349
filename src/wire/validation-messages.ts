/** Longest part of a value that a message quotes, in UTF-16 code units. */
const ECHO_LENGTH_MAX = 64;

/** Quotes a value for a message: as JSON, cut if it is long. Arrays and objects are only called that. */
export function quoteValue(value: unknown): string {
  if (typeof value === 'string') return echoText(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function echoText(text: string): string {
  const head = cut(text);
  return JSON.stringify(head) + (head === text ? '' : '…');
}

/** Quotes a number as it was written, cut if it is long. */
export function quoteNumber(written: string): string {
  const head = cut(written);
  return head === written ? head : `${head}…`;
}

/** Cuts a text without splitting a surrogate pair. */
function cut(text: string): string {
  if (text.length <= ECHO_LENGTH_MAX) return text;
  const head = text.slice(0, ECHO_LENGTH_MAX);
  const last = text.codePointAt(ECHO_LENGTH_MAX - 1) ?? 0;
  return last > 0xffff ? head.slice(0, -1) : head;
}

/** The error message for an invalid value. */
export function notAllowed(member: string, allowed: string, value: unknown): string {
  return `${member} must be ${allowed}; ${quoteValue(value)} is not.`;
}

/** Most unknown members of one object that a message names. */
const UNKNOWN_NAMED_MAX = 100;

/** JavaScript moves members whose names look like array indices to the front. */
const LIKE_AN_INDEX = /^[0-9]+$/;

interface MemberError {
  readonly member: string;
  readonly sentence: string;
}

/** Collects the errors of one object's members for one message. */
export class MemberErrors {
  readonly #validMembers: readonly string[];
  readonly #errors: MemberError[] = [];
  #unknownCount = 0;

  constructor(validMembers: readonly string[]) {
    this.#validMembers = validMembers;
  }

  get isEmpty(): boolean {
    return this.#errors.length === 0;
  }

  /** `sentence` says what is wrong with `member` and what is allowed. */
  add(member: string, sentence: string): void {
    this.#errors.push({ member, sentence });
  }

  /** Adds an unknown member; `shown` is how the message calls it. */
  addUnknown(member: string, shown: string = member): void {
    this.#unknownCount += 1;
    if (this.#unknownCount <= UNKNOWN_NAMED_MAX) {
      this.add(member, `${quoteValue(shown)} is not a known member.`);
    }
  }

  /** Returns all sentences in the order of the members as sent; `asSent` returns that order, called only if needed. */
  print(asSent: () => Iterable<string>): string {
    const sentences = this.#inOrderSent(asSent).map((error) => error.sentence);
    if (this.#unknownCount > UNKNOWN_NAMED_MAX) {
      sentences.push(`Nor are ${this.#unknownCount - UNKNOWN_NAMED_MAX} more.`);
    }
    if (this.#unknownCount > 0) sentences.push(`Valid members: ${this.#validMembers.join(', ')}.`);
    return sentences.join(' ');
  }

  #inOrderSent(asSent: () => Iterable<string>): readonly MemberError[] {
    const mayBeMoved = this.#errors.some((error) => LIKE_AN_INDEX.test(error.member));
    if (this.#errors.length < 2 || !mayBeMoved) return this.#errors;
    const places = new Map<string, number>();
    for (const member of asSent()) places.set(member, places.size);
    const place = (error: MemberError) => places.get(error.member) ?? places.size;
    return this.#errors.toSorted((a, b) => place(a) - place(b));
  }
}
