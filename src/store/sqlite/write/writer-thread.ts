/**
 * The writer thread, which holds the only connection that writes. It blocks while SQLite works, so that the
 * main thread never does.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import type { Batch, BatchOutcome, RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome } from '../../../domain/catalogue.ts';
import { TextReceiver, type TextSlice } from '../../../domain/line-texts.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import { Applier } from './apply.ts';
import { CatalogueApplier } from './catalogue.ts';
import { refuseUnfinishedCopy } from '../schema/copy.ts';
import { isFailedSync, openForWriting, type ConnectionSettings } from '../connection.ts';
import { packOutcomes, unpackGroup, type PackedGroup, type PackedOutcomes } from './group.ts';
import { CacheWarmer, InventoryCache } from './inventory-cache.ts';
import { ProductRows } from './product-rows.ts';
import { RevertApplier } from './revert.ts';
import { LogState } from '../log-state.ts';
import { RecentFeed } from '../recent/feed.ts';
import type { SweepSettings } from '../recent/sweep.ts';
import { WriterInventory } from '../recent/writer-inventory.ts';
import { migrate } from '../schema/migrations.ts';
import { runStatements, type CompiledStatement, type StatementResult } from '../statements.ts';
import { asError, asFailure, serveThread, type Failure } from '../threads.ts';

export interface WriterSettings extends ConnectionSettings, SweepSettings {
  /** The size of the inventory cache, in bytes; the page cache comes on top. */
  readonly inventoryCacheBytesMax: number;
  /** Tells the reader thread what was committed. */
  readonly feed: MessagePort;
  /** The memory of a `LogState`. */
  readonly logState: SharedArrayBuffer;
}

/** The calls of the writer thread. */
export interface WriterCalls {
  /** Receives texts of the next group, all slices but the last. */
  readonly texts: (slice: TextSlice) => void;
  readonly apply: (group: PackedGroup) => PackedOutcomes;
  readonly applyCatalogue: (batch: CatalogueBatch) => CatalogueOutcome;
  readonly revert: (request: RevertRequest) => RevertOutcome | undefined;
  /** Deletes changes of batches applied before `beforeMs`; returns how many. */
  readonly dropChanges: (asked: {
    readonly supplierId: number;
    readonly beforeMs: number;
    readonly limit: number;
  }) => number;
  /** Runs statements in one transaction. */
  readonly run: (statements: readonly CompiledStatement[]) => readonly StatementResult[];
  readonly probe: (thorough: boolean) => void;
  /** Copies the last pages of the log, so that the next commit restarts it. */
  readonly finishCheckpoint: () => void;
}

serveThread<WriterSettings, WriterCalls>((settings) => {
  const db = openForWriting(settings);
  migrate(db);
  refuseUnfinishedCopy(db);
  const writer = new Writer(db, settings);
  const texts = new TextReceiver();
  return {
    calls: {
      texts: (slice) => texts.add(slice),
      apply: ({ texts: last, ...group }) => {
        texts.add(last);
        return packOutcomes(writer.apply(unpackGroup(group, texts.take())));
      },
      applyCatalogue: (batch) => writer.applyCatalogue(batch),
      revert: (request) => writer.revert(request),
      dropChanges: ({ supplierId, beforeMs, limit }) =>
        writer.dropChanges(supplierId, beforeMs, limit),
      run: (statements) => writer.run(statements),
      probe: (thorough) => writer.probe(thorough),
      finishCheckpoint: () => void db.pragma('wal_checkpoint(PASSIVE)'),
    },
    close: () => {
      writer.completeTable();
      settings.feed.close();
      db.close();
    },
  };
});

/** Large enough to need new pages: a small row may still fit on a full disk. */
const THOROUGH_PROBE_BYTES = 1 << 20;

/** The server is idle if it has written nothing for once to twice this time. */
const IDLE_MS = 150;

/** Rows that a sweep writes in one transaction while the server is idle: some milliseconds. */
const SLICE_ROWS = 4000;

/** Thrown to roll a dry run back. */
class DryRunRollback extends Error {}

function isDryRun({ options }: Batch): boolean {
  return options?.dryRun === true;
}

class Writer {
  readonly #db: Database;
  readonly #cache: InventoryCache;
  readonly #inventory: WriterInventory;
  readonly #applier: Applier;
  readonly #cataloguer: CatalogueApplier;
  readonly #reverter: RevertApplier;
  readonly #changeDropper: ChangeDeleter;
  readonly #readAhead: CacheWarmer;
  #isReadingAhead = false;
  #idle: NodeJS.Timeout | undefined;
  /** Whether nothing was written since the timer began. */
  #isIdle = false;
  readonly #dataVersion: Statement<[], [number]>;
  #lastDataVersion: number | undefined;

  constructor(db: Database, settings: WriterSettings) {
    this.#db = db;
    this.#cache = new InventoryCache(settings.inventoryCacheBytesMax);
    this.#inventory = new WriterInventory(
      db,
      settings,
      new RecentFeed(settings.feed),
      new LogState(settings.logState),
    );
    this.#applier = new Applier(db, this.#cache, this.#inventory);
    const products = new ProductRows(db, this.#inventory);
    this.#cataloguer = new CatalogueApplier(db, this.#applier, products);
    this.#reverter = new RevertApplier(db, this.#applier, products);
    this.#changeDropper = new ChangeDeleter(db);
    this.#readAhead = new CacheWarmer(db, this.#cache, this.#inventory);
    this.#dataVersion = db.prepare<[], [number]>('PRAGMA data_version').raw();
    this.#lastDataVersion = this.#dataVersion.get()?.[0];
    db.transaction(() => this.#inventory.follow())();
    this.#startReadingAhead();
    this.#sweepWhenIdle();
  }

  /** Dry runs run after the other batches, each in its own transaction, which is rolled back. */
  apply(group: readonly Batch[]): readonly (BatchOutcome | StoredOutcome | Failure)[] {
    const written = this.#applyOrRetry(group.filter((batch) => !isDryRun(batch)))[
      Symbol.iterator
    ]();
    return group.map((batch) => {
      if (isDryRun(batch)) return this.#dryRun(() => this.#applyOne(batch, Date.now()));
      const { value } = written.next();
      if (value === undefined) throw new Error('a batch of the group has no outcome');
      return value;
    });
  }

  #applyOrRetry(group: readonly Batch[]): readonly (BatchOutcome | StoredOutcome | Failure)[] {
    if (group.length === 0) return [];
    try {
      return this.#applyTogether(group);
    } catch (error) {
      if (isFailedSync(error)) throw error;
      if (group.length === 1) return [asFailure(error)];
      return group.flatMap((batch) => this.#applyOrRetry([batch]));
    }
  }

  #applyTogether(group: readonly Batch[]): readonly (BatchOutcome | StoredOutcome | Failure)[] {
    return this.#write((nowMs) => group.map((batch) => this.#applyOne(batch, nowMs)));
  }

  /** A batch that is refused as a whole writes nothing, so the other batches of its transaction are kept. */
  #applyOne(batch: Batch, nowMs: number): BatchOutcome | StoredOutcome | Failure {
    try {
      return this.#applier.applyLines(batch, nowMs);
    } catch (error) {
      if (error instanceof OnhandError) return asFailure(error);
      throw error;
    }
  }

  /** Does work in a transaction and rolls it back. */
  #dryRun<T extends object>(work: () => T): T | Failure {
    let outcome: T | undefined;
    try {
      this.#transaction(() => {
        this.#applier.begin();
        outcome = work();
        throw new DryRunRollback();
      });
    } catch (error) {
      if (isFailedSync(error)) throw error;
      if (!(error instanceof DryRunRollback)) return asFailure(error);
    }
    if (outcome === undefined) throw new Error('a dry run has no outcome');
    return outcome;
  }

  revert(request: RevertRequest): RevertOutcome | undefined {
    this.#cache.gtins.clear();
    const revert = (nowMs: number) => ({ reverted: this.#reverter.revert(request, nowMs) });
    const outcome = request.dryRun ? this.#dryRun(() => revert(Date.now())) : this.#write(revert);
    if ('failure' in outcome) throw asError(outcome);
    return outcome.reverted;
  }

  applyCatalogue(batch: CatalogueBatch): CatalogueOutcome {
    this.#cache.gtins.clear();
    if (batch.dryRun === true) {
      const outcome = this.#dryRun(() => this.#cataloguer.apply(batch, Date.now()));
      if ('failure' in outcome) throw asError(outcome);
      return { ...outcome, batchUuid: null };
    }
    return this.#write((nowMs) => this.#cataloguer.apply(batch, nowMs), true);
  }

  /** Applies batches in one transaction. */
  #write<T>(apply: (nowMs: number) => T, isCatalogue = false): T {
    let nowMs = 0;
    const outcome = this.#transaction(() => {
      nowMs = Date.now();
      this.#applier.begin();
      const applied = apply(nowMs);
      this.#applier.flush(nowMs, isCatalogue);
      return applied;
    });
    this.#applier.remember(nowMs);
    this.#sweepWhenIdle();
    return outcome;
  }

  dropChanges(supplierId: number, beforeMs: number, limit: number): number {
    const drop = (): number | undefined =>
      this.#transaction(() => this.#changeDropper.drop(supplierId, beforeMs, limit));
    const dropped = drop();
    if (dropped !== undefined) return dropped;
    while (!this.#inventory.isComplete(supplierId)) this.#sweep();
    return drop() ?? 0;
  }

  /** Writes a slice of the recent inventory to the table. */
  #sweep(): void {
    this.#transaction(() => {
      this.#inventory.begin();
      this.#inventory.sweep(SLICE_ROWS);
    });
    this.#inventory.committed(new Map(), [], 0);
  }

  /** Writes all recent inventory to the table, so that opening it again has nothing to replay. */
  completeTable(): void {
    clearTimeout(this.#idle);
    try {
      while (!this.#inventory.isTableComplete) this.#sweep();
    } catch (error) {
      // Opening it replays the changes.
      if (isFailedSync(error)) throw error;
    }
  }

  /** Brings the table up to date while nothing else is to be written. */
  #sweepWhenIdle(): void {
    this.#isIdle = false;
    this.#waitUntilIdle();
  }

  #waitUntilIdle(): void {
    if (this.#idle !== undefined || this.#inventory.isTableComplete) return;
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (this.#isIdle) {
        this.#sweepIdly();
      } else {
        this.#isIdle = true;
        this.#waitUntilIdle();
      }
    }, IDLE_MS);
  }

  #sweepIdly(): void {
    if (!this.#isIdle || !this.#db.open || this.#inventory.isTableComplete) return;
    try {
      this.#sweep();
    } catch (error) {
      if (isFailedSync(error)) throw error;
      // The next write tries again.
      return;
    }
    setImmediate(() => this.#sweepIdly());
  }

  run(statements: readonly CompiledStatement[]): readonly StatementResult[] {
    return this.#transaction(() => runStatements(this.#db, statements));
  }

  probe(thorough: boolean): void {
    this.#transaction(() => {
      this.#db
        .prepare('INSERT INTO probes VALUES (zeroblob(?))')
        .run(thorough ? THOROUGH_PROBE_BYTES : 1);
    });
    this.#transaction(() => {
      this.#db.prepare('DELETE FROM probes').run();
    });
  }

  /** `IMMEDIATE` takes the write lock before anything is read. */
  #transaction<T>(work: () => T): T {
    return this.#db
      .transaction(() => {
        this.#clearCacheIfOthersWrote();
        return work();
      })
      .immediate();
  }

  /** Other commands may write while the server runs: the cache is then stale. */
  #clearCacheIfOthersWrote(): void {
    const version = this.#dataVersion.get()?.[0];
    if (version === this.#lastDataVersion) return;
    this.#lastDataVersion = version;
    this.#cache.forget();
    this.#inventory.follow();
    this.#startReadingAhead();
  }

  #readNext(): boolean {
    try {
      return this.#readAhead.step();
    } catch {
      // A batch that needs these rows will read them and report the error.
      return false;
    }
  }

  #startReadingAhead(): void {
    this.#readAhead.restart();
    if (this.#isReadingAhead) return;
    this.#isReadingAhead = true;
    const step = (): void => {
      this.#isReadingAhead = this.#db.open && this.#readNext();
      if (this.#isReadingAhead) setImmediate(step);
    };
    setImmediate(step);
  }
}

type Bounds = { readonly supplierId: number; readonly first: number; readonly last: number };

/** Deletes old changes inside a transaction that the caller opens and commits. */
class ChangeDeleter {
  readonly #droppable: Statement<unknown[], [first: number, last: number | null, complete: number]>;
  readonly #keep: Statement<[Bounds]>;
  readonly #drop: Statement<[Bounds]>;
  readonly #moveHead: Statement<[Bounds]>;

  constructor(db: Database) {
    // In commit order: the scan ends at the first recent change.
    this.#droppable = db
      .prepare<unknown[], [number, number | null, number]>(
        `SELECT dropped_sequence + 1, (SELECT max(sequence) FROM (
             SELECT sequence FROM changes JOIN batches
               ON batches.supplier_id = changes.supplier_id AND number = batch_number
             WHERE changes.supplier_id = suppliers.id AND sequence > dropped_sequence
               AND sequence <= dropped_sequence + $limit AND applied_at_ms < $beforeMs)),
           complete_sequence
         FROM suppliers WHERE id = $supplierId`,
      )
      .raw();
    this.#keep = db.prepare(
      `INSERT INTO baselines
       SELECT supplier_id, sku_number, sequence, applied_at_ms, after_quantity_in_stock,
         after_quantity_on_backorder, after_backorder_date, after_restrictions
       FROM (SELECT changes.*, applied_at_ms,
           row_number() OVER (PARTITION BY sku_number ORDER BY sequence DESC) AS place
         FROM changes JOIN batches
           ON batches.supplier_id = changes.supplier_id AND number = batch_number
         WHERE changes.supplier_id = $supplierId AND sequence BETWEEN $first AND $last)
       WHERE place = 1
       ON CONFLICT (supplier_id, sku_number) DO UPDATE SET
         sequence = excluded.sequence, changed_at_ms = excluded.changed_at_ms,
         quantity_in_stock = excluded.quantity_in_stock,
         quantity_on_backorder = excluded.quantity_on_backorder,
         backorder_date = excluded.backorder_date, restrictions = excluded.restrictions`,
    );
    this.#drop = db.prepare(
      'DELETE FROM changes WHERE supplier_id = $supplierId AND sequence BETWEEN $first AND $last',
    );
    this.#moveHead = db.prepare(
      'UPDATE suppliers SET dropped_sequence = $last WHERE id = $supplierId AND $first > 0',
    );
  }

  /**
   * Deletes at most `limit` changes of a supplier's batches applied before `beforeMs`; returns how many. Undefined if
   * the inventory table lacks one of them: it must be swept first.
   */
  drop(supplierId: number, beforeMs: number, limit: number): number | undefined {
    const row = this.#droppable.get({ supplierId, beforeMs, limit });
    if (row === undefined || row[1] === null) return 0;
    const [first, last, complete] = row;
    if (last > complete) return undefined;
    const bounds = { supplierId, first, last };
    this.#keep.run(bounds);
    this.#drop.run(bounds);
    this.#moveHead.run(bounds);
    return last - first + 1;
  }
}
