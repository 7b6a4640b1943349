/**
 * The writer thread, which holds the only connection that writes. It blocks while SQLite works, so that the
 * main thread never does.
 */
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
import { RevertApplier } from './revert.ts';
import { migrate } from '../schema/migrations.ts';
import { runStatement, type CompiledStatement, type StatementResult } from '../statements.ts';
import { asError, asFailure, serveThread, type Failure } from '../threads.ts';

export interface WriterSettings extends ConnectionSettings {
  /** The size of the inventory cache, in bytes; the page cache comes on top. */
  readonly inventoryCacheBytesMax: number;
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
  const writer = new Writer(db, settings.inventoryCacheBytesMax);
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
    close: () => db.close(),
  };
});

/** Large enough to need new pages: a small row may still fit on a full disk. */
const THOROUGH_PROBE_BYTES = 1 << 20;

/** Thrown to roll a dry run back. */
class DryRunRollback extends Error {}

function isDryRun({ options }: Batch): boolean {
  return options?.dryRun === true;
}

class Writer {
  readonly #db: Database;
  readonly #cache: InventoryCache;
  readonly #applier: Applier;
  readonly #cataloguer: CatalogueApplier;
  readonly #reverter: RevertApplier;
  readonly #changeDropper: ChangeDeleter;
  readonly #readAhead: CacheWarmer;
  #isReadingAhead = false;
  readonly #dataVersion: Statement<[], [number]>;
  #lastDataVersion: number | undefined;

  constructor(db: Database, inventoryCacheBytesMax: number) {
    this.#db = db;
    this.#cache = new InventoryCache(inventoryCacheBytesMax);
    this.#applier = new Applier(db, this.#cache);
    this.#cataloguer = new CatalogueApplier(db, this.#applier);
    this.#reverter = new RevertApplier(db, this.#applier);
    this.#changeDropper = new ChangeDeleter(db);
    this.#readAhead = new CacheWarmer(db, this.#cache);
    this.#dataVersion = db.prepare<[], [number]>('PRAGMA data_version').raw();
    this.#lastDataVersion = this.#dataVersion.get()?.[0];
    this.#startReadingAhead();
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
    const outcomes = this.#transaction(() => {
      const nowMs = Date.now();
      this.#applier.begin();
      const decided = group.map((batch) => this.#applyOne(batch, nowMs));
      this.#applier.flush(nowMs);
      return decided;
    });
    this.#applier.remember();
    return outcomes;
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
    const revert = () => this.#reverter.revert(request, Date.now());
    const outcome = request.dryRun
      ? this.#dryRun(() => ({ reverted: revert() }))
      : this.#transaction(() => {
          this.#applier.begin();
          const reverted = revert();
          this.#applier.flush(Date.now());
          return { reverted };
        });
    if ('failure' in outcome) throw asError(outcome);
    if (!request.dryRun) this.#applier.remember();
    return outcome.reverted;
  }

  applyCatalogue(batch: CatalogueBatch): CatalogueOutcome {
    this.#cache.gtins.clear();
    if (batch.dryRun === true) {
      const outcome = this.#dryRun(() => this.#cataloguer.apply(batch, Date.now()));
      if ('failure' in outcome) throw asError(outcome);
      return { ...outcome, batchUuid: null };
    }
    const outcome = this.#transaction(() => {
      const nowMs = Date.now();
      this.#applier.begin();
      const done = this.#cataloguer.apply(batch, nowMs);
      this.#applier.flush(nowMs);
      return done;
    });
    this.#applier.remember();
    return outcome;
  }

  dropChanges(supplierId: number, beforeMs: number, limit: number): number {
    return this.#transaction(() => this.#changeDropper.drop(supplierId, beforeMs, limit));
  }

  run(statements: readonly CompiledStatement[]): readonly StatementResult[] {
    return this.#transaction(() =>
      statements.map((statement) => runStatement(this.#db, statement)),
    );
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
  readonly #droppable: Statement<unknown[], [first: number, last: number | null]>;
  readonly #keep: Statement<[Bounds]>;
  readonly #drop: Statement<[Bounds]>;
  readonly #moveHead: Statement<[Bounds]>;

  constructor(db: Database) {
    // In commit order: the scan ends at the first recent change.
    this.#droppable = db
      .prepare<unknown[], [number, number | null]>(
        `SELECT dropped_sequence + 1, (SELECT max(sequence) FROM (
             SELECT sequence FROM changes JOIN batches
               ON batches.supplier_id = changes.supplier_id AND number = batch_number
             WHERE changes.supplier_id = suppliers.id AND sequence > dropped_sequence
               AND sequence <= dropped_sequence + $limit AND applied_at_ms < $beforeMs))
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

  /** Deletes at most `limit` changes of a supplier's batches applied before `beforeMs`; returns how many. */
  drop(supplierId: number, beforeMs: number, limit: number): number {
    const row = this.#droppable.get({ supplierId, beforeMs, limit });
    if (row === undefined || row[1] === null) return 0;
    const [first, last] = row;
    const bounds = { supplierId, first, last };
    this.#keep.run(bounds);
    this.#drop.run(bounds);
    this.#moveHead.run(bounds);
    return last - first + 1;
  }
}
