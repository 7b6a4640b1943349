import type { ChangeHead } from '../domain/changes.ts';
import type { ChangeStore } from '../store/store.ts';

/** How often the heads are read while anybody waits for them: what a change is late by at most, and little else. */
const POLL_EVERY_MS = 50;

interface Waiter {
  /** For each supplier, the sequence that is waited to be passed. */
  readonly sequences: ReadonlyMap<number, number>;
  readonly wake: () => void;
}

/**
 * Watches how far suppliers are, for all who wait on this node: one small read tells whether anything is
 * new, however many wait, and whichever node or command wrote it.
 */
export class HeadWatch {
  readonly #changes: Pick<ChangeStore, 'heads'>;
  readonly #waiters = new Set<Waiter>();
  #poll: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(changes: Pick<ChangeStore, 'heads'>) {
    this.#changes = changes;
  }

  /**
   * Resolves when a supplier has passed its sequence, when the time is over, when `signal` is given, or
   * when the watch is closed.
   */
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
    this.#poll = setTimeout(() => void this.#look(), POLL_EVERY_MS);
  }

  async #look(): Promise<void> {
    try {
      this.#wakeBy(await this.#changes.heads([...this.#awaited()]));
    } catch {
      // Whoever reads next is told that the store does not answer; who waits goes on waiting.
    }
    this.#poll = undefined;
    this.#schedule();
  }

  #awaited(): ReadonlySet<number> {
    const ids = new Set<number>();
    for (const { sequences } of this.#waiters) for (const id of sequences.keys()) ids.add(id);
    return ids;
  }

  #wakeBy(heads: ReadonlyMap<number, ChangeHead>): void {
    for (const waiter of this.#waiters) {
      for (const [id, sequence] of waiter.sequences) {
        if ((heads.get(id)?.lastSequence ?? 0) <= sequence) continue;
        waiter.wake();
        break;
      }
    }
  }

  /** Lets everybody go who waits. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#poll);
    for (const waiter of this.#waiters) waiter.wake();
  }
}
