import { Type } from 'typebox';
import { printDate, restrictionName } from '../../domain/inventory.ts';
import type { Sku } from '../../domain/sku.ts';
import { invalidQuery, type Query } from '../query.ts';
import { printTime } from '../times.ts';
import { quoteValue } from '../validation-messages.ts';
import { parseSkuList, SkuListQuerySchema, type SkuListRequest } from './skus.ts';

/** Null and what a SKU does not have are empty cells; quantities are numbers. */
type Cell = string | number | null;

/** The columns of an export. Those of inventory have the names that files of inventory have. */
const COLUMNS = {
  sku_id: (sku) => sku.skuId,
  title: ({ product }) => product.title,
  supplier: ({ supplier }) => supplier.name,
  gtin: ({ product: { ean13, upca, isbn, gtin14 } }) => ean13 ?? upca ?? isbn ?? gtin14,
  upca: ({ product }) => product.upca,
  ean13: ({ product }) => product.ean13,
  gtin14: ({ product }) => product.gtin14,
  isbn: ({ product }) => product.isbn,
  quantity_in_stock: ({ inventory }) => inventory.quantityInStock,
  quantity_on_backorder: ({ inventory }) => inventory.quantityOnBackorder,
  backorder_date: ({ inventory: { backorderDate } }) =>
    backorderDate === null ? null : printDate(backorderDate),
  restrictions: ({ inventory }) => restrictionName(inventory.restrictions),
  condition: ({ product }) => product.condition,
  number_of_units_bundled: ({ product }) => product.unitsBundled,
  mpn: ({ product }) => product.mpn,
  asin: ({ product }) => product.asin,
  created: (sku) => printTime(sku.createdAtMs),
  last_updated: (sku) => printTime(sku.updatedAtMs),
  uuid: (sku) => sku.uuid,
  supplier_uuid: ({ supplier }) => supplier.uuid,
} as const satisfies Readonly<Record<string, (sku: Sku) => Cell>>;

type ColumnName = keyof typeof COLUMNS;

const COLUMN_NAMES = Object.keys(COLUMNS).filter(isColumn);

const DEFAULT_COLUMNS: readonly ColumnName[] = [
  'sku_id',
  'title',
  'supplier',
  'gtin',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
  'last_updated',
];

export const SkuExportQuerySchema = Type.Object(
  {
    ...Type.Omit(SkuListQuerySchema, ['limit', 'start', 'cursor', 'include', 'item_verbosity'])
      .properties,
    columns: Type.Optional(
      Type.Array(Type.Enum(COLUMN_NAMES), {
        default: DEFAULT_COLUMNS,
        description: 'The columns in their order: separated by commas, or repeated.',
      }),
    ),
  },
  { title: 'SkuExportQuery', additionalProperties: false },
);

/** A parsed request for an export. */
export interface SkuExportRequest extends Pick<
  SkuListRequest,
  'supplierUuids' | 'filter' | 'sort'
> {
  readonly header: readonly ColumnName[];
}

/** Reads the query of an export. Throws `parameter_invalid`. */
export function parseSkuExport(query: Query): SkuExportRequest {
  const { supplierUuids, filter, sort } = parseSkuList(
    new Map([...query].filter(([name]) => name !== 'columns')),
  );
  const columns = query.get('columns');
  return { supplierUuids, filter, sort, header: columns ? readColumns(columns) : DEFAULT_COLUMNS };
}

function readColumns(values: readonly string[]): readonly ColumnName[] {
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  const wrong = names.find((name) => !isColumn(name));
  if (wrong !== undefined) {
    throw invalidQuery(`columns: ${quoteValue(wrong)} is not one of ${COLUMN_NAMES.join(', ')}`);
  }
  const again = names.find((name, place) => names.indexOf(name) !== place);
  if (again !== undefined) throw invalidQuery(`columns: ${again} is given twice`);
  return names.filter(isColumn);
}

function isColumn(name: string): name is ColumnName {
  return Object.hasOwn(COLUMNS, name);
}

/** The cells of a SKU in an export. */
export function exportedCells(
  sku: Sku,
  header: readonly ColumnName[],
): readonly (string | number)[] {
  return header.map((name) => COLUMNS[name](sku) ?? '');
}
