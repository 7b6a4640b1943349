import { skuIdCanExist } from '../../../domain/lines.ts';
import type { Sku } from '../../../domain/sku.ts';
import { skuOf, type SkuRow } from '../../sql/products.ts';
import type { SkuFilter, SkuPage, SkuQuery, SkuStore } from '../../store.ts';
import { read, type ConnectionPool } from '../connection/pool.ts';
import { isUuid } from '../../uuids.ts';

const SKU_COLUMNS = `skus.*, quantity_in_stock, quantity_on_backorder, backorder_date, restrictions,
  updated_at_ms`;
const SKU_TABLES = 'skus JOIN inventory USING (supplier_id, sku_number)';
/** Stated for both tables, because the planner does not derive `= ANY` conditions through the join. */
const OF_SUPPLIERS =
  'skus.supplier_id = ANY ($1::int[]) AND inventory.supplier_id = ANY ($1::int[])';

interface SkuCount {
  readonly id: number;
  readonly sku_count: number;
}

/** A position in the list: after the SKU with that number (0: before the first) of that supplier. */
interface Position {
  readonly supplierId: number;
  readonly skuNumber: number;
}

const START: Position = { supplierId: 0, skuNumber: 0 };

/**
 * Reads SKUs. A supplier's SKUs are numbered without gaps in order of creation, and never deleted, so the
 * bounds of a page of the unfiltered list are computed instead of searched.
 */
export class PostgresSkus implements SkuStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined> {
    if (supplierIds.length === 0 || !isUuid(uuid)) return undefined;
    const [row] = await read<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS}, organizations.uuid AS supplier_uuid, name AS supplier_name
       FROM ${SKU_TABLES} JOIN organizations ON organizations.id = supplier_id
       WHERE ${OF_SUPPLIERS} AND skus.uuid = $2`,
      [supplierIds, uuid],
    );
    return row && skuOf(row);
  }

  async list(query: SkuQuery): Promise<SkuPage> {
    const { supplierIds, filter, from } = query;
    if (supplierIds.length === 0) return { totalCount: 0, skus: [], hasMore: false };
    const isFiltered = Object.keys(filter).length > 0;
    const after = 'afterUuid' in from ? await this.#positionOf(supplierIds, from.afterUuid) : START;
    const offset = 'start' in from ? from.start : 0;
    return isFiltered
      ? this.#listMatching(query, after, offset)
      : this.#listAll(query, after, offset);
  }

  /** Undefined if none of the suppliers has that SKU. */
  async #positionOf(
    supplierIds: readonly number[],
    uuid: string | null,
  ): Promise<Position | undefined> {
    if (uuid === null) return START;
    if (!isUuid(uuid)) return undefined;
    const [position] = await read<Position>(
      this.#pool,
      `SELECT supplier_id AS "supplierId", sku_number AS "skuNumber" FROM skus
       WHERE supplier_id = ANY ($1::int[]) AND uuid = $2`,
      [supplierIds, uuid],
    );
    return position;
  }

  async #listAll(
    { supplierIds, limit }: SkuQuery,
    after: Position | undefined,
    offset: number,
  ): Promise<SkuPage> {
    const counts = await read<SkuCount>(
      this.#pool,
      'SELECT id, sku_count FROM suppliers WHERE id = ANY ($1::int[]) ORDER BY id',
      [supplierIds],
    );
    const totalCount = counts.reduce((sum, { sku_count: skuCount }) => sum + skuCount, 0);
    if (after === undefined) return { totalCount, skus: [], hasMore: false };
    const { ranges, hasMore } = rangesOf(counts, after, offset, limit);
    return { totalCount, skus: await this.#readRanges(ranges), hasMore };
  }

  /** One lateral subquery per range, with a limit, so that every plan scans both primary keys. */
  async #readRanges(ranges: readonly Range[]): Promise<readonly Sku[]> {
    if (ranges.length === 0) return [];
    const rows = await read<SkuRow>(
      this.#pool,
      `SELECT sku.*, organizations.uuid AS supplier_uuid, name AS supplier_name
       FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS range (supplier_id, first, last)
       JOIN organizations ON organizations.id = range.supplier_id
       CROSS JOIN LATERAL (
         SELECT ${SKU_COLUMNS} FROM ${SKU_TABLES}
         WHERE skus.supplier_id = range.supplier_id
           AND skus.sku_number BETWEEN range.first AND range.last
           AND inventory.sku_number BETWEEN range.first AND range.last
         ORDER BY skus.sku_number LIMIT range.last - range.first + 1) AS sku
       ORDER BY sku.supplier_id, sku.sku_number`,
      [
        ranges.map(({ supplierId }) => supplierId),
        ranges.map(({ first }) => first),
        ranges.map(({ last }) => last),
      ],
    );
    return rows.map(skuOf);
  }

  async #listMatching(
    { supplierIds, filter, limit }: SkuQuery,
    after: Position | undefined,
    offset: number,
  ): Promise<SkuPage> {
    const parameters: unknown[] = [supplierIds];
    const matches = conditionsOf(filter, parameters);
    if (matches === undefined) return { totalCount: 0, skus: [], hasMore: false };
    const [counted] = await read<{ count: number }>(
      this.#pool,
      `SELECT count(*) FROM ${SKU_TABLES} WHERE ${matches}`,
      parameters,
    );
    const totalCount = counted?.count ?? 0;
    if (after === undefined) return { totalCount, skus: [], hasMore: false };
    const n = parameters.length;
    const rows = await read<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS}, organizations.uuid AS supplier_uuid, name AS supplier_name
       FROM ${SKU_TABLES} JOIN organizations ON organizations.id = supplier_id
       WHERE ${matches}
         AND (skus.supplier_id, skus.sku_number) > ($${n + 1}::int, $${n + 2}::bigint)
         AND (inventory.supplier_id, inventory.sku_number) > ($${n + 1}, $${n + 2})
       ORDER BY supplier_id, sku_number LIMIT $${n + 3} OFFSET $${n + 4}`,
      [...parameters, after.supplierId, after.skuNumber, limit + 1, offset],
    );
    return {
      totalCount,
      skus: rows.slice(0, limit).map(skuOf),
      hasMore: rows.length > limit,
    };
  }
}

/** Consecutive SKU numbers of a supplier. */
interface Range {
  readonly supplierId: number;
  readonly first: number;
  readonly last: number;
}

/** The SKUs of a page that begins `offset` SKUs after a position, and whether more follow. */
function rangesOf(
  counts: readonly SkuCount[],
  after: Position,
  offset: number,
  limit: number,
): { readonly ranges: readonly Range[]; readonly hasMore: boolean } {
  const ranges: Range[] = [];
  let toSkip = offset;
  let missing = limit;
  for (const { id, sku_count: skuCount } of counts) {
    if (id < after.supplierId) continue;
    const before = id === after.supplierId ? after.skuNumber : 0;
    const remaining = skuCount - before;
    if (toSkip >= remaining) {
      toSkip -= remaining;
      continue;
    }
    if (missing === 0) return { ranges, hasMore: true };
    const first = before + toSkip + 1;
    const last = Math.min(skuCount, first + missing - 1);
    ranges.push({ supplierId: id, first, last });
    missing -= last - first + 1;
    toSkip = 0;
    if (last < skuCount) return { ranges, hasMore: true };
  }
  return { ranges, hasMore: false };
}

/** The SQL condition of a filter; appends its parameters. Undefined if no SKU can match. */
function conditionsOf(filter: SkuFilter, parameters: unknown[]): string | undefined {
  const conditions = [OF_SUPPLIERS];
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  if (filter.skuId !== undefined) {
    if (!skuIdCanExist(filter.skuId)) return undefined;
    conditions.push(`sku_id = ${parameter(filter.skuId)}`);
  }
  for (const gtin of filter.gtins ?? []) {
    conditions.push(`(supplier_id, sku_number) IN (SELECT supplier_id, sku_number FROM gtins
      WHERE supplier_id = ANY ($1::int[]) AND gtin = ${parameter(gtin)}::bigint)`);
  }
  if (filter.restrictions !== undefined) {
    conditions.push(
      filter.restrictions === null
        ? 'restrictions IS NULL'
        : `restrictions = ${parameter(filter.restrictions)}::int`,
    );
  }
  if (filter.updatedSinceMs !== undefined) {
    conditions.push(`updated_at_ms >= ${parameter(filter.updatedSinceMs)}::bigint`);
  }
  if (filter.quantityInStockMin !== undefined) {
    conditions.push(`quantity_in_stock >= ${parameter(filter.quantityInStockMin)}::int`);
  }
  if (filter.quantityInStockMax !== undefined) {
    conditions.push(`quantity_in_stock <= ${parameter(filter.quantityInStockMax)}::int`);
  }
  return conditions.join(' AND ');
}
