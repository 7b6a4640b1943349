import type { RawBuilder, SqlBool } from 'kysely';
import { sql } from '../../sql/kysely.ts';
import { RETIRED_CODE } from '../../../domain/inventory.ts';
import { comparedValue, inventorySortSql, isByIndex, sqlOf } from '../../sql/sku-sort.ts';
import type { SkuQuery, SkuSort } from '../../store.ts';

export const isUnretired = sql<SqlBool>`inventory.restrictions IS NOT ${sql.lit(RETIRED_CODE)}`;

interface SortedQuery extends Pick<SkuQuery, 'supplierIds' | 'limit'> {
  readonly sort: SkuSort;
  readonly offset: number;
  /** Whether there is no filter and no SKU is retired. */
  readonly isAll: boolean;
  /** The SKU before the page; null begins with the first. */
  readonly after: { readonly key: number; readonly value: string | number | null } | null;
  readonly conditions: RawBuilder<SqlBool>;
  readonly filter: SkuQuery['filter'];
}

/** Selects the keys of a page of a sorted list, and what they are sorted by, as `key` and `value`. */
export function selectSorted(query: SortedQuery): RawBuilder<unknown> {
  const { sort, filter } = query;
  if (sort.by === 'sku_id' && !isByIndex(filter)) return walkSkuIds(query);
  const value = sort.by === 'sku_id' ? 'skus.sku_id' : inventorySortSql(sort);
  // Finding the product of each row takes longer than the row.
  const from = isByIndex(filter)
    ? sql`inventory CROSS JOIN skus ON skus.key = inventory.key WHERE true`
    : sql`suppliers JOIN inventory ON ${ofSupplier('inventory')} WHERE ${inSuppliers(query)}`;
  return sql`SELECT inventory.key, ${sql.raw(value)} AS value FROM ${from}
      AND ${query.conditions} AND ${isUnretired}
      AND ${isAfter(query, value, 'inventory.key')}
    ORDER BY value ${sql.raw(sqlOf(sort).order)}, inventory.key LIMIT ${query.limit} OFFSET ${query.offset}`;
}

/** Takes the first of each supplier in the order of the index, and the first of these. */
function walkSkuIds(query: SortedQuery): RawBuilder<unknown> {
  const { sort, limit, offset, isAll } = query;
  const order = sql.raw(sqlOf(sort).order);
  // Those of one supplier need no second look.
  const [inner, outer] = query.supplierIds.length === 1 ? [offset, 0] : [0, offset];
  const inventory = isAll ? sql`` : sql`CROSS JOIN inventory ON inventory.key = skus.key`;
  const conditions = isAll ? sql`true` : sql`${query.conditions} AND ${isUnretired}`;
  return sql`SELECT found.key, found.sku_id AS value FROM suppliers CROSS JOIN skus AS found
    WHERE ${inSuppliers(query)} AND found.key IN (
      SELECT skus.key FROM skus INDEXED BY skus_by_sku_id ${inventory}
      WHERE skus.supplier_id = suppliers.id AND ${isAfter(query, 'skus.sku_id', 'skus.key')}
        AND ${conditions}
      ORDER BY skus.sku_id ${order} LIMIT ${limit + outer} OFFSET ${inner})
    ORDER BY value ${order}, found.key LIMIT ${limit} OFFSET ${outer}`;
}

function inSuppliers({ supplierIds }: SortedQuery) {
  return sql`suppliers.id IN (${sql.join(supplierIds)})`;
}

function ofSupplier(table: string) {
  return sql`${sql.ref(`${table}.key`)} BETWEEN suppliers.id << 32 AND (suppliers.id << 32) + 0xffffffff`;
}

/** Whether a row comes after the SKU before the page. Equal values are in order of creation. */
function isAfter({ after, sort }: SortedQuery, value: string, key: string) {
  if (after === null) return sql`true`;
  const { atOrAfter, after: beyond } = sqlOf(sort);
  const compared = comparedValue(after.value, sort);
  const [valueSql, keySql] = [sql.raw(value), sql.raw(key)];
  return sql`${valueSql} ${sql.raw(atOrAfter)} ${compared}
    AND (${valueSql} ${sql.raw(beyond)} ${compared} OR ${keySql} > ${after.key})`;
}
