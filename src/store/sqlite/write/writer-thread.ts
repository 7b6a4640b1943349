/**
 * The writer: a thread of its own that holds the one connection that writes. It blocks while SQLite
 * works, so that the thread that answers clients never does.
 */
import type { Database, Statement } from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import type { Batch, BatchOutcome, RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome } from '../../../domain/catalogue.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import { Applier } from './apply.ts';
import { CatalogueApplier } from './catalogue.ts';
import { refuseUnfinishedCopy } from '../schema/copy.ts';
import { ChangeDeleter } from './delete-changes.ts';
import { isFailedSync, openForWriting, type ConnectionSettings } from '../connection.ts';
import { packOutcomes, unpackGroup, type PackedGroup, type PackedOutcomes } from './group.ts';
import { InventoryCache } from './inventory-cache.ts';
import { CacheWarmer } from './cache-warmer.ts';
import { RevertApplier } from './revert.ts';
import { migrate } from '../schema/migrations.ts';
import { asError, asFailure, serveThread, type Failure } from '../threads.ts';

/** A statement and its parameters, as the query builder compiled them. */
export interface CompiledStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  /** Rows, whose type only the one who asks knows. */
  readonly rows: never[];
  readonly changes: number;
}

export interface WriterSettings extends ConnectionSettings {
  /** For what it remembers of rows, beside the pages of its connection, in bytes. */
  readonly inventoryCacheBytesMax: number;
}

/** What the writer can be asked. */
export interface WriterCalls {
  readonly apply: (group: PackedGroup) => PackedOutcomes;
  readonly applyCatalogue: (batch: CatalogueBatch) => CatalogueOutcome;
  readonly revert: (request: RevertRequest) => RevertOutcome | undefined;
  /** Drops changes of batches applied before; says how many. */
  readonly dropChanges: (asked: {
    readonly supplierId: number;
    readonly beforeMs: number;
    readonly limit: number;
  }) => number;
  /** Runs statements in one transaction. */
  readonly run: (statements: readonly CompiledStatement[]) => readonly StatementResult[];
  readonly probe: (thorough: boolean) => void;
  /** Copies the last pages of the log, so that the next commit begins it anew. */
  readonly finishCheckpoint: () => void;
}

serveThread<WriterSettings, WriterCalls>((settings) => {
  const db = openForWriting(settings);
  migrate(db);
  refuseUnfinishedCopy(db);
  const writer = new Writer(db, settings.inventoryCacheBytesMax);
  return {
    calls: {
      apply: (group) => packOutcomes(writer.apply(unpackGroup(group))),
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

/** Enough to need new pages: a small row may fit where a batch would not. */
const THOROUGH_PROBE_BYTES = 1 << 20;

/** Thrown so that a transaction is taken back. */
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

  /** Dry runs come after the others, each in a transaction of its own that is taken back. */
  apply(group: readonly Batch[]): readonly (BatchOutcome | StoredOutcome | Failure)[] {
    const written = this.#applyOrRetry(group.filter((batch) => !isDryRun(batch)))[
      Symbol.iterator
    ]();
    return group.map((batch) => {
      if (isDryRun(batch)) return this.#tryOut(() => this.#applyOne(batch, Date.now()));
      const { value } = written.next();
      if (value === undefined) throw new Error('a batch of the group was left out');
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

  /** A batch that is refused whole leaves nothing, so that the others of its transaction stand. */
  #applyOne(batch: Batch, nowMs: number): BatchOutcome | StoredOutcome | Failure {
    try {
      return this.#applier.applyLines(batch, nowMs);
    } catch (error) {
      if (error instanceof OnhandError) return asFailure(error);
      throw error;
    }
  }

  /** Does work in a transaction and takes it back. */
  #tryOut<T extends object>(work: () => T): T | Failure {
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
    if (outcome === undefined) throw new Error('a dry run came to nothing');
    return outcome;
  }

  revert(request: RevertRequest): RevertOutcome | undefined {
    const revert = () => this.#reverter.revert(request, Date.now());
    const outcome = request.dryRun
      ? this.#tryOut(() => ({ reverted: revert() }))
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
    return this.#transaction(() => statements.map((statement) => this.#runOne(statement)));
  }

  #runOne({ sql, parameters }: CompiledStatement): StatementResult {
    const statement = this.#db.prepare<unknown[], never>(sql);
    if (statement.reader) return { rows: statement.all(...parameters), changes: 0 };
    return { rows: [], changes: statement.run(...parameters).changes };
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

  /** `IMMEDIATE`: whoever writes beside us is met here, before anything was read. */
  #transaction<T>(work: () => T): T {
    return this.#db
      .transaction(() => {
        this.#forgetWhereOthersWrote();
        return work();
      })
      .immediate();
  }

  /** Other commands may write beside the server: what is remembered is then no longer sure. */
  #forgetWhereOthersWrote(): void {
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
      // Whoever needs the rows will read them, and be told what is wrong.
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
