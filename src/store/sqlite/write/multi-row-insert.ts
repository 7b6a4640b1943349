import type { Database, Statement } from 'better-sqlite3';

type Value = number | null;

/** Rows that one statement writes. Measured: beyond a few dozen nothing more is gained. */
const ROWS_PER_STATEMENT = 40;

/** What is written: the statement up to its rows, how many values each has, and what comes behind them. */
interface RowShape {
  readonly insert: string;
  readonly width: number;
  readonly tail?: string;
}

/**
 * Writes many rows with few statements: to call a statement costs as much as the rows themselves
 * (docs/decisions/0007).
 */
export class MultiRowInsert {
  readonly #width: number;
  readonly #many: Statement<Value[]>;
  readonly #one: Statement<Value[]>;

  constructor(db: Database, shape: RowShape) {
    this.#width = shape.width;
    this.#many = db.prepare<Value[]>(sqlOf(shape, ROWS_PER_STATEMENT));
    this.#one = db.prepare<Value[]>(sqlOf(shape, 1));
  }

  /** Writes the rows whose values stand one behind the other. */
  write(values: readonly Value[]): void {
    const step = this.#width * ROWS_PER_STATEMENT;
    let at = 0;
    for (; at + step <= values.length; at += step) {
      this.#many.run(...values.slice(at, at + step));
    }
    for (; at < values.length; at += this.#width) {
      this.#one.run(...values.slice(at, at + this.#width));
    }
  }
}

function sqlOf({ insert, width, tail = '' }: RowShape, count: number): string {
  const row = `(${Array(width).fill('?').join(', ')})`;
  return `${insert} VALUES ${Array(count).fill(row).join(', ')} ${tail}`;
}
