/** Whether a table is inventory or a catalogue, which creates SKUs. */
import type { ColumnTarget } from '../../domain/file-columns.ts';

/** A catalogue describes products and creates SKUs; inventory sets the stock of existing SKUs. */
export type TableKind = 'catalogue' | 'inventory';

/** Columns that only a catalogue has: they describe the product, not its stock. */
export const PRODUCT_COLUMNS: readonly ColumnTarget[] = [
  'title',
  'condition',
  'number_of_units_bundled',
  'asin',
  'mpn',
];

/** The vendor's own product file has both, by exactly these names. No other header makes a file a catalogue. */
const PRODUCT_FILE_HEADERS = ['item_id', 'title'];

/**
 * The sender decides. If the sender does not say, only the vendor's own product file is a catalogue, since a guess
 * must never create SKUs.
 */
export function decidedKind(header: readonly string[], asked: TableKind | null): TableKind {
  if (asked !== null) return asked;
  const names = header.map((name) => name.trim());
  return PRODUCT_FILE_HEADERS.every((name) => names.includes(name)) ? 'catalogue' : 'inventory';
}

interface KnownColumns {
  readonly kind: TableKind;
  readonly columns: readonly {
    readonly place: number;
    readonly header: string;
    readonly target: ColumnTarget;
  }[];
  readonly unknown: readonly string[];
}

/**
 * The header of an inventory file: its product columns are not read, and count as unknown. Beside a column of units,
 * how many units a case holds is read too.
 */
export function withoutProductColumns<Header extends KnownColumns>(matched: Header): Header {
  const hasUnits = matched.columns.some(({ target }) => target === 'unit');
  const isLeft = (target: ColumnTarget): boolean =>
    PRODUCT_COLUMNS.includes(target) && !(hasUnits && target === 'number_of_units_bundled');
  const columns = matched.columns.filter(({ target }) => !isLeft(target));
  const left = matched.columns.filter(
    ({ place, target }) => isLeft(target) && !columns.some((column) => column.place === place),
  );
  const names = new Set(left.map(({ header }) => header));
  return { ...matched, kind: 'inventory', columns, unknown: [...matched.unknown, ...names] };
}
