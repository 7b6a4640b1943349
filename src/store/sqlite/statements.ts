import type { Database } from 'better-sqlite3';

/** A statement compiled by the query builder. */
export interface CompiledStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  /** Rows; the caller knows their type. */
  readonly rows: never[];
  readonly changes: number;
}

/** Runs a statement that writes, in the transaction that the caller opened. */
export function runStatement(
  db: Database,
  { sql, parameters }: CompiledStatement,
): StatementResult {
  const statement = db.prepare<unknown[], never>(sql);
  if (statement.reader) return { rows: statement.all(...parameters), changes: 0 };
  return { rows: [], changes: statement.run(...parameters).changes };
}

/** Runs a statement that only reads. */
export function queryRows(db: Database, { sql, parameters }: CompiledStatement): never[] {
  return db.prepare<unknown[], never>(sql).all(...parameters);
}
