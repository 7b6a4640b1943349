import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../../../domain/batches.ts';

/** Lines that share one transaction at most; a larger batch has one of its own. */
const GROUP_LINES_MAX = 10_000;

/** Something to be done of a supplier: lines can be joined by others, work stands alone. */
type Turn<O> =
  | {
      readonly batches: readonly Batch[];
      readonly lineCount: number;
      readonly answer: (outcomes: readonly O[]) => void;
    }
  | { readonly work: () => Promise<void> };

/**
 * Each supplier's turns, one after another: of two transactions of one supplier the second would only hold
 * a connection and wait for the first. Batches that wait meanwhile share the next one (group commit).
 */
export class SupplierQueue<O> {
  readonly #apply: (supplierId: number, batches: readonly Batch[]) => Promise<readonly O[]>;
  readonly #waiting = new Map<number, Turn<O>[]>();
  readonly #served = new Map<number, Promise<void>>();

  /** @param apply gives the outcome of each batch; it may not reject */
  constructor(apply: (supplierId: number, batches: readonly Batch[]) => Promise<readonly O[]>) {
    this.#apply = apply;
  }

  /** Applies batches in their order, perhaps together with others that came before and after. */
  apply(supplierId: number, batches: readonly Batch[]): Promise<readonly O[]> {
    if (batches.length === 0) return Promise.resolve([]);
    const lineCount = batches.reduce((count, { lines }) => count + lines.count, 0);
    return new Promise((answer) => {
      this.#wait(supplierId, { batches, lineCount, answer });
    });
  }

  /** Does work in a turn of its own. */
  run<T>(supplierId: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#wait(supplierId, { work: () => work().then(resolve, reject) });
    });
  }

  /** Resolves once nothing waits. */
  async finish(): Promise<void> {
    while (this.#served.size > 0) await Promise.all(this.#served.values());
  }

  #wait(supplierId: number, turn: Turn<O>): void {
    const waiting = this.#waiting.get(supplierId);
    if (waiting !== undefined) {
      waiting.push(turn);
      return;
    }
    const queue = [turn];
    this.#waiting.set(supplierId, queue);
    this.#served.set(supplierId, this.#serve(supplierId, queue));
  }

  async #serve(supplierId: number, queue: Turn<O>[]): Promise<void> {
    for (;;) {
      // Those who were just answered, or are being read right now, may join.
      await setImmediate();
      const turn = queue.shift();
      if (turn === undefined) break;
      if ('work' in turn) {
        await turn.work();
        continue;
      }
      const together = [turn];
      let { lineCount } = turn;
      for (let next = queue[0]; next !== undefined && 'batches' in next; next = queue[0]) {
        lineCount += next.lineCount;
        if (lineCount > GROUP_LINES_MAX) break;
        together.push(next);
        queue.shift();
      }
      const outcomes = await this.#apply(
        supplierId,
        together.flatMap(({ batches }) => batches),
      );
      let from = 0;
      for (const { batches, answer } of together) {
        answer(outcomes.slice(from, from + batches.length));
        from += batches.length;
      }
    }
    this.#waiting.delete(supplierId);
    this.#served.delete(supplierId);
  }
}
