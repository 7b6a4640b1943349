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
import { finish, type Steps } from '../../../domain/steps.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import { Applier } from './apply.ts';
import { CatalogueApplier } from './catalogue.ts';
import { refuseUnfinishedCopy } from '../schema/copy.ts';
import { isFailedSync, openForWriting, syncLog, type ConnectionSettings } from '../connection.ts';
import { packOutcomes, unpackGroup, type PackedGroup, type PackedOutcomes } from './group.ts';
import { ChangeDeleter } from './change-deleter.ts';
import { CacheWarmer, InventoryCache } from './inventory-cache.ts';
import { ProductRows } from './product-rows.ts';
import { RevertApplier } from './revert.ts';
import { Slices } from './slices.ts';
import { MOVED, SlicedWrites, type LargeBatch } from './sliced-writes.ts';
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
  /** A batch or revert of more lines is written in slices of a fifth of them. */
  readonly largeBatchLines: number;
  /** Tells the reader thread what was committed. */
  readonly feed: MessagePort;
  /** The memory of a `LogState`. */
  readonly logState: SharedArrayBuffer;
}

/** A promise for a large batch, and for what waits for one of its supplier. */
type Eventually<T> = T | Promise<T>;

/** The calls of the writer thread. */
export interface WriterCalls {
  /** Receives texts of the next group, all slices but the last. */
  readonly texts: (slice: TextSlice) => void;
  readonly apply: (group: PackedGroup) => Eventually<PackedOutcomes>;
  readonly applyCatalogue: (batch: CatalogueBatch) => Eventually<CatalogueOutcome>;
  readonly revert: (request: RevertRequest) => Eventually<RevertOutcome | undefined>;
  /** Deletes changes of batches applied before `beforeMs`; returns how many. */
  readonly dropChanges: (asked: {
    readonly supplierId: number;
    readonly beforeMs: number;
    readonly limit: number;
  }) => Eventually<number>;
  /** Runs statements in one transaction. */
  readonly run: (statements: readonly CompiledStatement[]) => readonly StatementResult[];
  readonly probe: (thorough: boolean) => void;
  /** Copies the last pages of the log, so that the next commit restarts it. */
  readonly finishCheckpoint: () => void;
}

serveThread<WriterSettings, WriterCalls>((settings) => {
  const db = openForWriting(settings);
  syncLog(db);
  migrate(db);
  refuseUnfinishedCopy(db);
  const writer = new Writer(db, settings);
  const { slices } = writer;
  const texts = new TextReceiver();
  return {
    calls: {
      texts: (slice) => texts.add(slice),
      apply: ({ texts: last, ...group }) => {
        texts.add(last);
        const batches = unpackGroup(group, texts.take());
        const suppliers = batches.map(({ supplierId }) => supplierId);
        return slices.whenFree(suppliers, () => {
          const outcomes = writer.apply(batches);
          return outcomes instanceof Promise ? outcomes.then(packOutcomes) : packOutcomes(outcomes);
        });
      },
      applyCatalogue: (batch) =>
        slices.whenFree([batch.supplierId], () => writer.applyCatalogue(batch)),
      revert: (request) => slices.whenFree([request.supplierId], () => writer.revert(request)),
      dropChanges: ({ supplierId, beforeMs, limit }) =>
        slices.whenFree([supplierId], () => writer.dropChanges(supplierId, beforeMs, limit)),
      run: (statements) => writer.run(statements),
      probe: (thorough) => writer.probe(thorough),
      finishCheckpoint: () => void db.pragma('wal_checkpoint(PASSIVE)'),
    },
    close: async () => {
      await slices.finish();
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

/** The number of transactions that a batch takes if it is just large. */
const SLICES_OF_LARGE = 5;

/** Thrown to roll a dry run back. */
class DryRunRollback extends Error {}

function isDryRun({ options }: Batch): boolean {
  return options?.dryRun === true;
}

/** How often a large batch is decided anew, before it is applied in one transaction. */
const SLICED_ATTEMPTS = 3;

/** The outcome of a batch. */
type Applied = BatchOutcome | StoredOutcome | Failure;

class Writer {
  readonly slices = new Slices();
  readonly #db: Database;
  readonly #settings: WriterSettings;
  readonly #sliced: SlicedWrites;
  #foreignWrites = 0;
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
    this.#settings = settings;
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
    this.#sliced = new SlicedWrites({
      db,
      inventory: this.#inventory,
      transaction: (work) => this.#transaction(work),
      foreignWrites: () => this.#foreignWrites,
      sliceChanges: Math.ceil(settings.largeBatchLines / SLICES_OF_LARGE),
    });
    this.#dataVersion = db.prepare<[], [number]>('PRAGMA data_version').raw();
    this.#lastDataVersion = this.#dataVersion.get()?.[0];
    db.transaction(() => this.#inventory.open())();
    this.#startReadingAhead();
    this.#sweepWhenIdle();
  }

  /** A large batch is a group of its own. */
  apply(group: readonly Batch[]): Eventually<readonly Applied[]> {
    const [batch] = group;
    if (batch === undefined || group.length > 1 || !this.#isLarge(batch.lines.count))
      return this.#applyGroup(group);
    const { supplierId } = batch;
    return this.#inSlices<Applied>(
      supplierId,
      (applier) => ({
        isDryRun: isDryRun(batch),
        prepare: (nowMs, confirm) => applier.preparingLines(batch, nowMs, confirm),
      }),
      () => this.#applyAlone(batch),
    ).then(
      (outcome) => [outcome],
      (error: unknown) => {
        if (isFailedSync(error)) throw error;
        return [asFailure(error)];
      },
    );
  }

  #isLarge(lines: number): boolean {
    return lines > this.#settings.largeBatchLines;
  }

  /**
   * Writes a large batch in slices.
   *
   * @param batchOf returns the batch, which an applier of its own decides
   * @param atOnce applies it in one transaction, if other processes write all the time
   */
  #inSlices<T>(
    supplierId: number,
    batchOf: (applier: Applier) => Pick<LargeBatch<T>, 'isDryRun' | 'prepare'>,
    atOnce: () => T,
  ): Promise<T> {
    const applier = new Applier(this.#db, this.#cache, this.#inventory);
    const batch = { supplierId, applier, ...batchOf(applier) };
    return this.slices.run(supplierId, this.#writingInSlices(batch, atOnce));
  }

  *#writingInSlices<T>(batch: LargeBatch<T>, atOnce: () => T): Steps<T> {
    for (let attempt = 1; attempt <= SLICED_ATTEMPTS; attempt += 1) {
      const outcome = yield* this.#sliced.write(batch);
      this.#sweepWhenIdle();
      if (outcome !== MOVED) return outcome;
    }
    return atOnce();
  }

  #applyAlone(batch: Batch): Applied {
    const [outcome] = this.#applyGroup([batch]);
    if (outcome === undefined) throw new Error('a batch has no outcome');
    return outcome;
  }

  /** Dry runs run after the other batches, each in its own transaction, which is rolled back. */
  #applyGroup(group: readonly Batch[]): readonly Applied[] {
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

  #applyOrRetry(group: readonly Batch[]): readonly Applied[] {
    if (group.length === 0) return [];
    try {
      return this.#applyTogether(group);
    } catch (error) {
      if (isFailedSync(error)) throw error;
      if (group.length === 1) return [asFailure(error)];
      return group.flatMap((batch) => this.#applyOrRetry([batch]));
    }
  }

  #applyTogether(group: readonly Batch[]): readonly Applied[] {
    return this.#write((nowMs) => group.map((batch) => this.#applyOne(batch, nowMs)));
  }

  /** A batch that is refused as a whole writes nothing, so the other batches of its transaction are kept. */
  #applyOne(batch: Batch, nowMs: number): Applied {
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

  revert(request: RevertRequest): Eventually<RevertOutcome | undefined> {
    this.#cache.gtins.clear();
    const changedCount = this.#reverter.changedCount(request);
    if (changedCount === undefined) return undefined;
    if (!this.#isLarge(changedCount)) return this.#revertAtOnce(request);
    return this.#inSlices<RevertOutcome | undefined>(
      request.supplierId,
      (applier) => {
        const products = new ProductRows(this.#db, this.#inventory);
        const reverter = new RevertApplier(this.#db, applier, products);
        return {
          isDryRun: request.dryRun,
          prepare: (nowMs) => reverter.preparing(request, nowMs),
        };
      },
      () => this.#revertAtOnce(request),
    );
  }

  #revertAtOnce(request: RevertRequest): RevertOutcome | undefined {
    const revert = (nowMs: number) => ({
      reverted: this.#applier.write(finish(this.#reverter.preparing(request, nowMs))),
    });
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
      this.#applier.flush(nowMs, { isCatalogue });
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
    this.#foreignWrites += 1;
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
