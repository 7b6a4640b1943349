import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from '../sql/kysely.ts';
import type { Condition } from '../../domain/sku.ts';
import {
  createQueryBuilder,
  everySupplier,
  type IsReachable,
  type SqlDatabase,
} from '../sql/database.ts';
import type { SqlTables } from '../sql/tables.ts';
import type { CompiledStatement, StatementResult } from './statements.ts';
import { DuplicateError, OrphanError } from './threads.ts';

/** The columns that the query builder knows; `schema/migrations.ts` describes them. */
export interface SqliteTables extends SqlTables {
  suppliers: SqlTables['suppliers'] & {
    last_sequence: number;
    dropped_sequence: number;
    expected_interval_minutes: number | null;
  };
  skus: {
    key: number;
    supplier_id: number;
    sku_id: string;
    uuid: string;
    item_uuid: string;
    item_id: string | null;
    title: string | null;
    condition: Condition | null;
    units_bundled: number | null;
    upca: string | null;
    ean13: string | null;
    gtin14: string | null;
    isbn: string | null;
    asin: string | null;
    mpn: string | null;
    created_at_ms: number;
  };
  gtins: { supplier_id: number; gtin: number; sku_number: number };
  inventory: {
    key: number;
    quantity_in_stock: number | null;
    quantity_on_backorder: number | null;
    backorder_date: number | null;
    restrictions: number | null;
    last_sequence: number;
    updated_at_ms: number;
  };
  baselines: {
    supplier_id: number;
    sku_number: number;
    sequence: number;
    changed_at_ms: number;
    quantity_in_stock: number | null;
    quantity_on_backorder: number | null;
    backorder_date: number | null;
    restrictions: number | null;
  };
}

/** Kysely would run one statement at a time: a read would wait for each write before it. */
class ThreadsAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Where statements run: in the threads of a `SqliteStore`, or in the calling thread. */
export interface StatementRunner {
  query(statement: CompiledStatement): Promise<never[]>;
  /** Runs statements in one transaction. */
  run(statements: readonly CompiledStatement[]): Promise<readonly StatementResult[]>;
}

/** Builds everyday statements and passes them on: reads to `query`, all others to `run`. */
export class SqliteDatabase implements SqlDatabase {
  readonly db: Kysely<SqliteTables>;
  /** There is only one writer. */
  readonly hasRowLocks = false;
  readonly #runner: StatementRunner;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
    this.db = createQueryBuilder<SqliteTables>(
      {
        createAdapter: () => new ThreadsAdapter(),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createIntrospector: (db) => new SqliteIntrospector(db),
      },
      (query) => this.#execute(query),
    );
  }

  async transact(
    statements: readonly Compilable[],
    ifChanged: readonly Compilable[] = [],
  ): Promise<readonly number[]> {
    const results = await this.#runner.run([
      ...statements.map(compiled),
      ...ifChanged.map((statement) => ({ ...compiled(statement), isConditional: true as const })),
    ]);
    return results.slice(0, statements.length).map(({ changes }) => changes);
  }

  readReachable<T>(readRows: (isReachable: IsReachable) => Promise<T>): Promise<T> {
    return readRows(everySupplier);
  }

  isDuplicate(error: unknown): boolean {
    return error instanceof DuplicateError;
  }

  isOrphan(error: unknown): boolean {
    return error instanceof OrphanError;
  }

  async #execute<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const statement = { sql, parameters };
    // Handwritten SQL is a read as well: the reader's connection rejects writes.
    if (query.kind === 'SelectQueryNode' || query.kind === 'RawNode') {
      return { rows: await this.#runner.query(statement) };
    }
    const [result] = await this.#runner.run([statement]);
    if (result === undefined) throw new Error('the writer returned no result');
    return { rows: result.rows, numAffectedRows: BigInt(result.changes) };
  }
}

function compiled(statement: Compilable): CompiledStatement {
  const { sql, parameters } = statement.compile();
  return { sql, parameters };
}
