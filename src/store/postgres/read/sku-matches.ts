import { RETIRED_CODE } from '../../../domain/inventory.ts';
import { skuIdCanExist } from '../../../domain/lines.ts';
import { comparedValue, inventorySortSql, isByIndex, sqlOf } from '../../sql/sku-sort.ts';
import { skuIdPrefix, titlePrefix } from '../../sql/title-prefix.ts';
import type { SkuFilter, SkuQuery, SkuSort } from '../../store.ts';
import { joinNumbered, joinSku } from '../lookups.ts';

export const IS_UNRETIRED = `restrictions IS DISTINCT FROM ${RETIRED_CODE}`;

interface Matching {
  /** The beginning of the statement, which gives each supplier as `supplier` (../lookups.ts). */
  readonly fromSuppliers: string;
  /** Whether one of the suppliers has retired SKUs. */
  readonly hasRetired: boolean;
  /** Those of the statement, whose first is the suppliers. */
  readonly parameters: unknown[];
  /** SQL of inventory that is selected too, as `value`, if the filter looks at inventory alone. */
  readonly inventoryValue?: string;
  /** Only the first matches of each supplier in order of creation, after a SKU. */
  readonly first?: { readonly after: SkuKey; readonly count: number };
}

interface SkuKey {
  readonly supplierId: number;
  readonly skuNumber: number;
}

export interface PageOfMatches extends Matching {
  /** The SKU before the page. */
  readonly after: SkuKey;
  readonly offset: number;
}

/** Selects the SKUs of a page and one more, and the order in which `found` has them. Undefined if there are none. */
export function selectFound(
  query: SkuQuery,
  page: PageOfMatches,
): { readonly sql: string; readonly order: string } | undefined {
  const { filter, limit, sort } = query;
  if (sort === undefined) {
    const first = { after: page.after, count: page.offset + limit + 1 };
    const matches = selectMatches(filter, { ...page, first });
    if (matches === undefined) return undefined;
    const order = 'found.supplier_id, found.sku_number';
    return {
      sql: `SELECT * FROM (${matches}) AS found WHERE ${isLater(page)} ORDER BY ${order} ${limited(limit + 1, page)}`,
      order,
    };
  }
  const values =
    sort.by === 'sku_id' && !isByIndex(filter)
      ? walkSkuIds(query, sort, page)
      : withValues(filter, sort, page);
  if (values === undefined) return undefined;
  const order = `found.value ${sqlOf(sort).order}, found.supplier_id, found.sku_number`;
  return {
    sql: `SELECT * FROM (${values}) AS found WHERE ${isAfter(query, sort, page)} ORDER BY ${order} ${limited(limit + 1, page)}`,
    order,
  };
}

function limited(limit: number, { parameters, offset }: PageOfMatches): string {
  return `LIMIT $${parameters.push(limit)} OFFSET $${parameters.push(offset)}`;
}

function isLater({ parameters, after }: PageOfMatches): string {
  return `(found.supplier_id, found.sku_number) > ($${parameters.push(after.supplierId)}::int, $${parameters.push(after.skuNumber)}::bigint)`;
}

/** Whether a SKU comes after the one before the page. Equal values are in order of creation. */
function isAfter({ from }: SkuQuery, sort: SkuSort, page: PageOfMatches): string {
  if (!('afterUuid' in from) || from.afterUuid === null) return 'true';
  const { atOrAfter, after } = sqlOf(sort);
  const value = valueParameter(from.afterValue, sort, page);
  return `found.value ${atOrAfter} ${value} AND (found.value ${after} ${value} OR ${isLater(page)})`;
}

function valueParameter(
  value: string | number | null | undefined,
  sort: SkuSort,
  { parameters }: PageOfMatches,
) {
  const type = sort.by === 'sku_id' ? 'text' : 'bigint';
  return `$${parameters.push(comparedValue(value ?? null, sort))}::${type}`;
}

/** Selects the matches with what they are sorted by. */
function withValues(filter: SkuFilter, sort: SkuSort, page: PageOfMatches): string | undefined {
  const inventoryValue = inventorySortSql(sort);
  const matches = selectMatches(filter, { ...page, inventoryValue });
  if (matches === undefined || !isByIndex(filter)) return matches;
  const [join, value] =
    sort.by === 'sku_id'
      ? [
          joinSku('sku_number', 'matched.sku_number', ['sku_id'], 'matched.supplier_id'),
          'skus.sku_id',
        ]
      : [
          joinNumbered('inventory', 'sku_number', 'matched.sku_number', 'matched.supplier_id'),
          inventoryValue,
        ];
  return `SELECT matched.*, ${value} AS value FROM (${matches}) AS matched ${join}`;
}

/** Selects the first of each supplier in the order of the index. */
function walkSkuIds({ filter, limit, from }: SkuQuery, sort: SkuSort, page: PageOfMatches): string {
  const { fromSuppliers, hasRetired, parameters, offset } = page;
  const parameter = (value: unknown): string => `$${parameters.push(value)}`;
  const inventory = [...(hasRetired ? [IS_UNRETIRED] : []), ...conditionsOf(filter, parameter)];
  const isAfterFirst = 'afterUuid' in from && from.afterUuid !== null;
  const conditions = [
    'supplier_id = supplier.id',
    ...(isAfterFirst
      ? [`sku_id ${sqlOf(sort).atOrAfter} ${valueParameter(from.afterValue, sort, page)}`]
      : []),
    ...(inventory.length === 0
      ? []
      : [
          `EXISTS (SELECT FROM inventory WHERE supplier_id = supplier.id AND ${inventory.join(' AND ')} ${OF_FOUND})`,
        ]),
  ];
  // One more than the page and the next, because the SKU before the page is among them.
  return `SELECT supplier.id AS supplier_id, walked.sku_number, walked.value
    ${fromSuppliers} CROSS JOIN LATERAL (
      SELECT sku_number, sku_id AS value FROM skus WHERE ${conditions.join(' AND ')}
      ORDER BY sku_id ${sqlOf(sort).order} LIMIT ${parameter(limit + offset + 2)}) AS walked`;
}

/**
 * Selects the suppliers and numbers of the SKUs that match a filter; appends its parameters. Undefined if no
 * SKU can match. Begins with what is found by key, if the filter has such a condition.
 */
export function selectMatches(
  filter: SkuFilter,
  { fromSuppliers, hasRetired, parameters, inventoryValue, first }: Matching,
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
    const isLater = first === undefined ? [] : [laterThan(first.after, parameter)];
    const where = ['supplier_id = supplier.id', ...inventory, ...isLater].join(' AND ');
    const few = first === undefined ? '' : `ORDER BY sku_number LIMIT ${parameter(first.count)}`;
    const value = inventoryValue === undefined ? '' : `, ${inventoryValue} AS value`;
    from = `CROSS JOIN LATERAL (SELECT sku_number${value} FROM inventory WHERE ${where} ${few} OFFSET 0) AS skus`;
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
  const isScan = !isFound && ofSearch === undefined;
  const value = isScan && inventoryValue !== undefined ? ', skus.value' : '';
  return `SELECT supplier.id AS supplier_id, skus.sku_number${value} ${fromSuppliers}
    ${from} ${where}`;
}

/** Whether a row of a supplier comes after a SKU: a range of the primary key. */
function laterThan(after: SkuKey, parameter: (value: unknown) => string): string {
  const supplierId = `${parameter(after.supplierId)}::int`;
  const skuNumber = `${parameter(after.skuNumber)}::bigint`;
  return `supplier.id >= ${supplierId}
    AND sku_number > CASE WHEN supplier.id = ${supplierId} THEN ${skuNumber} ELSE 0 END`;
}

/** SQL of the first characters of a title, in lower case. */
function loweredTitle(characters: string): string {
  return `lower(substr(title, 1, ${characters}) COLLATE "C")`;
}

/** Selects the SKUs of a supplier whose title begins with a text. */
function titled(text: string, parameter: (value: unknown) => string): string {
  const { whole, length, isIndexed, first, end } = titlePrefix(text);
  const conditions = [
    `supplier_id = supplier.id AND title IS NOT NULL`,
    `${loweredTitle('32')} >= ${parameter(first)}::text`,
    ...(end === null ? [] : [`${loweredTitle('32')} < ${parameter(end)}::text`]),
    ...(isIndexed
      ? []
      : [`${loweredTitle(`${parameter(length)}::int`)} = ${parameter(whole)}::text`]),
  ];
  return `SELECT sku_number FROM skus AS titled WHERE ${conditions.join(' AND ')}`;
}

/** Selects the SKUs of a supplier that a search finds. */
function searched(
  { text, gtins }: NonNullable<SkuFilter['search']>,
  parameter: (value: unknown) => string,
): string {
  const { first, end } = skuIdPrefix(text);
  const until = end === null ? '' : `AND lower(sku_id) < ${parameter(end)}::text`;
  const ofSkuId = `SELECT sku_number FROM skus AS named
    WHERE supplier_id = supplier.id AND lower(sku_id) >= ${parameter(first)}::text ${until}`;
  const ofGtin = gtins.map(
    (gtin) => `SELECT sku_number FROM gtins
      WHERE supplier_id = supplier.id AND gtin = ${parameter(gtin)}::bigint`,
  );
  return [ofSkuId, titled(text, parameter), ...ofGtin].join(' UNION ');
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
