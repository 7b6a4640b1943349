import type { Database } from 'better-sqlite3';

/** A statement compiled by the query builder. */
export interface CompiledStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Whether it runs only if the first statement of its transaction changed a row. */
  readonly isConditional?: true;
}

/** In the SQL of statements that look at the inventory of many SKUs (recent/inventory-view.ts). */
export const LOOKS_AT_MANY_SKUS = '/* many SKUs */';

export interface StatementResult {
  /** Rows; the caller knows their type. */
  readonly rows: never[];
  readonly changes: number;
}

/** Runs a statement that writes, in the transaction that the caller opened. */
function runStatement(db: Database, { sql, parameters }: CompiledStatement): StatementResult {
  const statement = db.prepare<unknown[], never>(sql);
  if (statement.reader) return { rows: statement.all(...parameters), changes: 0 };
  return { rows: [], changes: statement.run(...parameters).changes };
}

/** Runs statements that write, in the transaction that the caller opened. Conditional ones may have no result. */
export function runStatements(
  db: Database,
  statements: readonly CompiledStatement[],
): readonly StatementResult[] {
  const results: StatementResult[] = [];
  for (const statement of statements) {
    if (statement.isConditional === true && results[0]?.changes === 0) break;
    results.push(runStatement(db, statement));
  }
  return results;
}

/** Runs a statement that only reads. */
export function queryRows(db: Database, { sql, parameters }: CompiledStatement): never[] {
  return db.prepare<unknown[], never>(sql).all(...parameters);
}
