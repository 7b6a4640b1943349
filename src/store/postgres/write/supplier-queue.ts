import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../../../domain/batches.ts';

/** A queued call: `apply` calls can share a transaction, `run` calls cannot. */
type QueueItem<O> =
  | {
      readonly batches: readonly Batch[];
      readonly lineCount: number;
      readonly resolve: (outcomes: readonly O[]) => void;
    }
  | { readonly run: () => Promise<void> };

/** Applies the batches of one supplier in one transaction; returns one outcome per batch. Must not reject. */
type ApplyGroup<O> = (supplierId: number, batches: readonly Batch[]) => Promise<readonly O[]>;

/**
 * One queue per supplier, run one item at a time. Two concurrent transactions of one supplier would gain
 * nothing: the second would hold a connection and wait for the first one's row lock. Batches that wait
 * share the next transaction (group commit).
 */
export class SupplierQueue<O> {
  readonly #applyGroup: ApplyGroup<O>;
  readonly #groupLinesMax: number;
  readonly #queues = new Map<number, QueueItem<O>[]>();
  readonly #running = new Map<number, Promise<void>>();

  /** @param groupLinesMax maximum lines that share a transaction; a larger call gets its own */
  constructor(groupLinesMax: number, applyGroup: ApplyGroup<O>) {
    this.#groupLinesMax = groupLinesMax;
    this.#applyGroup = applyGroup;
  }

  /** Applies batches in order, possibly in one transaction with those of neighbouring calls. */
  apply(supplierId: number, batches: readonly Batch[]): Promise<readonly O[]> {
    if (batches.length === 0) return Promise.resolve([]);
    const lineCount = batches.reduce((count, { lines }) => count + lines.count, 0);
    return new Promise((resolve) => {
      this.#enqueue(supplierId, { batches, lineCount, resolve });
    });
  }

  /** Runs a function while no other item of the supplier runs. */
  run<T>(supplierId: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#enqueue(supplierId, { run: () => work().then(resolve, reject) });
    });
  }

  /** Resolves when all queues are empty. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #enqueue(supplierId: number, item: QueueItem<O>): void {
    const existing = this.#queues.get(supplierId);
    if (existing !== undefined) {
      existing.push(item);
      return;
    }
    const queue = [item];
    this.#queues.set(supplierId, queue);
    this.#running.set(supplierId, this.#process(supplierId, queue));
  }

  async #process(supplierId: number, queue: QueueItem<O>[]): Promise<void> {
    for (;;) {
      // Lets requests that are being parsed right now join the group.
      await setImmediate();
      const item = queue.shift();
      if (item === undefined) break;
      if ('run' in item) {
        await item.run();
        continue;
      }
      const group = [item];
      let { lineCount } = item;
      for (let next = queue[0]; next !== undefined && 'batches' in next; next = queue[0]) {
        lineCount += next.lineCount;
        if (lineCount > this.#groupLinesMax) break;
        group.push(next);
        queue.shift();
      }
      const outcomes = await this.#applyGroup(
        supplierId,
        group.flatMap(({ batches }) => batches),
      );
      let from = 0;
      for (const { batches, resolve } of group) {
        resolve(outcomes.slice(from, from + batches.length));
        from += batches.length;
      }
    }
    this.#queues.delete(supplierId);
    this.#running.delete(supplierId);
  }
}
