/** Long work of the thread that answers requests, in slices of a few milliseconds. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The turn of the slice that was queued last. */
let lastTurn: Promise<void> = Promise.resolve();

/** Resolves when a slice may run: one in each turn of the event loop, however many requests have some to run. */
export function sliceTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => nextTurn());
  return lastTurn;
}

/** Runs long synchronous work; each time it yields, other requests get a turn. */
export async function runYielding<T>(work: Generator<undefined, T, undefined>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await sliceTurn();
  }
}

/** Text that was printed in slices. */
export interface PrintedText<T> {
  /** The text, encoded. */
  readonly parts: readonly Buffer[];
  /** What the printer returned. */
  readonly value: T;
}

/** Shorter slices are joined. */
const PART_CHARACTERS = 64 * 1024;

/** Prints a long text slice by slice; other requests get a turn after each. */
export async function printInSlices<T>(printing: Generator<string, T>): Promise<PrintedText<T>> {
  const parts: Buffer[] = [];
  let text = '';
  for (;;) {
    const step = printing.next();
    if (step.done === true) {
      if (text !== '') parts.push(Buffer.from(text));
      return { parts, value: step.value };
    }
    text += step.value;
    if (text.length < PART_CHARACTERS) continue;
    parts.push(Buffer.from(text));
    text = '';
    await sliceTurn();
  }
}
