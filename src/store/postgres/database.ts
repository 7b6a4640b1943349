import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Compilable,
  type CompiledQuery,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { PoolClient } from 'pg';
import { createQueryBuilder, type SqlDatabase } from '../sql/database.ts';
import type { SqlTables } from '../sql/tables.ts';
import { isUniqueViolation } from './connection/errors.ts';
import { read, inTransaction, type ConnectionPool } from './connection/pool.ts';

/** Runs everyday statements: reads by themselves, all others in a transaction. */
export class PostgresDatabase implements SqlDatabase {
  readonly db: Kysely<SqlTables>;
  readonly hasRowLocks = true;
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
    this.db = createQueryBuilder<SqlTables>(
      {
        createAdapter: () => new PostgresAdapter(),
        createQueryCompiler: () => new PostgresQueryCompiler(),
        createIntrospector: (db) => new PostgresIntrospector(db),
      },
      (query) => this.#execute(query),
    );
  }

  transact(statements: readonly Compilable[]): Promise<readonly number[]> {
    const compiled = statements.map((statement) => statement.compile());
    return inTransaction(this.#pool, async (client) => {
      const counts: number[] = [];
      for (const statement of compiled) counts.push((await run(client, statement)).changedCount);
      return counts;
    });
  }

  isDuplicate(error: unknown): boolean {
    return isUniqueViolation(error);
  }

  async #execute<R>(statement: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters, query } = statement;
    if (query.kind === 'SelectQueryNode')
      return { rows: [...(await read<R & object>(this.#pool, sql, parameters))] };
    const { rows, changedCount } = await inTransaction(this.#pool, (client) =>
      run<R & object>(client, statement),
    );
    return { rows, numAffectedRows: BigInt(changedCount) };
  }
}

async function run<R extends object>(
  client: PoolClient,
  { sql, parameters }: CompiledQuery,
): Promise<{ readonly rows: R[]; readonly changedCount: number }> {
  const { rows, rowCount } = await client.query<R>(sql, [...parameters]);
  return { rows, changedCount: rowCount };
}
