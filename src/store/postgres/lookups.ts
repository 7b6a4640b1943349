/**
 * Joins that find rows by key, for rows that come from a request. Written plainly, a join leaves two choices to
 * the planner: which side to loop over, and which index to use. Statistics that are missing or out of date
 * describe a supplier with a new catalogue as one without SKUs. Then it seems equally cheap to read all of its
 * SKUs for each line, which takes time in proportion to the square of the catalogue.
 *
 * A subquery with `LATERAL` is run for each row of the left side, and `LIMIT` or `OFFSET` keeps the planner
 * from merging it with the rest. Among the indexes of `skus`, only one returns the order that `ORDER BY` asks
 * for; `STEADY_PLANS` rules out sorting.
 */

/** Settings of a transaction in which each lookup uses the index of its key. */
export const STEADY_PLANS = [
  'SET LOCAL enable_seqscan = off',
  'SET LOCAL enable_sort = off',
  // Before version 18, what is switched off has an immense cost, which makes compiling a plan seem worthwhile.
  'SET LOCAL jit = off',
].join('; ');

/** The only supplier of the parameter $1. A constant, so that a distributed database asks one worker. */
export const ONLY_SUPPLIER = '($1::int[])[1]';

/** The suppliers $1. Of their table, because workers of a distributed database can join only tables. */
export const ASKED_SUPPLIERS = '(SELECT id FROM suppliers WHERE id = ANY ($1::int[]))';

/** Begins a statement that joins to each `supplier` of the parameter $1 what belongs to it. */
export function fromSuppliers(supplierIds: readonly number[]): string {
  return supplierIds.length === 1
    ? `FROM (SELECT ${ONLY_SUPPLIER} AS id) AS supplier`
    : `FROM ${ASKED_SUPPLIERS} AS supplier`;
}

/**
 * Joins `skus`, found by a key that is unique for a supplier.
 *
 * @param columns of `skus` that the rest of the statement uses
 */
export function joinSku(
  key: 'sku_number' | 'sku_id' | 'uuid',
  value: string,
  columns: readonly string[],
  supplier: string = '$1',
): string {
  const selected = [...new Set([key, ...columns])].join(', ');
  return `JOIN LATERAL (SELECT ${selected} FROM skus
      WHERE supplier_id = ${supplier} AND ${key} >= ${value} ORDER BY ${key} LIMIT 1) AS skus
    ON skus.${key} = ${value}`;
}

/** Joins `organizations`, with the UUID and name of a supplier. */
export function joinSupplier(supplier: string = '$1'): string {
  return `CROSS JOIN LATERAL (SELECT uuid AS supplier_uuid, name AS supplier_name FROM organizations
      WHERE id = ${supplier} OFFSET 0) AS organizations`;
}

/** Joins the row of a table whose primary key is the supplier and a number. */
export function joinNumbered(
  table: 'inventory' | 'batches',
  key: 'sku_number' | 'number',
  value: string,
  supplier: string = '$1',
): string {
  return `CROSS JOIN LATERAL (SELECT * FROM ${table}
      WHERE supplier_id = ${supplier} AND ${key} = ${value} OFFSET 0) AS ${table}`;
}
