import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChangeRecord, Change, ChangeHead } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Organization } from '../domain/parties.ts';
import type { AccountStore, ChangeStore } from '../store/store.ts';
import type { ChangePage } from '../wire/changes/change-pages.ts';
import { FairTurns } from '../domain/fair-turns.ts';
import { FeedLag, type FeedConsumer } from './feed-lag.ts';
import { type Cursor, parseCursor, printCursor } from './cursor.ts';
import {
  cursorAfter,
  cursorAtNow,
  cursorAtStart,
  type Plan,
  planReading,
  refuseAhead,
} from './read-plan.ts';

/** A reader of changes. */
export interface ChangeReader {
  readonly organizationId: number;
  /** The suppliers to follow: all that the reader can see now, or the chosen ones of them. */
  readonly supplierIds: () => Promise<readonly number[]>;
  /** How it reads, to measure how far it is behind; undefined is not measured. */
  readonly consumer?: FeedConsumer;
}

export interface ReadChunk extends ChangePage {
  /** The cursor after the chunk. */
  readonly position: Cursor;
  /** Whether more changes are available now. */
  readonly hasMore: boolean;
}

/** The most reads of followers that run at the same time. */
const READS_AT_ONCE_MAX = 8;

/** The change feed: gives readers the changes of the suppliers that they follow, from a cursor on. */
export class ChangeFeed {
  readonly #changes: ChangeStore;
  readonly #accounts: Pick<AccountStore, 'findOrganizationsById'>;
  readonly #cache: ChangeCache;
  readonly #watch: HeadWatch;
  readonly #turns = new FairTurns(READS_AT_ONCE_MAX);
  readonly #lag = new FeedLag();
  #key: Promise<Uint8Array> | undefined;

  constructor(changes: ChangeStore, accounts: Pick<AccountStore, 'findOrganizationsById'>) {
    this.#changes = changes;
    this.#accounts = accounts;
    this.#cache = new ChangeCache(changes);
    this.#watch = new HeadWatch(changes);
  }

  /** The cursor of a new reader: before the oldest stored change, or after the latest. */
  async begin(reader: ChangeReader, from: 'start' | 'now'): Promise<Cursor> {
    const supplierIds = await reader.supplierIds();
    const heads = await this.#changes.heads(supplierIds);
    return from === 'now' ? cursorAtNow(supplierIds, heads) : cursorAtStart(supplierIds, heads);
  }

  /** Parses the cursor of a reader. Rejects with `parameter_invalid` if it was not issued to this reader. */
  async resume(reader: ChangeReader, text: string): Promise<Cursor> {
    return parseCursor(text, await this.#seal(reader));
  }

  /** A cursor as text for its reader. */
  async print(reader: ChangeReader, cursor: Cursor): Promise<string> {
    return printCursor(cursor, await this.#seal(reader));
  }

  async #seal({ organizationId }: ChangeReader) {
    this.#key ??= this.#changes.secretKey();
    return { key: await this.#key, readerId: organizationId };
  }

  /**
   * The next records, with at most `limit` changes. Rejects with `cursor_expired` if changes that the reader has
   * not read have been dropped. Organizations take turns, since a change wakes all who follow its supplier.
   */
  next(reader: ChangeReader, cursor: Cursor, limit: number): Promise<ReadChunk> {
    return this.#turns.run(reader.organizationId, async () => {
      // Other requests get a turn between long pages.
      await nextTurn();
      return this.#read(reader, cursor, limit);
    });
  }

  async #read(reader: ChangeReader, cursor: Cursor, limit: number): Promise<ReadChunk> {
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
      // Old changes may have been dropped since the heads were read.
      if (changes[0]?.sequence !== afterSequence + 1 || last === undefined)
        throw droppedDuringRead();
      for (const change of changes) records.push({ kind: 'change', change });
      done.push({ supplierId, lastSequence: last.sequence });
    }
    const position = cursorAfter(plan.cursor, done);
    this.#noteLag(reader, { from: cursor, to: position, records, hasMore: plan.hasMore });
    this.#readAhead(planReading({ cursor: position, supplierIds, heads, limit }), limit);
    return { records, position, cursor: await this.print(reader, position), hasMore: plan.hasMore };
  }

  #noteLag(
    { consumer, organizationId }: ChangeReader,
    read: {
      readonly from: Cursor;
      readonly to: Cursor;
      readonly records: readonly ChangeRecord[];
      readonly hasMore: boolean;
    },
  ): void {
    if (consumer === undefined) return;
    const nowMs = Date.now();
    const last = read.records.findLast((record) => record.kind === 'change');
    const readUntilMs = last?.change.changedAtMs ?? nowMs;
    const { from, to } = read;
    const behindSinceMs = read.hasMore ? readUntilMs : null;
    this.#lag.note(consumer, { organizationId, from, to, behindSinceMs, nowMs });
  }

  /** By organization: how long its reader that is furthest behind has had changes to read, in ms. */
  lagsMs(): Readonly<Record<FeedConsumer, ReadonlyMap<number, number>>> {
    const nowMs = Date.now();
    return { page: this.#lag.lagsMs('page', nowMs), stream: this.#lag.lagsMs('stream', nowMs) };
  }

  /** Prefetches the next page for readers that read page after page. */
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

  /** Resolves when there may be changes after a cursor, or after `timeoutMs`. */
  wait(position: Cursor, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#watch.wait(position.sequences, timeoutMs, signal);
  }

  /** Ends all waits. */
  close(): void {
    this.#watch.close();
  }
}

function droppedDuringRead(): OnhandError {
  return new OnhandError(
    'cursor_expired',
    'The changes at this cursor have just been dropped. Start again with from=now.',
  );
}

/** The most changes in the cache, a few hundred bytes each. */
const CHANGES_MAX = 20_000;

/**
 * Caches the latest reads, because the readers that follow one supplier all read the same changes. A change is
 * immutable, so the cache is never stale.
 */
class ChangeCache {
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
class HeadWatch {
  readonly #changes: Pick<ChangeStore, 'heads'>;
  readonly #waiters = new Set<Waiter>();
  /** How many waiters await each supplier. */
  readonly #awaited = new Map<number, number>();
  /** Waiters that began after the latest read of heads. */
  #fresh = new Set<Waiter>();
  /** As of the latest read: the last sequence of each awaited supplier. */
  #lastSequences: ReadonlyMap<number, number> = new Map();
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
        this.#forget(waiter);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake);
      const waiter = { sequences, wake };
      this.#waiters.add(waiter);
      this.#fresh.add(waiter);
      for (const id of sequences.keys()) this.#awaited.set(id, (this.#awaited.get(id) ?? 0) + 1);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#poll !== undefined || this.#closed || this.#waiters.size === 0) return;
    this.#poll = setTimeout(() => void this.#readHeads(), POLL_EVERY_MS);
  }

  #forget(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter)) return;
    this.#fresh.delete(waiter);
    for (const id of waiter.sequences.keys()) {
      const left = (this.#awaited.get(id) ?? 1) - 1;
      if (left === 0) this.#awaited.delete(id);
      else this.#awaited.set(id, left);
    }
  }

  async #readHeads(): Promise<void> {
    // Those that begin to wait during the read may await suppliers that it does not cover.
    const fresh = this.#fresh;
    this.#fresh = new Set();
    try {
      this.#wakeWaiters(await this.#changes.heads([...this.#awaited.keys()]), fresh);
    } catch {
      // The waiters keep waiting. Their next read reports that the store does not answer.
      for (const waiter of fresh) if (this.#waiters.has(waiter)) this.#fresh.add(waiter);
    }
    this.#poll = undefined;
    this.#schedule();
  }

  /** Compares fresh waiters with all heads, and others only with those that moved since the latest read. */
  #wakeWaiters(heads: ReadonlyMap<number, ChangeHead>, fresh: ReadonlySet<Waiter>): void {
    const lastSequences = new Map<number, number>();
    for (const [id, { lastSequence }] of heads) lastSequences.set(id, lastSequence);
    const moved = [...lastSequences].filter(([id, last]) => this.#lastSequences.get(id) !== last);
    this.#lastSequences = lastSequences;
    for (const waiter of this.#waiters) {
      if (this.#fresh.has(waiter)) continue;
      const isBehind = fresh.has(waiter)
        ? [...waiter.sequences].some(([id, own]) => (lastSequences.get(id) ?? 0) > own)
        : moved.some(([id, last]) => last > (waiter.sequences.get(id) ?? last));
      if (isBehind) waiter.wake();
    }
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#poll);
    for (const waiter of this.#waiters) waiter.wake();
  }
}
