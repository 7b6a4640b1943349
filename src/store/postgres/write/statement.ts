import { byteaArray, int4Array, int8Array, textArray } from '../connection/arrays.ts';
import type { Statement } from '../connection/pool.ts';

/** A column of rows that are written, an element a row; its name is that of the table's column. */
export type Column = { readonly name: string } & (
  | { readonly type: 'bigint' | 'integer'; readonly values: ArrayLike<number | null> }
  | { readonly type: 'text' | 'uuid'; readonly values: readonly (string | null)[] }
  | { readonly type: 'bytea'; readonly values: readonly (Uint8Array | null)[] }
);

/**
 * One statement that writes to several tables, each with a part of its own. No two parts may touch the
 * same row, and none sees what another has written.
 */
export class WriteStatement {
  readonly #parts: string[] = [];
  readonly #values: unknown[] = [];

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** Gives what stands for a value in a part. */
  value(value: number | string | Uint8Array | null, type: string): string {
    this.#values.push(value);
    return `$${this.#values.length}::${type}`;
  }

  /** Gives what stands for rows in a part: a table `named` with these columns. */
  rows(named: string, columns: readonly Column[]): string {
    const arrays = columns.map((column) => {
      this.#values.push(arrayOf(column));
      const place = `$${this.#values.length}`;
      return column.type === 'uuid' ? `${place}::text[]::uuid[]` : `${place}::${column.type}[]`;
    });
    const names = columns.map(({ name }) => name);
    return `unnest(${arrays.join(', ')}) AS ${named} (${names.join(', ')})`;
  }

  /** Adds an `INSERT`, `UPDATE` or `DELETE`. */
  add(part: string): void {
    this.#parts.push(part);
  }

  /** Adds rows to a table, all with the same `supplier_id`; `tail` comes behind them. */
  insert(table: string, supplierId: number, columns: readonly Column[], tail: string = ''): void {
    const written = columns.filter(hasValues);
    const names = written.map(({ name }) => name).join(', ');
    this.add(
      `INSERT INTO ${table} (supplier_id, ${names})
       SELECT ${this.value(supplierId, 'integer')}, ${names} FROM ${this.rows('written', written)} ${tail}`,
    );
  }

  build(): Statement {
    const parts = this.#parts.map((part, i) => `part_${i} AS (${part})`);
    return { text: `WITH ${parts.join(',\n')} SELECT`, values: this.#values };
  }
}

/** Whether any row has a value there: what is null in all of them need not be sent. */
export function hasValues({ values }: Column): boolean {
  for (let i = 0; i < values.length; i += 1) if (values[i] !== null) return true;
  return false;
}

function arrayOf(column: Column): Buffer {
  switch (column.type) {
    case 'bigint':
      return int8Array(column.values);
    case 'integer':
      return int4Array(column.values);
    case 'bytea':
      return byteaArray(column.values);
    case 'text':
    case 'uuid':
      return textArray(column.values);
  }
}
