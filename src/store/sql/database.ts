/** What the SQL of this folder needs from a database: the dialect, and how statements are run. */
import type { Compilable, CompiledQuery, Dialect, Kysely, QueryResult, RawBuilder } from 'kysely';
import { QueryBuilder, sql } from './kysely.ts';
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
  /**
   * Runs a read of the rows of all suppliers. While a machine of a distributed database is down, the read may only ask for
   * those of suppliers on the others.
   */
  readReachable<T>(readRows: (isReachable: IsReachable) => Promise<T>): Promise<T>;
  /** Whether a statement failed because a unique key exists already. */
  isDuplicate(error: unknown): boolean;
  /** Whether a statement failed because a row that it refers to does not exist any more. */
  isOrphan(error: unknown): boolean;
}

/** The condition that a supplier's rows can be read now, from the column or value with the supplier's id. */
export type IsReachable = (supplier: string) => RawBuilder<boolean>;

/** The condition while all rows can be read. */
export const everySupplier: IsReachable = () => sql<boolean>`true`;

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
