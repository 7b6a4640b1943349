/** What is the same about sorted lists of SKUs on every database. */
import { OnhandError } from '../../domain/errors.ts';
import type { SkuFilter, SkuQuery, SkuSort } from '../store.ts';

/** In SQL, unknown quantities sort after all others. */
const UNKNOWN_LAST = { ascending: 2 ** 31 - 1, descending: -1 };

/** The SQL of what inventory is sorted by: a number, never NULL. */
export function inventorySortSql({ by, isDescending }: SkuSort): string {
  return by === 'last_updated'
    ? 'inventory.updated_at_ms'
    : `coalesce(inventory.quantity_in_stock, ${unknownOf(isDescending)})`;
}

/** A value as SQL compares it. */
export function comparedValue(value: string | number | null, { isDescending }: SkuSort) {
  return value ?? unknownOf(isDescending);
}

function unknownOf(isDescending: boolean): number {
  return isDescending ? UNKNOWN_LAST.descending : UNKNOWN_LAST.ascending;
}

/** SQL that compares a value with that of the SKU before a page, and the order of the list. */
export function sqlOf({ isDescending }: SkuSort) {
  return isDescending
    ? { atOrAfter: '<=', after: '<', order: 'DESC' }
    : { atOrAfter: '>=', after: '>', order: 'ASC' };
}

/** Whether a filter selects few SKUs by an index. */
export function isByIndex({ skuId, gtins, titlePrefix, search }: SkuFilter): boolean {
  return [skuId, gtins, titlePrefix, search].some((condition) => condition !== undefined);
}

/** Throws `parameter_invalid` if the page would read too many SKUs. */
export function refuseLongSort(
  { by, skusMax }: SkuSort,
  { filter }: SkuQuery,
  counts: readonly { readonly sku_count: number }[],
): void {
  const isWalk = by === 'sku_id' && Object.keys(filter).length === 0;
  const skuCount = counts.reduce((sum, counted) => sum + counted.sku_count, 0);
  if (isWalk || skuCount <= skusMax) return;
  throw new OnhandError(
    'parameter_invalid',
    `Sorting by ${by} reads all ${skuCount} SKUs of these suppliers, and at most ${skusMax} are read (ONHAND_SORTED_SKUS_MAX). Choose suppliers with supplier_uuids, or leave out sort.`,
  );
}
