import type { Change } from '../domain/changes.ts';
import type { ChangeStore } from '../store/store.ts';

/** The most changes in the cache, a few hundred bytes each. */
const CHANGES_MAX = 20_000;

/**
 * Caches the latest reads, because the readers that follow one supplier all read the same changes. A change is
 * immutable, so the cache is never stale.
 */
export class ChangeCache {
  readonly #changes: Pick<ChangeStore, 'read'>;
  /** By supplier, sequence and count; the oldest first. */
  readonly #reads = new Map<string, Promise<readonly Change[]>>();
  #count = 0;

  constructor(changes: Pick<ChangeStore, 'read'>) {
    this.#changes = changes;
  }

  /** Reads `count` changes that exist. */
  read(supplierId: number, afterSequence: number, count: number): Promise<readonly Change[]> {
    if (count > CHANGES_MAX) return this.#changes.read(supplierId, afterSequence, count);
    const key = `${supplierId} ${afterSequence} ${count}`;
    const cached = this.#reads.get(key);
    if (cached !== undefined) return cached;
    const reading = this.#changes.read(supplierId, afterSequence, count);
    this.#add(key, count, reading);
    return reading;
  }

  /** Prefetches a likely next `read`, so that the store reads while the previous changes are sent. */
  readAhead(supplierId: number, afterSequence: number, count: number): void {
    if (count * 2 > CHANGES_MAX) return;
    // The `read` that uses it gets the failure.
    this.read(supplierId, afterSequence, count).catch(() => undefined);
  }

  #add(key: string, count: number, reading: Promise<readonly Change[]>): void {
    this.#reads.set(key, reading);
    this.#count += count;
    const remove = (cached: string): void => {
      if (!this.#reads.delete(cached)) return;
      this.#count -= Number(cached.slice(cached.lastIndexOf(' ') + 1));
    };
    for (const oldest of this.#reads.keys()) {
      if (this.#count <= CHANGES_MAX) break;
      remove(oldest);
    }
    // A read that failed or returned too few changes is not cached.
    reading.then(
      (changes) => changes.length === count || remove(key),
      () => remove(key),
    );
  }
}
