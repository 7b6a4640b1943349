import type { Sku } from '../../../domain/sku.ts';
import { PRODUCT_COLUMNS, skuOf, type SkuRow } from '../../sql/products.ts';
import { refuseLongSort } from '../../sql/sku-sort.ts';
import type { SkuPage, SkuQuery, SkuStore } from '../../store.ts';
import {
  ASKED_SUPPLIERS,
  fromSuppliers,
  joinNumbered,
  joinSku,
  joinSupplier,
  ONLY_SUPPLIER,
} from '../lookups.ts';
import { read, readSteadily, type ConnectionPool } from '../connection/pool.ts';
import { isUuid } from '../../uuids.ts';
import { IS_UNRETIRED, selectFound, selectMatches, type PageOfMatches } from './sku-matches.ts';

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
     ${fromSuppliers(supplierIds)} ${joinSku('uuid', '$2', ['sku_number'], 'supplier.id')}`,
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
  readonly #isDistributed: boolean;

  /** @param isDistributed whether suppliers are on several machines */
  constructor(pool: ConnectionPool, isDistributed: boolean) {
    this.#pool = pool;
    this.#isDistributed = isDistributed;
  }

  async find(supplierIds: readonly number[], uuid: string): Promise<Sku | undefined> {
    if (supplierIds.length === 0 || !isUuid(uuid)) return undefined;
    const [row] = await readSteadily<SkuRow>(
      this.#pool,
      `SELECT ${SKU_COLUMNS} ${fromSuppliers(supplierIds)}
         ${joinSku('uuid', '$2', SKU_MEMBERS, 'supplier.id')}
         ${joinNumbered('inventory', 'sku_number', 'skus.sku_number', 'supplier.id')}
         ${joinSupplier('supplier.id')}
       WHERE ${IS_UNRETIRED}`,
      [supplierIds, uuid],
    );
    return row && skuOf(row);
  }

  async list(query: SkuQuery): Promise<SkuPage> {
    if (query.supplierIds.length === 0) return { totalCount: 0, skus: [], hasMore: false };
    const counts = await this.#skuCounts(query);
    const totalCount = isFiltered(query)
      ? await this.#count(query, counts)
      : counts.reduce((sum, counted) => sum + unretiredCount(counted), 0);
    // Pages of a filtered list that cannot contain anything are not searched.
    const { from } = query;
    const isPast = 'start' in from && from.start >= totalCount;
    return isPast
      ? { totalCount, skus: [], hasMore: false }
      : { totalCount, ...(await this.#page(query, counts)) };
  }

  async page(query: SkuQuery): Promise<Omit<SkuPage, 'totalCount'>> {
    if (query.supplierIds.length === 0) return { skus: [], hasMore: false };
    return this.#page(query, await this.#skuCounts(query));
  }

  #skuCounts({ supplierIds }: SkuQuery): Promise<readonly SkuCount[]> {
    return read<SkuCount>(
      this.#pool,
      'SELECT id, sku_count, retired_count FROM suppliers WHERE id = ANY ($1::int[]) ORDER BY id',
      [supplierIds],
    );
  }

  async #page(query: SkuQuery, counts: readonly SkuCount[]): Promise<Omit<SkuPage, 'totalCount'>> {
    const { supplierIds, from, sort } = query;
    if (sort !== undefined) refuseLongSort(sort, query, counts);
    const after = 'afterUuid' in from ? await this.#positionOf(supplierIds, from.afterUuid) : START;
    if (after === undefined) return { skus: [], hasMore: false };
    const offset = 'start' in from ? from.start : 0;
    if (sort === undefined && !isFiltered(query))
      return this.#listAll(query, counts, after, offset);
    const parameters: unknown[] = [supplierIds];
    const page = { hasRetired: hasRetired(counts), after, parameters };
    const selected =
      this.#isDistributed && supplierIds.length > 1
        ? selectFromEach(query, { ...page, offset })
        : selectFromAll(query, { ...page, offset });
    if (selected === undefined) return { skus: [], hasMore: false };
    const skus = await this.#readSkus(selected, parameters);
    return { skus: skus.slice(0, query.limit), hasMore: skus.length > query.limit };
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
    after: Position,
    offset: number,
  ): Promise<Omit<SkuPage, 'totalCount'>> {
    const { ranges, hasMore } = await this.#findRanges(counts, after, offset, limit);
    return { skus: await this.#readRanges(ranges), hasMore };
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

  /** Reads the SKUs of ranges. Where suppliers are on several machines, each statement asks one. */
  async #readRanges(ranges: readonly Range[]): Promise<readonly Sku[]> {
    if (ranges.length === 0) return [];
    const bounds = (of: readonly Range[]) => [
      of.map(({ first }) => first),
      of.map(({ last }) => last),
    ];
    if (!this.#isDistributed) {
      const suppliers = ranges.map(({ supplierId }) => supplierId);
      return this.#readSkus(
        selectRanges('unnest($1::int[], $2::bigint[], $3::bigint[])', 'range.supplier_id'),
        [suppliers, ...bounds(ranges)],
      );
    }
    const skus: Sku[] = [];
    for (const [supplierId, own = []] of Map.groupBy(ranges, (range) => range.supplierId)) {
      const selected = selectRanges('unnest(NULL::int[], $2::bigint[], $3::bigint[])', '$1');
      skus.push(...(await this.#readSkus(selected, [supplierId, ...bounds(own)])));
    }
    return skus;
  }

  async #readSkus(sql: string, parameters: readonly unknown[]): Promise<readonly Sku[]> {
    return (await readSteadily<SkuRow>(this.#pool, sql, parameters)).map(skuOf);
  }

  async #count({ supplierIds, filter }: SkuQuery, counts: readonly SkuCount[]): Promise<number> {
    const parameters: unknown[] = [supplierIds];
    const matches = selectMatches(filter, {
      fromSuppliers: fromSuppliers(supplierIds),
      hasRetired: hasRetired(counts),
      parameters,
    });
    if (matches === undefined) return 0;
    const [counted] = await readSteadily<{ count: number }>(
      this.#pool,
      `SELECT count(*) FROM (${matches}) AS found`,
      parameters,
    );
    return counted?.count ?? 0;
  }
}

/** Selects the SKUs of ranges of numbers, in order. */
function selectRanges(ranges: string, supplier: string): string {
  return `SELECT ${SKU_COLUMNS} FROM ${ranges} AS range (supplier_id, first, last)
      CROSS JOIN LATERAL (SELECT ${SKU_MEMBERS.join(', ')} FROM skus
        WHERE supplier_id = ${supplier} AND sku_number BETWEEN range.first AND range.last
        ORDER BY sku_number LIMIT range.last - range.first + 1) AS skus
      ${joinNumbered('inventory', 'sku_number', 'skus.sku_number', supplier)}
      ${joinSupplier(supplier)}
    ORDER BY range.supplier_id, skus.sku_number`;
}

type SelectedPage = Omit<PageOfMatches, 'fromSuppliers'>;

/** Selects the SKUs of a page and one more: finds them among all suppliers, then reads them. */
function selectFromAll(query: SkuQuery, page: SelectedPage): string | undefined {
  const { supplierIds } = query;
  const found = selectFound(query, { ...page, fromSuppliers: fromSuppliers(supplierIds) });
  if (found === undefined) return undefined;
  const supplier = supplierIds.length === 1 ? ONLY_SUPPLIER : 'found.supplier_id';
  return `SELECT ${SKU_COLUMNS} FROM (${found.sql}) AS found ${joinFound(supplier)} ORDER BY ${found.order}`;
}

/** The same for a distributed database: finds and reads as many SKUs of each supplier on its worker, then merges them. */
function selectFromEach(query: SkuQuery, page: SelectedPage): string | undefined {
  const { parameters, offset } = page;
  const found = selectFound(
    { ...query, limit: offset + query.limit },
    { ...page, offset: 0, fromSuppliers: 'FROM (SELECT asked.id AS id) AS supplier' },
  );
  if (found === undefined) return undefined;
  return `SELECT ${SKU_COLUMNS} FROM ${ASKED_SUPPLIERS} AS asked CROSS JOIN LATERAL (${found.sql}) AS found
      ${joinFound('asked.id')}
    ORDER BY ${found.order} LIMIT $${parameters.push(query.limit + 1)} OFFSET $${parameters.push(offset)}`;
}

function joinFound(supplier: string): string {
  return `${joinSku('sku_number', 'found.sku_number', SKU_MEMBERS, supplier)}
    ${joinNumbered('inventory', 'sku_number', 'found.sku_number', supplier)}
    ${joinSupplier(supplier)}`;
}

function isFiltered({ filter }: SkuQuery): boolean {
  return Object.keys(filter).length > 0;
}

function hasRetired(counts: readonly SkuCount[]): boolean {
  return counts.some(({ retired_count: retired }) => retired > 0);
}

/** Consecutive SKU numbers of a supplier. */
interface Range {
  readonly supplierId: number;
  readonly first: number;
  readonly last: number;
}

function unretiredCount({ sku_count: skuCount, retired_count: retired }: SkuCount): number {
  return skuCount - retired;
}
