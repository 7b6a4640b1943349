import type { Steps } from '../../../domain/steps.ts';

/** Does a step of long work, some milliseconds. Returns whether there is more. */
type Step = () => boolean;

/** Long work of a thread for one supplier each, done in slices between the thread's other calls. */
export class Slices {
  /** The work that takes turns. */
  readonly #waiting: Step[] = [];
  /** The suppliers of that work, each with the end of its work. */
  readonly #busy = new Map<number, Promise<void>>();
  #isRunning = false;

  /** Does work, in slices. Other work of the supplier must wait: see `whenFree`. */
  run<T>(supplierId: number, work: Steps<T>): Promise<T> {
    const ended = Promise.withResolvers<T>();
    const settled = ended.promise.then(
      () => this.#free(supplierId),
      () => this.#free(supplierId),
    );
    this.#busy.set(supplierId, settled);
    this.#waiting.push(() => {
      try {
        const step = work.next();
        if (step.done === true) ended.resolve(step.value);
        return step.done !== true;
      } catch (error) {
        ended.reject(error);
        return false;
      }
    });
    this.#runLater();
    return ended.promise;
  }

  #free(supplierId: number): void {
    this.#busy.delete(supplierId);
  }

  /** Does something when none of these suppliers has work: at once, if possible. In the order of the calls. */
  whenFree<T>(supplierIds: readonly number[], work: () => T | Promise<T>): T | Promise<T> {
    if (this.#busy.size === 0) return work();
    const busy = supplierIds.flatMap((id) => this.#busy.get(id) ?? []);
    if (busy.length === 0) return work();
    return Promise.all(busy).then(() => this.whenFree(supplierIds, work));
  }

  #runLater(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Between two of these, the thread handles the calls that wait.
    setImmediate(() => {
      this.#isRunning = false;
      this.#runStep();
      if (this.#waiting.length > 0) this.#runLater();
    });
  }

  #runStep(): void {
    const step = this.#waiting.shift();
    if (step?.() === true) this.#waiting.push(step);
  }

  /** Does all work to its end, including what waits for it. */
  async finish(): Promise<void> {
    while (this.#busy.size > 0) {
      while (this.#waiting.length > 0) this.#runStep();
      await new Promise(setImmediate);
    }
  }
}
