import { setTimeout as delay } from 'node:timers/promises';
import type { Change } from '../../../domain/changes.ts';
import { OnhandError } from '../../../domain/errors.ts';
import type { ChangeStore, CurrentReads, Reads, ReadSource, StoreMeasures } from '../../store.ts';
import { read, type ConnectionPool } from '../connection/pool.ts';

/** How often a standby that has not replayed a position is asked again. */
const POLL_EVERY_MS = 5;
/** How long what it said is used, without asking whether it still answers. */
const KNOWN_FOR_MS = 1000;
/** Time in which it must say what it has replayed. */
const ANSWER_WITHIN_MS = 1000;
/** How long a standby that failed is left alone. */
const AWAY_MS = 1000;

/** A position in the write-ahead log as text: 16 hexadecimal digits, so that texts compare as positions do. */
const positionOf = (lsn: string): string =>
  `lpad(to_hex((${lsn} - '0/0'::pg_lsn)::bigint), 16, '0')`;

/** What every commit that has been confirmed is before. With `synchronous_commit = off`, commits are confirmed unflushed. */
const SELECT_COMMITTED = `SELECT ${positionOf(
  `CASE current_setting('synchronous_commit')
    WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END`,
)} AS position`;
/** A server that is no standby, such as one that was promoted, has no position. */
const SELECT_REPLAYED = `SELECT ${positionOf('pg_last_wal_replay_lsn()')} AS position,
    (extract(epoch FROM now() - pg_last_xact_replay_timestamp()) * 1000)::float8 AS "ageMs"
  WHERE pg_is_in_recovery()`;
/** A copy of the database on another server has its secret, but positions of its own. */
const SELECT_IDENTITY = `SELECT encode(value, 'hex') AS key,
    (SELECT system_identifier::text FROM pg_control_system()) AS server
  FROM secrets WHERE name = 'key'`;

interface Replayed {
  readonly position: string;
  /** How long ago its last transaction was committed on the primary, in ms; null if there was none. */
  readonly ageMs: number | null;
}

export interface StandbyParts {
  readonly primary: ConnectionPool;
  readonly standby: ConnectionPool;
  readonly onPrimary: CurrentReads;
  readonly onStandby: CurrentReads & { readonly changes: Pick<ChangeStore, 'read'> };
  /** How long a read waits for the standby before the primary answers it. */
  readonly waitMs: number;
}

/**
 * Reads from a streaming replica, as current as those from the primary: of what was committed at a position, none is
 * missing. What the standby has not replayed in time, or fails to answer, the primary answers.
 */
export class Standby implements ReadSource {
  readonly #parts: StandbyParts;
  readonly #counts = { standby: 0, primary: 0 };
  /** What the standby is known to have replayed; empty if nothing is known. */
  #replayed = '';
  /** Whether its content was found to be that of the primary since it was last connected. */
  #isSame = false;
  /** How old its last transaction was then, in ms. */
  #ageMs: number | undefined;
  #polledAtMs = 0;
  #awayUntilMs = 0;
  /** Whether the last read waited in vain: others then do not wait. */
  #isBehind = false;
  #polling: Promise<void> | undefined;
  #committed: Promise<unknown> = Promise.resolve();
  #nextCommitted: Promise<string> | undefined;

  constructor(parts: StandbyParts) {
    this.#parts = parts;
    // Behind the same address there may be another server now.
    parts.standby.on('connect', () => this.#forget());
  }

  /** One query serves all calls that come before it is sent. */
  position(): Promise<string> {
    this.#nextCommitted ??= this.#committed.then(() => {
      this.#nextCommitted = undefined;
      const asked = this.#askCommitted();
      this.#committed = asked.catch(() => undefined);
      return asked;
    });
    return this.#nextCommitted;
  }

  async #askCommitted(): Promise<string> {
    const [row] = await read<{ readonly position: string }>(this.#parts.primary, SELECT_COMMITTED);
    if (row === undefined) throw new Error('the primary has no position');
    return row.position;
  }

  async since(asked?: string): Promise<Reads> {
    const { onPrimary } = this.#parts;
    const position = await this.#positionFor(asked);
    if (!(await this.#hasReplayed(position))) {
      this.#counts.primary += 1;
      return { ...onPrimary, position };
    }
    this.#counts.standby += 1;
    const either = <T>(ask: (reads: CurrentReads) => Promise<T>) => this.#either(ask);
    return {
      position,
      skus: {
        find: (supplierIds, uuid) => either(({ skus }) => skus.find(supplierIds, uuid)),
        list: (query) => either(({ skus }) => skus.list(query)),
        page: (query) => either(({ skus }) => skus.page(query)),
      },
      changes: {
        history: (query) => either(({ changes }) => changes.history(query)),
        inventoryAt: (supplierIds, uuid, atMs) =>
          either(({ changes }) => changes.inventoryAt(supplierIds, uuid, atMs)),
        freshness: (supplierId, nowMs) =>
          either(({ changes }) => changes.freshness(supplierId, nowMs)),
      },
    };
  }

  /** A position that the primary has not reached yet, of another server or made up, is not waited for. */
  async #positionFor(asked: string | undefined): Promise<string> {
    if (asked !== undefined && asked <= this.#replayed) return asked;
    const committed = await this.position();
    return asked !== undefined && asked < committed ? asked : committed;
  }

  /**
   * Reads a page of changes that the primary has. Changes are immutable and their sequences have no gaps, so that a page is
   * right if it is full. Undefined if the primary must be asked.
   */
  async page(
    supplierId: number,
    afterSequence: number,
    limit: number,
  ): Promise<readonly Change[] | undefined> {
    if (this.#isBehind || !(await this.#isKnown())) return undefined;
    const { changes } = this.#parts.onStandby;
    const page = await this.#orAway(() => changes.read(supplierId, afterSequence, limit));
    const isFull = page?.length === limit;
    this.#counts[isFull ? 'standby' : 'primary'] += 1;
    return isFull ? page : undefined;
  }

  /** Whether it can be used, how old what it shows is, in ms, and how many reads each server has answered. */
  async measure(): Promise<StoreMeasures['standby']> {
    const reads = { ...this.#counts };
    const committed = await this.position().catch(() => undefined);
    await this.#poll();
    if (!this.#isSame) return { isUp: false, behindMs: undefined, reads };
    // While nothing is written, the last transaction is old, and yet nothing is missing.
    const isCurrent = committed !== undefined && this.#replayed >= committed;
    if (isCurrent) this.#isBehind = false;
    return { isUp: true, behindMs: isCurrent ? 0 : this.#ageMs, reads };
  }

  /** Runs a read on the standby, or on the primary if the standby fails. */
  async #either<T>(ask: (reads: CurrentReads) => Promise<T>): Promise<T> {
    const { onStandby, onPrimary } = this.#parts;
    try {
      return await ask(onStandby);
    } catch (error) {
      this.#leaveAfter(error);
      return ask(onPrimary);
    }
  }

  async #hasReplayed(position: string): Promise<boolean> {
    const giveUpAtMs = performance.now() + (this.#isBehind ? 0 : this.#parts.waitMs);
    while (await this.#isKnown(position)) {
      if (this.#replayed >= position) {
        this.#isBehind = false;
        return true;
      }
      if (performance.now() >= giveUpAtMs) {
        this.#isBehind = true;
        return false;
      }
      await delay(POLL_EVERY_MS);
    }
    return false;
  }

  /** Whether the standby can be used; asks it unless it is known to have replayed a position. */
  async #isKnown(position = ''): Promise<boolean> {
    if (performance.now() < this.#awayUntilMs) return false;
    const isRecent = performance.now() - this.#polledAtMs < KNOWN_FOR_MS;
    if (!this.#isSame || !isRecent || this.#replayed < position) await this.#poll();
    return this.#isSame;
  }

  #poll(): Promise<void> {
    this.#polling ??= this.#ask().finally(() => (this.#polling = undefined));
    return this.#polling;
  }

  async #ask(): Promise<void> {
    const answered = new AbortController();
    const askedAtMs = performance.now();
    const replayed = await Promise.race([
      this.#orAway(() => this.#askReplayed()),
      delay(ANSWER_WITHIN_MS, undefined, { signal: answered.signal }),
    ]);
    answered.abort();
    if (replayed === undefined) return this.#leave();
    this.#isSame = true;
    this.#polledAtMs = askedAtMs;
    this.#replayed = replayed.position;
    this.#ageMs = replayed.ageMs ?? undefined;
  }

  /** Undefined if it is no standby of the primary. */
  async #askReplayed(): Promise<Replayed | undefined> {
    const [replayed] = await read<Replayed>(this.#parts.standby, SELECT_REPLAYED);
    return this.#isSame || (await this.#hasSameIdentity()) ? replayed : undefined;
  }

  /** Whether both have the secret of the database, and the identifier that a server shares only with its standbys. */
  async #hasSameIdentity(): Promise<boolean> {
    const { primary, standby } = this.#parts;
    const identities = await Promise.all(
      [primary, standby].map((pool) =>
        read<{ readonly key: string; readonly server: string }>(pool, SELECT_IDENTITY),
      ),
    );
    return new Set(identities.map(([row]) => row && `${row.key} ${row.server}`)).size === 1;
  }

  /** Runs work on the standby; undefined if it cannot answer. */
  async #orAway<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#leaveAfter(error);
      return undefined;
    }
  }

  #leaveAfter(error: unknown): void {
    // Any other error of its own comes from a schema that it has not replayed yet, or is a bug that the primary shows too.
    if (error instanceof OnhandError && error.code !== 'store_unavailable') throw error;
    this.#leave();
  }

  #leave(): void {
    this.#forget();
    this.#awayUntilMs = performance.now() + AWAY_MS;
  }

  close(): Promise<void> {
    return this.#parts.standby.close();
  }

  #forget(): void {
    this.#replayed = '';
    this.#isSame = false;
  }
}
