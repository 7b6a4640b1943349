import { RETIRED_CODE } from '../../../domain/inventory.ts';
import { skuIdCanExist } from '../../../domain/lines.ts';
import type { Sku } from '../../../domain/sku.ts';
import { skuIdPrefixes, titlePrefix } from '../../sql/title-prefix.ts';
import { PRODUCT_COLUMNS, skuOf, type SkuRow } from '../../sql/products.ts';
import type { SkuFilter, SkuPage, SkuQuery, SkuStore } from '../../store.ts';
import { joinNumbered, joinSku, joinSupplier } from '../lookups.ts';
import { read, readSteadily, type ConnectionPool } from '../connection/pool.ts';
import { isUuid } from '../../uuids.ts';

const SKU_MEMBERS = ['sku_number', 'sku_id', 'uuid', 'created_at_ms', ...PRODUCT_COLUMNS] as const;
const SKU_COLUMNS = `${SKU_MEMBERS.map((name) => `skus.${name}`).join(', ')}, quantity_in_stock,
  quantity_on_backorder, backorder_date, restrictions, updated_at_ms, supplier_uuid, supplier_name`;

interface SkuCount {
  readonly id: number;
  readonly sku_count: number;
  readonly retired_count: number;
}

export interface SkuKey {
  readonly supplierId: number;
  readonly skuNumber: number;
}

/** A position in the list: after the SKU with that number (0: before the first) of that supplier. */
type Position = SkuKey;

const START: Position = { supplierId: 0, skuNumber: 0 };

/** Undefined if none of the suppliers has a SKU with this UUID. */
export async function findSkuKey(
  pool: ConnectionPool,
  supplierIds: readonly number[],
  uuid: string,
): Promise<SkuKey | undefined> {
  const [key] = await readSteadily<SkuKey>(
    pool,
    `SELECT supplier.id AS "supplierId", sku_number AS "skuNumber"
     FROM unnest($1::int[]) AS supplier (id) ${joinSku('uuid', '$2', ['sku_number'], 'supplier.id')}`,
    [supplierIds, uuid],
  );
  return key;
}

/**
 * Reads SKUs that are not retired. A supplier's SKUs are numbered without gaps in order of creation, and never deleted,
 * so the bounds of a page of the unfiltered list are computed instead of searched, if none is retired.
 */
export class PostgresSkus implements SkuStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined> {
    if (supplierIds.length === 0 || !isUuid(uuid)) return undefined;
    const [row] = await readSteadily<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS} FROM unnest($1::int[]) AS supplier (id)
         ${joinSku('uuid', '$2', SKU_MEMBERS, 'supplier.id')}
         ${joinNumbered('inventory', 'sku_number', 'skus.sku_number', 'supplier.id')}
         ${joinSupplier('supplier.id')}
       WHERE ${IS_UNRETIRED}`,
      [supplierIds, uuid],
    );
    return row && skuOf(row);
  }

  async list(query: SkuQuery): Promise<SkuPage> {
    const { supplierIds, filter, from } = query;
    if (supplierIds.length === 0) return { totalCount: 0, skus: [], hasMore: false };
    const counts = await read<SkuCount>(
      this.#pool,
      'SELECT id, sku_count, retired_count FROM suppliers WHERE id = ANY ($1::int[]) ORDER BY id',
      [supplierIds],
    );
    const isFiltered = Object.keys(filter).length > 0;
    const hasRetired = counts.some(({ retired_count: retired }) => retired > 0);
    const after = 'afterUuid' in from ? await this.#positionOf(supplierIds, from.afterUuid) : START;
    const offset = 'start' in from ? from.start : 0;
    return isFiltered
      ? this.#listMatching(query, hasRetired, after, offset)
      : this.#listAll(query, counts, after, offset);
  }

  /** Undefined if none of the suppliers has that SKU. */
  async #positionOf(
    supplierIds: readonly number[],
    uuid: string | null,
  ): Promise<Position | undefined> {
    if (uuid === null) return START;
    if (!isUuid(uuid)) return undefined;
    return findSkuKey(this.#pool, supplierIds, uuid);
  }

  async #listAll(
    { limit }: SkuQuery,
    counts: readonly SkuCount[],
    after: Position | undefined,
    offset: number,
  ): Promise<SkuPage> {
    const totalCount = counts.reduce((sum, counted) => sum + unretiredCount(counted), 0);
    if (after === undefined) return { totalCount, skus: [], hasMore: false };
    const { ranges, hasMore } = await this.#findRanges(counts, after, offset, limit);
    return { totalCount, skus: await this.#readRanges(ranges), hasMore };
  }

  /** The SKUs of a page that begins `offset` SKUs after a position, and whether more follow. */
  async #findRanges(
    counts: readonly SkuCount[],
    after: Position,
    offset: number,
    limit: number,
  ): Promise<{ readonly ranges: readonly Range[]; readonly hasMore: boolean }> {
    const ranges: Range[] = [];
    let toSkip = offset;
    let missing = limit;
    for (const counted of counts) {
      const { id: supplierId, retired_count: retiredCount } = counted;
      if (supplierId < after.supplierId) continue;
      const before = supplierId === after.supplierId ? after.skuNumber : 0;
      // How many of those before a position are retired is not known.
      const isCounted = retiredCount === 0 || before === 0;
      const remaining = isCounted ? unretiredCount(counted) - before : Infinity;
      if (toSkip >= remaining) {
        toSkip -= remaining;
        continue;
      }
      if (missing === 0) return { ranges, hasMore: true };
      const found =
        retiredCount === 0
          ? [{ supplierId, first: before + toSkip + 1, last: before + toSkip + missing + 1 }]
          : await this.#unretiredAfter({ supplierId, skuNumber: before }, toSkip, missing + 1);
      for (const range of found) {
        const last = Math.min(range.last, counted.sku_count);
        const count = Math.min(last - range.first + 1, missing);
        if (count > 0) ranges.push({ ...range, last: range.first + count - 1 });
        if (range.first + count - 1 < last) return { ranges, hasMore: true };
        missing -= count;
      }
      toSkip = 0;
    }
    return { ranges, hasMore: false };
  }

  async #unretiredAfter(
    { supplierId, skuNumber }: Position,
    offset: number,
    limit: number,
  ): Promise<readonly Range[]> {
    const rows = await readSteadily<{ readonly number: number }>(
      this.#pool,
      `SELECT sku_number AS number FROM inventory
       WHERE supplier_id = $1 AND sku_number > $2 AND ${IS_UNRETIRED}
       ORDER BY sku_number LIMIT $3 OFFSET $4`,
      [supplierId, skuNumber, limit, offset],
    );
    return rows.map(({ number }) => ({ supplierId, first: number, last: number }));
  }

  async #readRanges(ranges: readonly Range[]): Promise<readonly Sku[]> {
    if (ranges.length === 0) return [];
    const rows = await readSteadily<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS}
       FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS range (supplier_id, first, last)
         CROSS JOIN LATERAL (SELECT ${SKU_MEMBERS.join(', ')} FROM skus
           WHERE supplier_id = range.supplier_id AND sku_number BETWEEN range.first AND range.last
           ORDER BY sku_number LIMIT range.last - range.first + 1) AS skus
         ${joinNumbered('inventory', 'sku_number', 'skus.sku_number', 'range.supplier_id')}
         ${joinSupplier('range.supplier_id')}
       ORDER BY range.supplier_id, skus.sku_number`,
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
    hasRetired: boolean,
    after: Position | undefined,
    offset: number,
  ): Promise<SkuPage> {
    const parameters: unknown[] = [supplierIds];
    const matches = selectMatches(filter, hasRetired, parameters);
    if (matches === undefined) return { totalCount: 0, skus: [], hasMore: false };
    const [counted] = await readSteadily<{ count: number }>(
      this.#pool,
      `SELECT count(*) FROM (${matches}) AS found`,
      parameters,
    );
    const totalCount = counted?.count ?? 0;
    if (after === undefined || offset >= totalCount)
      return { totalCount, skus: [], hasMore: false };
    const n = parameters.length;
    const rows = await readSteadily<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS}
       FROM (SELECT * FROM (${matches}) AS found
           WHERE (supplier_id, sku_number) > ($${n + 1}::int, $${n + 2}::bigint)
           ORDER BY supplier_id, sku_number LIMIT $${n + 3} OFFSET $${n + 4}) AS found
         ${joinSku('sku_number', 'found.sku_number', SKU_MEMBERS, 'found.supplier_id')}
         ${joinNumbered('inventory', 'sku_number', 'found.sku_number', 'found.supplier_id')}
         ${joinSupplier('found.supplier_id')}
       ORDER BY found.supplier_id, found.sku_number`,
      [...parameters, after.supplierId, after.skuNumber, limit + 1, offset],
    );
    return {
      totalCount,
      skus: rows.slice(0, limit).map(skuOf),
      hasMore: rows.length > limit,
    };
  }
}

const IS_UNRETIRED = `restrictions IS DISTINCT FROM ${RETIRED_CODE}`;

/** Consecutive SKU numbers of a supplier. */
interface Range {
  readonly supplierId: number;
  readonly first: number;
  readonly last: number;
}

function unretiredCount({ sku_count: skuCount, retired_count: retired }: SkuCount): number {
  return skuCount - retired;
}

/**
 * Selects the suppliers and numbers of the SKUs that match a filter; appends its parameters. Undefined if no
 * SKU can match. Begins with what is found by key, if the filter has such a condition.
 */
function selectMatches(
  filter: SkuFilter,
  hasRetired: boolean,
  parameters: unknown[],
): string | undefined {
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const { skuId, gtins = [], titlePrefix: title } = filter;
  if (title !== undefined && !skuIdCanExist(title)) return undefined;
  const ofGtins = gtins.map(
    (gtin) => (sku: string) =>
      `SELECT sku_number FROM gtins
       WHERE supplier_id = supplier.id AND gtin = ${parameter(gtin)}::bigint ${sku}`,
  );
  const ofTitle = title === undefined ? undefined : titled(title, parameter);
  if (filter.search !== undefined && !skuIdCanExist(filter.search.text)) return undefined;
  const ofSearch = filter.search === undefined ? undefined : searched(filter.search, parameter);
  const inventory = [...(hasRetired ? [IS_UNRETIRED] : []), ...conditionsOf(filter, parameter)];
  const [ofFirstGtin, ...ofOtherGtins] = ofGtins;
  let from: string;
  const conditions: string[] = [];
  if (skuId !== undefined) {
    if (!skuIdCanExist(skuId)) return undefined;
    from = joinSku('sku_id', `${parameter(skuId)}::text`, ['sku_number'], 'supplier.id');
    conditions.push(...ofGtins.map((select) => `EXISTS (${select(OF_FOUND)})`));
  } else if (ofFirstGtin !== undefined) {
    from = `CROSS JOIN LATERAL (${ofFirstGtin('OFFSET 0')}) AS skus`;
    conditions.push(...ofOtherGtins.map((select) => `EXISTS (${select(OF_FOUND)})`));
  } else if (ofTitle !== undefined) {
    from = `CROSS JOIN LATERAL (${ofTitle} OFFSET 0) AS skus`;
  } else if (ofSearch !== undefined) {
    from = `CROSS JOIN LATERAL (SELECT sku_number FROM (${ofSearch}) AS searched OFFSET 0) AS skus`;
  } else {
    const where = ['supplier_id = supplier.id', ...inventory].join(' AND ');
    from = `CROSS JOIN LATERAL (SELECT sku_number FROM inventory WHERE ${where} OFFSET 0) AS skus`;
  }
  const isFoundByKey = skuId !== undefined || ofFirstGtin !== undefined;
  if (isFoundByKey && ofTitle !== undefined) conditions.push(`EXISTS (${ofTitle} ${OF_FOUND})`);
  const isFound = isFoundByKey || ofTitle !== undefined;
  if (isFound && ofSearch !== undefined) {
    conditions.push(`EXISTS (SELECT FROM (${ofSearch}) AS searched WHERE true ${OF_FOUND})`);
  }
  if ((isFound || ofSearch !== undefined) && inventory.length > 0) {
    conditions.push(
      `EXISTS (SELECT FROM inventory WHERE supplier_id = supplier.id AND ${inventory.join(' AND ')}
         ${OF_FOUND})`,
    );
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return `SELECT supplier.id AS supplier_id, skus.sku_number FROM unnest($1::int[]) AS supplier (id)
    ${from} ${where}`;
}

/** SQL of the first characters of a title, in lower case. */
function loweredTitle(characters: string): string {
  return `lower(substr(title, 1, ${characters}) COLLATE "C")`;
}

/** Selects the SKUs of a supplier whose title begins with a text. */
function titled(text: string, parameter: (value: unknown) => string): string {
  const { whole, length, first, end } = titlePrefix(text);
  const conditions = [
    `supplier_id = supplier.id AND title IS NOT NULL`,
    `${loweredTitle('32')} >= ${parameter(first)}::text`,
    ...(end === null ? [] : [`${loweredTitle('32')} < ${parameter(end)}::text`]),
    `${loweredTitle(`${parameter(length)}::int`)} = ${parameter(whole)}::text`,
  ];
  return `SELECT sku_number FROM skus AS titled WHERE ${conditions.join(' AND ')}`;
}

/** Selects the SKUs of a supplier that a search finds. */
function searched(
  { text, gtins }: NonNullable<SkuFilter['search']>,
  parameter: (value: unknown) => string,
): string {
  const ofSkuId = skuIdPrefixes(text).map(({ first, end }) => {
    const until = end === null ? '' : `AND sku_id < ${parameter(end)}::text`;
    return `SELECT sku_number FROM skus AS named
      WHERE supplier_id = supplier.id AND sku_id >= ${parameter(first)}::text ${until}`;
  });
  const ofGtin = gtins.map(
    (gtin) => `SELECT sku_number FROM gtins
      WHERE supplier_id = supplier.id AND gtin = ${parameter(gtin)}::bigint`,
  );
  return [...ofSkuId, titled(text, parameter), ...ofGtin].join(' UNION ');
}

/** `OFFSET` keeps a condition from becoming a join. */
const OF_FOUND = 'AND sku_number = skus.sku_number OFFSET 0';

/** The conditions of a filter on `inventory`. */
function conditionsOf(filter: SkuFilter, parameter: (value: unknown) => string): readonly string[] {
  const conditions: string[] = [];
  const { restrictions, updatedSinceMs, quantityInStockMin, quantityInStockMax } = filter;
  if (restrictions !== undefined) {
    conditions.push(
      restrictions === null
        ? 'restrictions IS NULL'
        : `restrictions = ${parameter(restrictions)}::int`,
    );
  }
  if (updatedSinceMs !== undefined) {
    conditions.push(`updated_at_ms >= ${parameter(updatedSinceMs)}::bigint`);
  }
  if (quantityInStockMin !== undefined) {
    conditions.push(`quantity_in_stock >= ${parameter(quantityInStockMin)}::int`);
  }
  if (quantityInStockMax !== undefined) {
    conditions.push(`quantity_in_stock <= ${parameter(quantityInStockMax)}::int`);
  }
  return conditions;
}
