import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '../../domain/steps.ts';

/** The turn that was asked for last. */
let lastTurn: Promise<void> = Promise.resolve();

/** Resolves in a later turn of the event loop, and in one of its own, however many wait. */
export function ownTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => nextTurn());
  return lastTurn;
}

/** Does long work on the calling thread; where it pauses, the thread does other work. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await ownTurn();
  }
}
