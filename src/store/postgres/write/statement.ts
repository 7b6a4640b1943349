import { byteaArray, int4Array, int8Array, textArray } from '../connection/arrays.ts';
import { finish, type Steps } from '../../../domain/steps.ts';
import type { Statement } from '../connection/pool.ts';

/** A column of the rows to write, with one value per row. */
export type Column = { readonly name: string } & (
  | { readonly type: 'bigint' | 'integer'; readonly values: readonly (number | null)[] }
  | { readonly type: 'text' | 'uuid'; readonly values: readonly (string | null)[] }
  | { readonly type: 'bytea'; readonly values: readonly (Uint8Array | null)[] }
);

/** Takes the values of a column from rows. */
type ColumnOf<V> = <R>(name: string, rows: readonly R[], valueOf: (row: R) => V | null) => Column;

export const bigints: ColumnOf<number> = (name, rows, valueOf) => ({
  name,
  type: 'bigint',
  values: rows.map(valueOf),
});
export const integers: ColumnOf<number> = (name, rows, valueOf) => ({
  name,
  type: 'integer',
  values: rows.map(valueOf),
});
export const texts: ColumnOf<string> = (name, rows, valueOf) => ({
  name,
  type: 'text',
  values: rows.map(valueOf),
});
export const uuids: ColumnOf<string> = (name, rows, valueOf) => ({
  name,
  type: 'uuid',
  values: rows.map(valueOf),
});
export const byteas: ColumnOf<Uint8Array> = (name, rows, valueOf) => ({
  name,
  type: 'bytea',
  values: rows.map(valueOf),
});

/**
 * One statement that writes several tables, each in a CTE of its own. The CTEs run on one snapshot: none
 * sees the writes of another, and no two may write the same row.
 */
export class WriteStatement {
  readonly #ctes: string[] = [];
  readonly #values: unknown[] = [];

  get isEmpty(): boolean {
    return this.#ctes.length === 0;
  }

  /** Adds a parameter. Returns its placeholder. */
  value(value: number | string | Uint8Array | null, type: string): string {
    this.#values.push(value);
    return `$${this.#values.length}::${type}`;
  }

  /** Adds the values of a column as one parameter. Returns an array. */
  array(column: Column): string {
    this.#values.push(arrayOf(column));
    const placeholder = `$${this.#values.length}`;
    return column.type === 'uuid'
      ? `${placeholder}::text[]::uuid[]`
      : `${placeholder}::${column.type}[]`;
  }

  /** Adds rows as parameters. Returns a FROM item with these columns. */
  rows(alias: string, columns: readonly Column[]): string {
    return finish(this.addingRows(alias, columns));
  }

  /** `rows`, with a pause after each column. */
  *addingRows(alias: string, columns: readonly Column[]): Steps<string> {
    const arrays: string[] = [];
    for (const column of columns) {
      arrays.push(this.array(column));
      yield;
    }
    const names = columns.map(({ name }) => name);
    return `unnest(${arrays.join(', ')}) AS ${alias} (${names.join(', ')})`;
  }

  /** Adds an `INSERT`, `UPDATE` or `DELETE`. */
  add(sql: string): void {
    this.#ctes.push(sql);
  }

  /** Adds an `INSERT` of rows of one supplier. `onConflict` is appended to it. */
  insert(
    table: string,
    supplierId: number,
    columns: readonly Column[],
    onConflict: string = '',
  ): void {
    const written = columns.filter(hasValues);
    const names = written.map(({ name }) => name).join(', ');
    this.add(
      `INSERT INTO ${table} (supplier_id, ${names})
       SELECT ${this.value(supplierId, 'integer')}, ${names} FROM ${this.rows('written', written)} ${onConflict}`,
    );
  }

  build(): Statement {
    const ctes = this.#ctes.map((sql, i) => `write_${i} AS (${sql})`);
    return { text: `WITH ${ctes.join(',\n')} SELECT`, values: this.#values };
  }
}

/** Whether any row has a value. Columns that are null in all rows need not be sent. */
export function hasValues({ values }: Column): boolean {
  for (const value of values) if (value !== null) return true;
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
