import { sql, type SqlBool } from 'kysely';
import { RETIRED_CODE } from '../../../domain/inventory.ts';
import type { Sku } from '../../../domain/sku.ts';
import { skuOf } from '../../sql/products.ts';
import { skuIdPrefixes, titlePrefix } from '../../sql/title-prefix.ts';
import type { SkuFilter, SkuPage, SkuQuery, SkuStore } from '../../store.ts';
import { skuKey, supplierIdOfKey } from '../schema/migrations.ts';
import type { SqliteDatabase } from '../database.ts';

/**
 * Reads SKUs that are not retired. A supplier's SKUs are numbered without gaps in order of creation and never deleted,
 * so an offset in the unfiltered list of a supplier that has retired none is a key, and any page begins with one
 * index lookup.
 */
export class SqliteSkus implements SkuStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  async find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined> {
    if (supplierIds.length === 0) return undefined;
    const row = await this.#rows(0)
      .where('skus.uuid', '=', uuid)
      .where('suppliers.id', '=', (select) => select.ref('skus.supplier_id'))
      .where('suppliers.id', 'in', supplierIds)
      .where(isUnretired)
      .executeTakeFirst();
    return row && skuOf(row);
  }

  async list(query: SkuQuery): Promise<SkuPage> {
    if (query.supplierIds.length === 0) return { totalCount: 0, skus: [], hasMore: false };
    const counts = await this.#skuCounts(query.supplierIds);
    const isFiltered = Object.keys(query.filter).length > 0;
    const isGapless = !isFiltered && counts.every(({ retired_count: retired }) => retired === 0);
    const totalCount = isFiltered
      ? await this.#count(query)
      : counts.reduce((sum, counted) => sum + counted.sku_count - counted.retired_count, 0);
    const firstKey = await this.#firstKey(query, counts, isGapless);
    const offset = !isGapless && 'start' in query.from ? query.from.start : 0;
    const rows =
      firstKey === undefined
        ? []
        : await this.#rows(firstKey)
            .where('suppliers.id', 'in', query.supplierIds)
            .where('suppliers.id', '>=', supplierIdOfKey(firstKey))
            .where(matches(query))
            .where(isGapless ? sql<SqlBool>`true` : isUnretired)
            .orderBy('suppliers.id')
            .orderBy('skus.key')
            .limit(query.limit + 1)
            .offset(offset)
            .execute();
    return {
      totalCount,
      skus: rows.slice(0, query.limit).map(skuOf),
      hasMore: rows.length > query.limit,
    };
  }

  #skuCounts(supplierIds: readonly number[]) {
    return this.#database.db
      .selectFrom('suppliers')
      .select(['id', 'sku_count', 'retired_count'])
      .where('id', 'in', supplierIds)
      .orderBy('id')
      .execute();
  }

  /** The key at which the page begins; undefined if it begins after the last SKU. */
  async #firstKey(
    { from, supplierIds }: SkuQuery,
    counts: readonly { id: number; sku_count: number }[],
    isGapless: boolean,
  ): Promise<number | undefined> {
    if ('afterUuid' in from) {
      if (from.afterUuid === null) return 0;
      const last = await this.#database.db
        .selectFrom('skus')
        .select('key')
        .where('uuid', '=', from.afterUuid)
        .where('supplier_id', 'in', supplierIds)
        .executeTakeFirst();
      return last && last.key + 1;
    }
    if (!isGapless) return 0;
    let before = from.start;
    for (const { id, sku_count: skuCount } of counts) {
      if (before < skuCount) return skuKey(id, before + 1);
      before -= skuCount;
    }
    return undefined;
  }

  async #count(query: SkuQuery): Promise<number> {
    const { supplierIds, filter } = query;
    const { skuId, gtins, titlePrefix: title, search } = filter;
    const suppliers = this.#database.db.selectFrom('suppliers');
    // Finding the product of each row takes longer than the row.
    const { count } = await (
      skuId === undefined && gtins === undefined && title === undefined && search === undefined
        ? suppliers.innerJoin('inventory', (join) => join.on(ofSupplierFrom(0, 'inventory')))
        : suppliers
            .innerJoin('skus', (join) => join.on(ofSupplierFrom(0)))
            .innerJoin('inventory', 'inventory.key', 'skus.key')
    )
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('suppliers.id', 'in', supplierIds)
      .where(matches(query))
      .where(isUnretired)
      .executeTakeFirstOrThrow();
    return count;
  }

  #rows(firstKey: number) {
    return this.#database.db
      .selectFrom('suppliers')
      .innerJoin('organizations', 'organizations.id', 'suppliers.id')
      .innerJoin('skus', (join) => join.on(ofSupplierFrom(firstKey)))
      .innerJoin('inventory', 'inventory.key', 'skus.key')
      .selectAll('skus')
      .select([
        'organizations.uuid as supplier_uuid',
        'organizations.name as supplier_name',
        'quantity_in_stock',
        'quantity_on_backorder',
        'backorder_date',
        'restrictions',
        'updated_at_ms',
      ]);
  }
}

const isUnretired = sql<SqlBool>`inventory.restrictions IS NOT ${sql.lit(RETIRED_CODE)}`;

/**
 * A supplier's SKUs from `firstKey` on, as one range of keys. With two conditions, SQLite would scan from the
 * lower bound of one and filter by the other.
 */
function ofSupplierFrom(firstKey: number, table: 'skus' | 'inventory' = 'skus') {
  return sql<SqlBool>`${sql.ref(table)}.key BETWEEN max(suppliers.id << 32, ${firstKey}) AND (suppliers.id << 32) + 0xffffffff`;
}

function matches({ filter, supplierIds }: Pick<SkuQuery, 'filter' | 'supplierIds'>) {
  const conditions = [sql<SqlBool>`true`];
  if (filter.skuId !== undefined) {
    conditions.push(sql`skus.sku_id = ${filter.skuId} AND skus.supplier_id = suppliers.id`);
  }
  for (const gtin of filter.gtins ?? []) {
    conditions.push(
      sql`skus.key IN (SELECT (supplier_id << 32) + sku_number FROM gtins
        WHERE gtins.supplier_id = suppliers.id AND gtin = ${gtin})`,
    );
  }
  if (filter.titlePrefix !== undefined) {
    conditions.push(sql`skus.key IN (${titled(filter.titlePrefix, supplierIds)})`);
  }
  if (filter.search !== undefined) {
    conditions.push(sql`skus.key IN (${searched(filter.search, supplierIds)})`);
  }
  if (filter.restrictions !== undefined) {
    conditions.push(sql`inventory.restrictions IS ${filter.restrictions}`);
  }
  if (filter.updatedSinceMs !== undefined) {
    conditions.push(sql`inventory.updated_at_ms >= ${filter.updatedSinceMs}`);
  }
  if (filter.quantityInStockMin !== undefined) {
    conditions.push(sql`inventory.quantity_in_stock >= ${filter.quantityInStockMin}`);
  }
  if (filter.quantityInStockMax !== undefined) {
    conditions.push(sql`inventory.quantity_in_stock <= ${filter.quantityInStockMax}`);
  }
  return sql.join<SqlBool>(conditions, sql` AND `);
}

/** Of all suppliers at once: a subquery for each supplier would run again for each row. */
function titled(text: string, supplierIds: readonly number[]) {
  const { whole, length, first, end } = titlePrefix(text);
  return sql`SELECT key FROM skus AS titled INDEXED BY skus_by_title
    WHERE titled.supplier_id IN (${sql.join(supplierIds)}) AND title IS NOT NULL
      AND lower(substr(title, 1, 32)) >= ${first}
      ${end === null ? sql`` : sql`AND lower(substr(title, 1, 32)) < ${end}`}
      AND lower(substr(title, 1, ${length})) = ${whole}`;
}

/** The keys of these suppliers' SKUs that a search finds. */
function searched(
  { text, gtins }: NonNullable<SkuFilter['search']>,
  supplierIds: readonly number[],
) {
  const suppliers = sql.join(supplierIds);
  const ofSkuId = skuIdPrefixes(text).map(
    ({ first, end }) => sql`SELECT key FROM skus AS named INDEXED BY skus_by_sku_id
      WHERE named.supplier_id IN (${suppliers}) AND named.sku_id >= ${first}
        ${end === null ? sql`` : sql`AND named.sku_id < ${end}`}`,
  );
  const ofGtin = gtins.map(
    (gtin) => sql`SELECT (supplier_id << 32) + sku_number FROM gtins
      WHERE gtins.supplier_id IN (${suppliers}) AND gtin = ${gtin}`,
  );
  return sql.join([...ofSkuId, titled(text, supplierIds), ...ofGtin], sql` UNION `);
}
