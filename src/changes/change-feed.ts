import type { ChangeRecord } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Organization } from '../domain/parties.ts';
import type { AccountStore, ChangeStore } from '../store/store.ts';
import type { ChangePage } from '../wire/changes/change-pages.ts';
import { ChangeCache } from './change-cache.ts';
import { type Cursor, parseCursor, printCursor } from './cursor.ts';
import { HeadWatch } from './head-watch.ts';
import {
  cursorAfter,
  cursorAtNow,
  cursorAtStart,
  type Plan,
  planReading,
  refuseAhead,
} from './read-plan.ts';

/** Who reads changes, and whose. */
export interface ChangeReader {
  readonly organizationId: number;
  /** The suppliers to follow: all that the reader may see now, or those of them that it chose. */
  readonly supplierIds: () => Promise<readonly number[]>;
}

export interface ReadChunk extends ChangePage {
  /** Where it stands after the chunk. */
  readonly position: Cursor;
  /** Whether there is more to read at once. */
  readonly hasMore: boolean;
}

/** Gives readers the changes of the suppliers that they follow, from where they stand. */
export class ChangeFeed {
  readonly #changes: ChangeStore;
  readonly #accounts: Pick<AccountStore, 'findOrganizationsById'>;
  readonly #cache: ChangeCache;
  readonly #watch: HeadWatch;
  #key: Promise<Uint8Array> | undefined;

  constructor(changes: ChangeStore, accounts: Pick<AccountStore, 'findOrganizationsById'>) {
    this.#changes = changes;
    this.#accounts = accounts;
    this.#cache = new ChangeCache(changes);
    this.#watch = new HeadWatch(changes);
  }

  /** Where a reader stands that begins: at the first changes that are kept, or at those to come. */
  async begin(reader: ChangeReader, from: 'start' | 'now'): Promise<Cursor> {
    const supplierIds = await reader.supplierIds();
    const heads = await this.#changes.heads(supplierIds);
    return from === 'now' ? cursorAtNow(supplierIds, heads) : cursorAtStart(supplierIds, heads);
  }

  /** Where a reader stands that comes back. Throws `parameter_invalid` for what is no cursor of its own. */
  async resume(reader: ChangeReader, text: string): Promise<Cursor> {
    return parseCursor(text, await this.#seal(reader));
  }

  /** A cursor as its reader is given it. */
  async print(reader: ChangeReader, cursor: Cursor): Promise<string> {
    return printCursor(cursor, await this.#seal(reader));
  }

  async #seal({ organizationId }: ChangeReader) {
    this.#key ??= this.#changes.secretKey();
    return { key: await this.#key, readerId: organizationId };
  }

  /**
   * The next records, at most `limit` changes. Rejects with `cursor_expired` where changes that the reader
   * has not seen are no longer kept.
   */
  async next(reader: ChangeReader, cursor: Cursor, limit: number): Promise<ReadChunk> {
    const supplierIds = await reader.supplierIds();
    const heads = await this.#changes.heads([
      ...new Set([...cursor.sequences.keys(), ...supplierIds]),
    ]);
    refuseAhead(cursor, heads);
    const plan = planReading({ cursor, supplierIds, heads, limit });
    const records: ChangeRecord[] = [];
    const named = await this.#name(
      [...plan.left, ...plan.entered].map(({ supplierId }) => supplierId),
    );
    for (const { supplierId, sequence } of plan.left) {
      records.push({ kind: 'supplier_left', supplier: named(supplierId), sequence });
    }
    for (const { supplierId, sequence } of plan.entered) {
      records.push({ kind: 'supplier_entered', supplier: named(supplierId), sequence });
    }
    const done: { readonly supplierId: number; readonly lastSequence: number }[] = [];
    for (const { supplierId, afterSequence, count } of plan.reads) {
      const changes = await this.#cache.read(supplierId, afterSequence, count);
      const last = changes.at(-1);
      // They were there when the heads were read: old ones may have been dropped since.
      if (changes[0]?.sequence !== afterSequence + 1 || last === undefined)
        throw expiredMeanwhile();
      for (const change of changes) records.push({ kind: 'change', change });
      done.push({ supplierId, lastSequence: last.sequence });
    }
    const position = cursorAfter(plan.cursor, done);
    this.#readAhead(planReading({ cursor: position, supplierIds, heads, limit }), limit);
    return { records, position, cursor: await this.print(reader, position), hasMore: plan.hasMore };
  }

  /** Of those who read a page after another the next is read while this one is sent. */
  #readAhead({ reads: [next] }: Plan, limit: number): void {
    if (next?.count === limit)
      this.#cache.readAhead(next.supplierId, next.afterSequence, next.count);
  }

  async #name(ids: readonly number[]): Promise<(id: number) => Organization> {
    const organizations = await this.#accounts.findOrganizationsById(ids);
    return (id) => {
      const found = organizations.find((organization) => organization.id === id);
      if (found === undefined) throw new Error(`there is no organization ${id}`);
      return found;
    };
  }

  /** Resolves when there may be something new for who stands there, and at the latest after that time. */
  wait(position: Cursor, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#watch.wait(position.sequences, timeoutMs, signal);
  }

  /** Lets everybody go who waits. */
  close(): void {
    this.#watch.close();
  }
}

function expiredMeanwhile(): OnhandError {
  return new OnhandError(
    'cursor_expired',
    'The changes at this cursor were dropped while they were to be read; begin anew with from=now.',
  );
}
