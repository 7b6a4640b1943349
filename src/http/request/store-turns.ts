import { FairTurns } from '../../domain/fair-turns.ts';
import type { Grouping } from '../../store/store.ts';

/**
 * The calls of the store that do not queue in `Intake`: lists, counts, reverts and small writes. The store works on
 * few calls at the same time and serves the others in order. So only as many as it works on are sent to it, and
 * organizations take turns: many calls of one delay another by one turn.
 */
export class StoreTurns {
  readonly #reads: FairTurns;
  /** Reads that may look at each SKU of a supplier: they take seconds and must leave turns to those that take milliseconds. */
  readonly #scans: FairTurns;
  readonly #writes: FairTurns;
  /** Beside the writes, which need not wait for them. */
  readonly #reverts: FairTurns;

  /** @param groupsMax how many transactions the store runs at the same time */
  constructor({ isShared, groupsMax }: Grouping) {
    // A store that shares groups has one thread for reads and one for writes; others have a connection for each call.
    this.#reads = new FairTurns(isShared ? groupsMax : Math.max(1, Math.floor(groupsMax / 2)));
    const longMax = isShared ? 1 : Math.max(1, Math.floor(groupsMax / 4));
    this.#scans = new FairTurns(longMax);
    this.#writes = new FairTurns(longMax);
    this.#reverts = new FairTurns(longMax);
  }

  read<T>(organizationId: number, work: () => Promise<T>): Promise<T> {
    return this.#reads.run(organizationId, work);
  }

  scan<T>(organizationId: number, work: () => Promise<T>): Promise<T> {
    return this.#scans.run(organizationId, () => this.read(organizationId, work));
  }

  write<T>(organizationId: number, work: () => Promise<T>): Promise<T> {
    return this.#writes.run(organizationId, work);
  }

  /** An undo, which may take seconds. */
  revert<T>(organizationId: number, work: () => Promise<T>): Promise<T> {
    return this.#reverts.run(organizationId, work);
  }
}
