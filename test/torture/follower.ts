import { isDeepStrictEqual } from 'node:util';
import type { ChangeFeed, ChangeReader } from '../../src/changes/change-feed.ts';
import type { Cursor } from '../../src/changes/cursor.ts';
import type { Change } from '../../src/domain/changes.ts';
import { OnhandError } from '../../src/domain/errors.ts';
import type { Observed } from './observe.ts';

/** Follows the changes of all suppliers, through crashes of its own and of the store. */
export class Follower {
  /** Where it resumes. */
  #cursor: Cursor | undefined;
  /** The changes that it has read, by the supplier's name. */
  readonly #seen = new Map<string, Change[]>();

  /** Reads a page. If it forgets the page, it reads from the same cursor again. */
  async read(
    feed: ChangeFeed,
    supplierIds: readonly number[],
    limit: number,
    forgets: boolean,
  ): Promise<void> {
    const reader: ChangeReader = {
      organizationId: 1,
      supplierIds: () => Promise.resolve(supplierIds),
    };
    try {
      this.#cursor ??= await feed.begin(reader, 'start');
      const { records, position } = await feed.next(reader, this.#cursor, limit);
      if (forgets) return;
      for (const record of records) if (record.kind === 'change') this.#see(record.change);
      this.#cursor = position;
    } catch (error) {
      // Retention has deleted changes that it has not read: it starts again.
      if (!(error instanceof OnhandError) || error.code !== 'cursor_expired') throw error;
      this.#cursor = undefined;
      this.#seen.clear();
    }
  }

  #see(change: Change): void {
    const seen = this.#seen.get(change.supplier.name) ?? [];
    this.#seen.set(change.supplier.name, seen);
    const last = seen.at(-1);
    if (last !== undefined && change.sequence !== last.sequence + 1)
      throw new Error(`the follower saw change ${change.sequence} after ${last.sequence}`);
    seen.push(change);
  }

  /** Throws if the store no longer has what the follower saw. */
  check(supplier: string, { changes, dropped }: Observed): void {
    for (const change of this.#seen.get(supplier) ?? []) {
      const shown = changes[change.sequence - dropped - 1];
      if (change.sequence > dropped && !isSame(shown, change)) {
        throw new Error(
          `supplier ${supplier} has another change ${change.sequence} than the one that a follower saw`,
        );
      }
    }
  }
}

function isSame(a: Change | undefined, b: Change): boolean {
  return a !== undefined && isDeepStrictEqual(fixedParts(a), fixedParts(b));
}

/** The parts of a change that stay the same; its product may be updated later. */
function fixedParts({ sequence, changedAtMs, before, after, batchUuid, sku }: Change) {
  return [sequence, changedAtMs, before, after, batchUuid, sku.skuId];
}
