import type { Change } from '../domain/changes.ts';
import type { ChangeStore } from '../store/store.ts';

/** How many changes are kept at most, some hundred bytes each. */
const CHANGES_MAX = 20_000;

/**
 * Reads changes, and keeps the last reads for a moment: those who follow one supplier all want the same.
 * A change that was read never changes, so that what is kept is never wrong.
 */
export class ChangeCache {
  readonly #changes: Pick<ChangeStore, 'read'>;
  /** By what was asked, the oldest first. */
  readonly #reads = new Map<string, Promise<readonly Change[]>>();
  #count = 0;

  constructor(changes: Pick<ChangeStore, 'read'>) {
    this.#changes = changes;
  }

  /** Exactly `count` changes, which are known to be there. */
  read(supplierId: number, afterSequence: number, count: number): Promise<readonly Change[]> {
    if (count > CHANGES_MAX) return this.#changes.read(supplierId, afterSequence, count);
    const asked = `${supplierId} ${afterSequence} ${count}`;
    const known = this.#reads.get(asked);
    if (known !== undefined) return known;
    const reading = this.#changes.read(supplierId, afterSequence, count);
    this.#keep(asked, count, reading);
    return reading;
  }

  /** Begins to read what is likely to be asked for next, as `read` will ask for it: the store reads while what came before is sent. */
  readAhead(supplierId: number, afterSequence: number, count: number): void {
    if (count * 2 > CHANGES_MAX) return;
    // Whoever asks for it is told of a failure.
    this.read(supplierId, afterSequence, count).catch(() => undefined);
  }

  #keep(asked: string, count: number, reading: Promise<readonly Change[]>): void {
    this.#reads.set(asked, reading);
    this.#count += count;
    const forget = (key: string): void => {
      if (!this.#reads.delete(key)) return;
      this.#count -= Number(key.slice(key.lastIndexOf(' ') + 1));
    };
    for (const oldest of this.#reads.keys()) {
      if (this.#count <= CHANGES_MAX) break;
      forget(oldest);
    }
    // What failed, or came short, is asked for again.
    reading.then(
      (changes) => changes.length === count || forget(asked),
      () => forget(asked),
    );
  }
}
