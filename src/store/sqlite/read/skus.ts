import type { SqlBool } from 'kysely';
import { sql } from '../../sql/kysely.ts';
import type { Sku } from '../../../domain/sku.ts';
import { skuOf, type SkuRow } from '../../sql/products.ts';
import { isByIndex, refuseLongSort } from '../../sql/sku-sort.ts';
import { skuIdPrefix, titlePrefix } from '../../sql/title-prefix.ts';
import type { SkuPage, SkuQuery, SkuSort, SkuStore, SkuFilter } from '../../store.ts';
import { skuKey, supplierIdOfKey } from '../schema/migrations.ts';
import type { SqliteDatabase } from '../database.ts';
import { LOOKS_AT_MANY_SKUS } from '../statements.ts';
import { isUnretired, selectSorted } from './sorted-skus.ts';

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
    const totalCount = isFiltered(query)
      ? await this.#count(query)
      : counts.reduce((sum, counted) => sum + counted.sku_count - counted.retired_count, 0);
    return { totalCount, ...(await this.#page(query, counts)) };
  }

  async page(query: SkuQuery): Promise<Omit<SkuPage, 'totalCount'>> {
    if (query.supplierIds.length === 0) return { skus: [], hasMore: false };
    return this.#page(query, await this.#skuCounts(query.supplierIds));
  }

  async #page(query: SkuQuery, counts: readonly SkuCount[]): Promise<Omit<SkuPage, 'totalCount'>> {
    const { sort, limit } = query;
    const rows =
      sort === undefined
        ? await this.#byCreation(query, counts)
        : await this.#sorted({ ...query, sort }, counts);
    return { skus: rows.slice(0, limit).map(skuOf), hasMore: rows.length > limit };
  }

  async #byCreation(query: SkuQuery, counts: readonly SkuCount[]): Promise<readonly SkuRow[]> {
    const isAll = isGapless(query, counts);
    const firstKey = await this.#firstKey(query, counts);
    if (firstKey === undefined) return [];
    if (isByIndex(query.filter)) return this.#rowsFound(query, firstKey);
    return this.#rows(firstKey)
      .where('suppliers.id', 'in', query.supplierIds)
      .where('suppliers.id', '>=', supplierIdOfKey(firstKey))
      .where(matches(query))
      .where(isAll ? sql<SqlBool>`true` : isUnretired)
      .orderBy('suppliers.id')
      .orderBy('skus.key')
      .limit(query.limit + 1)
      .offset(isAll ? 0 : offsetOf(query))
      .modifyEnd(markIf(looksAtMany(query) || (!isAll && offsetOf(query) > FEW_SKUS)))
      .execute();
  }

  /** SKUs that an index finds. Joined with the suppliers, all that are found would be read for each supplier. */
  async #rowsFound(query: SkuQuery, firstKey: number): Promise<readonly SkuRow[]> {
    const { limit } = query;
    const { rows } = await sql<SkuRow>`WITH found AS MATERIALIZED (
        SELECT inventory.key FROM inventory
        WHERE inventory.key >= ${firstKey} AND ${matches(query)} AND ${isUnretired}
        ORDER BY inventory.key LIMIT ${limit + 1} OFFSET ${offsetOf(query)})
      ${selectFound} ORDER BY found.key ${markIf(looksAtMany(query))}`.execute(this.#database.db);
    return rows;
  }

  async #sorted(
    query: SkuQuery & { readonly sort: SkuSort },
    counts: readonly SkuCount[],
  ): Promise<readonly SkuRow[]> {
    const { sort, from, limit } = query;
    refuseLongSort(sort, query, counts);
    const key = 'start' in from ? null : await this.#keyAfter(query, from.afterUuid);
    if (key === undefined) return [];
    const value = 'start' in from ? null : (from.afterValue ?? null);
    const sorted = selectSorted({
      ...query,
      limit: limit + 1,
      offset: offsetOf(query),
      after: key === null ? null : { key, value },
      isAll: isGapless(query, counts),
      conditions: matches(query),
    });
    // One statement: the values that sort the SKUs are those that it returns.
    const { rows } = await sql<SkuRow>`WITH found AS MATERIALIZED (${sorted})
      ${selectFound} ORDER BY found.value ${sql.raw(sort.isDescending ? 'DESC' : 'ASC')}, found.key
      ${markIf(looksAtMany(query))}`.execute(this.#database.db);
    return rows;
  }

  /** The key of a SKU that a page follows: null before the first, undefined if none of the suppliers has it. */
  async #keyAfter(
    { supplierIds }: Pick<SkuQuery, 'supplierIds'>,
    uuid: string | null,
  ): Promise<number | null | undefined> {
    if (uuid === null) return null;
    const last = await this.#database.db
      .selectFrom('skus')
      .select('key')
      .where('uuid', '=', uuid)
      .where('supplier_id', 'in', supplierIds)
      .executeTakeFirst();
    return last?.key;
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
  async #firstKey(query: SkuQuery, counts: readonly SkuCount[]): Promise<number | undefined> {
    const { from } = query;
    if ('afterUuid' in from) {
      const last = await this.#keyAfter(query, from.afterUuid);
      return last === undefined ? undefined : (last ?? -1) + 1;
    }
    if (!isGapless(query, counts)) return 0;
    let before = from.start;
    for (const { id, sku_count: skuCount } of counts) {
      if (before < skuCount) return skuKey(id, before + 1);
      before -= skuCount;
    }
    return undefined;
  }

  async #count(query: SkuQuery): Promise<number> {
    const counted = isByIndex(query.filter)
      ? this.#database.db.selectFrom('inventory')
      : this.#database.db
          .selectFrom('suppliers')
          .innerJoin('inventory', (join) => join.on(ofSupplierFrom(0, 'inventory')))
          .where('suppliers.id', 'in', query.supplierIds);
    const { count } = await counted
      .select((select) => select.fn.countAll<number>().as('count'))
      .where(matches(query))
      .where(isUnretired)
      .modifyEnd(markIf(looksAtMany(query)))
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

/** The SKUs whose keys are in `found`. */
const selectFound = sql`SELECT skus.*, organizations.uuid AS supplier_uuid,
    organizations.name AS supplier_name, quantity_in_stock, quantity_on_backorder, backorder_date,
    restrictions, updated_at_ms
  FROM found CROSS JOIN skus ON skus.key = found.key
    CROSS JOIN inventory ON inventory.key = found.key
    CROSS JOIN organizations ON organizations.id = skus.supplier_id`;

interface SkuCount {
  readonly id: number;
  readonly sku_count: number;
  readonly retired_count: number;
}

/** Whether each SKU of the suppliers is listed, so that an offset is a number of a SKU. */
function isGapless(query: SkuQuery, counts: readonly SkuCount[]): boolean {
  return !isFiltered(query) && counts.every(({ retired_count: retired }) => retired === 0);
}

function isFiltered({ filter }: Pick<SkuQuery, 'filter'>): boolean {
  return Object.keys(filter).length > 0;
}

function offsetOf({ from }: Pick<SkuQuery, 'from'>): number {
  return 'start' in from ? from.start : 0;
}

/** How many SKUs a statement may look at before it is worth being marked. */
const FEW_SKUS = 10_000;

/** Whether a statement may look at the inventory of many more SKUs than it returns. */
function looksAtMany(query: Pick<SkuQuery, 'filter' | 'sort'>): boolean {
  const { filter, sort } = query;
  if (filter.skuId !== undefined || filter.gtins !== undefined) return false;
  return isFiltered(query) || (sort !== undefined && sort.by !== 'sku_id');
}

function markIf(isMany: boolean) {
  return isMany ? sql.raw(LOOKS_AT_MANY_SKUS) : sql``;
}

/**
 * A supplier's SKUs from `firstKey` on, as one range of keys. With two conditions, SQLite would scan from the
 * lower bound of one and filter by the other.
 */
function ofSupplierFrom(firstKey: number, table: 'skus' | 'inventory' = 'skus') {
  return sql<SqlBool>`${sql.ref(table)}.key BETWEEN max(suppliers.id << 32, ${firstKey}) AND (suppliers.id << 32) + 0xffffffff`;
}

/** Conditions on `inventory`. What an index finds is found once for all suppliers: for each, it would be found again for each row. */
function matches({ filter, supplierIds }: Pick<SkuQuery, 'filter' | 'supplierIds'>) {
  const conditions = [sql<SqlBool>`true`];
  if (filter.skuId !== undefined) {
    conditions.push(
      sql`inventory.key IN (SELECT key FROM skus AS named
        WHERE named.supplier_id IN (${sql.join(supplierIds)}) AND named.sku_id = ${filter.skuId})`,
    );
  }
  for (const gtin of filter.gtins ?? []) {
    conditions.push(sql`inventory.key IN (${withGtin(gtin, supplierIds)})`);
  }
  if (filter.titlePrefix !== undefined) {
    conditions.push(sql`inventory.key IN (${titled(filter.titlePrefix, supplierIds)})`);
  }
  if (filter.search !== undefined) {
    conditions.push(sql`inventory.key IN (${searched(filter.search, supplierIds)})`);
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

function withGtin(gtin: number, supplierIds: readonly number[]) {
  return sql`SELECT (supplier_id << 32) + sku_number FROM gtins
    WHERE gtins.supplier_id IN (${sql.join(supplierIds)}) AND gtin = ${gtin}`;
}

function titled(text: string, supplierIds: readonly number[]) {
  const { whole, length, isIndexed, first, end } = titlePrefix(text);
  return sql`SELECT key FROM skus AS titled INDEXED BY skus_by_title
    WHERE titled.supplier_id IN (${sql.join(supplierIds)}) AND title IS NOT NULL
      AND lower(substr(title, 1, 32)) >= ${first}
      ${end === null ? sql`` : sql`AND lower(substr(title, 1, 32)) < ${end}`}
      ${isIndexed ? sql`` : sql`AND lower(substr(title, 1, ${length})) = ${whole}`}`;
}

/** The keys of these suppliers' SKUs that a search finds. */
function searched(
  { text, gtins }: NonNullable<SkuFilter['search']>,
  supplierIds: readonly number[],
) {
  const suppliers = sql.join(supplierIds);
  const { first, end } = skuIdPrefix(text);
  const ofSkuId = sql`SELECT key FROM skus AS named INDEXED BY skus_by_lowered_sku_id
    WHERE named.supplier_id IN (${suppliers}) AND lower(named.sku_id) >= ${first}
      ${end === null ? sql`` : sql`AND lower(named.sku_id) < ${end}`}`;
  const ofGtin = gtins.map((gtin) => withGtin(gtin, supplierIds));
  return sql.join([ofSkuId, titled(text, supplierIds), ...ofGtin], sql` UNION `);
}
