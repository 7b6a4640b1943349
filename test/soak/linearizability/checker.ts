/**
 * Checks whether a history is linearizable: whether its operations can be put into one order in which each has the
 * output that it had, and in which none comes before one that had ended when it began.
 *
 * The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of the
 * states that were tried, as in Porcupine. It takes little time if few operations overlap.
 */

/** One operation of a client. */
export interface Operation<Input, Output> {
  readonly client: string;
  readonly input: Input;
  /** Undefined if there was no answer: the operation takes effect at any time after its call, or never. */
  readonly output: Output | undefined;
  /** When it was called and when it returned, by the same clock. Infinity if it did not return. */
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** The sequential behavior of an object. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * The state after an operation; `refused` if it cannot have had this output in this state. If the output is undefined, any
   * state allows it.
   */
  step(state: State, input: Input, output: Output | undefined): State | typeof REFUSED;
  /** Equal for equal states. */
  keyOf(state: State): string;
}

export const REFUSED: unique symbol = Symbol('refused');

/** Whether a history is linearizable; if not, the longest order that was found. */
export type Verdict<Input, Output> =
  | { readonly isLinearizable: true }
  | {
      readonly isLinearizable: false;
      readonly longest: readonly Operation<Input, Output>[];
      /** The first operation to return of those that cannot follow. */
      readonly stuckAt: Operation<Input, Output>;
    };

/** A call or a return, in a list in the order of time. */
interface Event {
  /** The number of its operation. */
  readonly id: number;
  readonly isCall: boolean;
  before: Event | undefined;
  after: Event | undefined;
}

/** Checks a history of one object. */
export function checkLinearizable<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): Verdict<Input, Output> {
  const operations = history.toSorted((a, b) => a.calledAt - b.calledAt);
  const head = listOf(operations);
  const returnOf = new Map<number, Event>();
  for (let event = head.after; event !== undefined; event = event.after)
    if (!event.isCall) returnOf.set(event.id, event);
  const done = new DoneSet(operations.length);
  const tried = new Set<string>();
  const path: { readonly call: Event; readonly state: State }[] = [];
  let state = model.initial;
  let longest: readonly number[] = [];
  let stuckAt = 0;
  let event = head.after;
  while (event !== undefined) {
    const operation = operations[event.id];
    if (operation === undefined) throw new Error('missing operation');
    if (event.isCall) {
      const next = model.step(state, operation.input, operation.output);
      if (next !== REFUSED) {
        done.add(event.id);
        const key = `${model.keyOf(next)} ${done.key}`;
        if (!tried.has(key)) {
          tried.add(key);
          path.push({ call: event, state });
          state = next;
          unlink(event);
          unlink(found(returnOf, event.id));
          event = head.after;
          continue;
        }
        done.remove(event.id);
      }
      event = event.after;
      continue;
    }
    // The remaining operations did not return, so they need not have taken effect.
    if (operation.returnedAt === Infinity) return { isLinearizable: true };
    if (path.length >= longest.length) {
      longest = path.map(({ call }) => call.id);
      stuckAt = event.id;
    }
    const last = path.pop();
    if (last === undefined) {
      const at = (id: number): Operation<Input, Output> => found(operations, id);
      return { isLinearizable: false, longest: longest.map(at), stuckAt: at(stuckAt) };
    }
    done.remove(last.call.id);
    ({ state } = last);
    relink(found(returnOf, last.call.id));
    relink(last.call);
    event = last.call.after;
  }
  return { isLinearizable: true };
}

function found<Key, Value>(
  values: { at?(key: Key): Value | undefined; get?(key: Key): Value | undefined },
  key: Key,
): Value {
  const value = values.get?.(key) ?? values.at?.(key);
  if (value === undefined) throw new Error('missing in the history');
  return value;
}

/** All calls and returns. At one moment, calls come first: the operations overlap. */
function listOf(operations: readonly Operation<unknown, unknown>[]): Event {
  const timed = operations.flatMap(({ calledAt, returnedAt }, id) => [
    { at: calledAt, id, isCall: true },
    { at: returnedAt, id, isCall: false },
  ]);
  timed.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at));
  const head: Event = { id: -1, isCall: false, before: undefined, after: undefined };
  let last = head;
  for (const { id, isCall } of timed) {
    const event: Event = { id, isCall, before: last, after: undefined };
    last.after = event;
    last = event;
  }
  return head;
}

function unlink({ before, after }: Event): void {
  if (before !== undefined) before.after = after;
  if (after !== undefined) after.before = before;
}

function relink(event: Event): void {
  if (event.before !== undefined) event.before.after = event;
  if (event.after !== undefined) event.after.before = event;
}

/** The operations that are in the order so far, as a short key: most of them are the first ones. */
class DoneSet {
  readonly #isDone: Uint8Array;
  /** All before it are done. */
  #first = 0;
  /** Behind the last one that is done. */
  #end = 0;

  constructor(size: number) {
    this.#isDone = new Uint8Array(size);
  }

  add(id: number): void {
    this.#isDone[id] = 1;
    while (this.#isDone[this.#first] === 1) this.#first += 1;
    this.#end = Math.max(this.#end, id + 1);
  }

  remove(id: number): void {
    this.#isDone[id] = 0;
    this.#first = Math.min(this.#first, id);
    while (this.#end > 0 && this.#isDone[this.#end - 1] === 0) this.#end -= 1;
  }

  get key(): string {
    const later: number[] = [];
    for (let id = this.#first; id < this.#end; id += 1) if (this.#isDone[id] === 1) later.push(id);
    return `${this.#first}:${later.join()}`;
  }
}
