import { setImmediate as nextTurn } from 'node:timers/promises';

/** Runs work that yields now and then, and lets other requests have a turn each time it does. */
export async function runYielding<T>(work: Generator<undefined, T, undefined>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}
