/** What the SQL of this folder needs from a database: the dialect, and how statements are run. */
import type { Compilable, CompiledQuery, Dialect, Kysely, QueryResult } from 'kysely';
import { QueryBuilder } from './kysely.ts';
import type { SqlTables } from './tables.ts';

export interface SqlDatabase {
  readonly db: Kysely<SqlTables>;
  /** Whether rows can be locked one by one (`FOR UPDATE SKIP LOCKED`). */
  readonly hasRowLocks: boolean;
  /**
   * Runs statements in one transaction, and after them `ifChanged`, but only if the first of them changed a row. Resolves
   * with how many rows each of the statements changed.
   */
  transact(
    statements: readonly Compilable[],
    ifChanged?: readonly Compilable[],
  ): Promise<readonly number[]>;
  /** Whether a statement failed because a unique key exists already. */
  isDuplicate(error: unknown): boolean;
}

/** A query builder that runs each statement by itself, outside of any transaction. */
export function createQueryBuilder<T>(
  dialect: Omit<Dialect, 'createDriver'>,
  executeQuery: <R>(query: CompiledQuery) => Promise<QueryResult<R>>,
): Kysely<T> {
  const connection = {
    executeQuery,
    streamQuery: () => {
      throw new Error('rows are read in pages, not streamed');
    },
  };
  return new QueryBuilder<T>({
    dialect: {
      createAdapter: () => dialect.createAdapter(),
      createQueryCompiler: () => dialect.createQueryCompiler(),
      createIntrospector: (db) => dialect.createIntrospector(db),
      createDriver: () => ({
        init: nothing,
        acquireConnection: () => Promise.resolve(connection),
        releaseConnection: nothing,
        beginTransaction: noTransactions,
        commitTransaction: noTransactions,
        rollbackTransaction: noTransactions,
        destroy: nothing,
      }),
    },
  });
}

const nothing = (): Promise<void> => Promise.resolve();
const noTransactions = (): Promise<never> =>
  Promise.reject(new Error('use SqlDatabase.transact, which can retry'));
