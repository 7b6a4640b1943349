import type { ChangeHead } from '../domain/changes.ts';
import type { ChangeStore } from '../store/store.ts';

/** How often heads are read while there are waiters: about the longest delay of a change. */
const POLL_EVERY_MS = 50;

interface Waiter {
  /** For each supplier, the sequence after which a change is awaited. */
  readonly sequences: ReadonlyMap<number, number>;
  readonly wake: () => void;
}

/**
 * Waits for new changes. One small periodic read serves all waiters of this node and finds changes from any node or
 * command.
 */
export class HeadWatch {
  readonly #changes: Pick<ChangeStore, 'heads'>;
  readonly #waiters = new Set<Waiter>();
  #poll: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(changes: Pick<ChangeStore, 'heads'>) {
    this.#changes = changes;
  }

  /** Resolves when a supplier has a later sequence, after `timeoutMs`, on `signal`, or when the watch is closed. */
  wait(
    sequences: ReadonlyMap<number, number>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiters.delete(waiter);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake);
      const waiter = { sequences, wake };
      this.#waiters.add(waiter);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#poll !== undefined || this.#closed || this.#waiters.size === 0) return;
    this.#poll = setTimeout(() => void this.#readHeads(), POLL_EVERY_MS);
  }

  async #readHeads(): Promise<void> {
    try {
      this.#wakeWaiters(await this.#changes.heads([...this.#awaitedSuppliers()]));
    } catch {
      // The waiters keep waiting. Their next read reports that the store does not answer.
    }
    this.#poll = undefined;
    this.#schedule();
  }

  #awaitedSuppliers(): ReadonlySet<number> {
    const ids = new Set<number>();
    for (const { sequences } of this.#waiters) for (const id of sequences.keys()) ids.add(id);
    return ids;
  }

  #wakeWaiters(heads: ReadonlyMap<number, ChangeHead>): void {
    for (const waiter of this.#waiters) {
      for (const [id, sequence] of waiter.sequences) {
        if ((heads.get(id)?.lastSequence ?? 0) <= sequence) continue;
        waiter.wake();
        break;
      }
    }
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#poll);
    for (const waiter of this.#waiters) waiter.wake();
  }
}
