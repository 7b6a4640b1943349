/**
 * The writer: a thread of its own that holds the one connection that writes. It blocks while SQLite
 * works, so that the thread that answers clients never does.
 */
import type { Database } from 'better-sqlite3';
import type { CatalogueBatch, CatalogueOutcome, Batch, BatchOutcome } from '../store.ts';
import { Applier } from './apply.ts';
import { Cataloguer } from './catalogue.ts';
import { isFailedSync, openForWriting, type ConnectionSettings } from './connection.ts';
import { migrate } from './schema.ts';
import { asFailure, serveThread, type Failure } from './threads.ts';

/** A statement and its parameters, as the query builder compiled them. */
export interface CompiledStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  /** Rows, whose type only the one who asks knows. */
  readonly rows: never[];
  readonly changes: number;
  readonly lastInsertRowid: number;
}

/** What the writer can be asked. */
export interface WriterCalls {
  readonly apply: (group: readonly Batch[]) => readonly (BatchOutcome | Failure)[];
  readonly applyCatalogue: (batch: CatalogueBatch) => CatalogueOutcome;
  /** Runs statements in one transaction. */
  readonly run: (statements: readonly CompiledStatement[]) => readonly StatementResult[];
  readonly probe: (thorough: boolean) => void;
}

serveThread<ConnectionSettings, WriterCalls>((settings) => {
  const db = openForWriting(settings);
  migrate(db);
  const writer = new Writer(db);
  return {
    calls: {
      apply: (group) => writer.apply(group),
      applyCatalogue: (batch) => writer.applyCatalogue(batch),
      run: (statements) => writer.run(statements),
      probe: (thorough) => writer.probe(thorough),
    },
    close: () => db.close(),
  };
});

/** Enough to need new pages: a small row may fit where a batch would not. */
const THOROUGH_PROBE_BYTES = 1 << 20;

class Writer {
  readonly #db: Database;
  readonly #applier: Applier;
  readonly #cataloguer: Cataloguer;

  constructor(db: Database) {
    this.#db = db;
    this.#applier = new Applier(db);
    this.#cataloguer = new Cataloguer(db, this.#applier);
  }

  apply(group: readonly Batch[]): readonly (BatchOutcome | Failure)[] {
    try {
      return this.#applyTogether(group);
    } catch (error) {
      if (isFailedSync(error)) throw error;
      if (group.length === 1) return [asFailure(error)];
      return group.flatMap((batch) => this.apply([batch]));
    }
  }

  #applyTogether(group: readonly Batch[]): readonly BatchOutcome[] {
    return this.#transaction(() => {
      const nowMs = Date.now();
      this.#applier.begin();
      const outcomes = group.map((batch) => this.#applier.applyLines(batch, nowMs));
      this.#applier.flush(nowMs);
      return outcomes;
    });
  }

  applyCatalogue(batch: CatalogueBatch): CatalogueOutcome {
    return this.#transaction(() => {
      const nowMs = Date.now();
      this.#applier.begin();
      const outcome = this.#cataloguer.apply(batch, nowMs);
      this.#applier.flush(nowMs);
      return outcome;
    });
  }

  run(statements: readonly CompiledStatement[]): readonly StatementResult[] {
    return this.#transaction(() => statements.map((statement) => this.#runOne(statement)));
  }

  #runOne({ sql, parameters }: CompiledStatement): StatementResult {
    const statement = this.#db.prepare<unknown[], never>(sql);
    if (statement.reader)
      return { rows: statement.all(...parameters), changes: 0, lastInsertRowid: 0 };
    const info = statement.run(...parameters);
    return { rows: [], changes: info.changes, lastInsertRowid: Number(info.lastInsertRowid) };
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
    return this.#db.transaction(work).immediate();
  }
}
