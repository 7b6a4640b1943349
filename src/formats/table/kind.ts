/** Whether a table is inventory or a catalogue, which creates SKUs. */
import type { ColumnTarget } from '../../domain/file-columns.ts';
import { PRODUCT_COLUMNS, type MatchedHeader, type TableKind } from './columns.ts';

/** The vendor's own product file has both, by exactly these names. No other header makes a file a catalogue. */
const PRODUCT_FILE_HEADERS = ['item_id', 'title'];

/**
 * A file is what its sender says. If that is nothing, only the vendor's own product file is a catalogue: a guess
 * must never create SKUs. In inventory, product columns are not read and count as unknown.
 */
export function decideKind(matched: MatchedHeader, asked: TableKind | null): MatchedHeader {
  const isProductFile = PRODUCT_FILE_HEADERS.every((name) =>
    matched.columns.some(({ header, target }) => header === name && target === name),
  );
  const kind = asked ?? (isProductFile ? 'catalogue' : 'inventory');
  if (kind === 'catalogue') return { ...matched, kind };
  const product: readonly ColumnTarget[] = PRODUCT_COLUMNS;
  const columns = matched.columns.filter(({ target }) => !product.includes(target));
  const left = matched.columns.filter(
    ({ place, target }) =>
      product.includes(target) && !columns.some((column) => column.place === place),
  );
  return {
    ...matched,
    kind,
    columns,
    unknown: [...matched.unknown, ...new Set(left.map(({ header }) => header))],
  };
}
