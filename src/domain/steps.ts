/** Long synchronous work that yields where its caller may do something else. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Elements that are worked on between two pauses: some milliseconds. */
const PAUSE_EVERY = 1000;

/** Whether work on the elements of a list pauses after the one with this index. */
export function isPause(index: number): boolean {
  return index % PAUSE_EVERY === PAUSE_EVERY - 1;
}

/** Does work to its end, without a pause. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
