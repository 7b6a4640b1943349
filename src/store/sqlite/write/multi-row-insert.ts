import type { Database, Statement } from 'better-sqlite3';

type Value = number | null;

/** Measured: more rows per statement gain nothing. */
const ROWS_PER_STATEMENT = 40;

/** The statement before its rows, the number of values per row, and the statement after them. */
interface RowShape {
  readonly insert: string;
  readonly width: number;
  readonly tail?: string;
}

/**
 * Writes many rows with few statements, since running a statement costs as much as the rows themselves
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

  /** Writes rows, given the concatenation of their values. */
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
