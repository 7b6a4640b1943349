/** The columns of a catalogue that onhand reads, by the names of the vendor's product file. */
export const CATALOGUE_COLUMNS = [
  'item_id',
  'sku_id',
  'title',
  'condition',
  'restrictions',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'number_of_units_bundled',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'asin',
  'mpn',
] as const;

/** Columns with the status of a SKU, in words or as yes and no. */
export const STATUS_COLUMNS = [
  'status',
  'discontinued',
  'hidden',
  'out_of_stock',
  'published',
] as const;
export type StatusColumn = (typeof STATUS_COLUMNS)[number];

/**
 * What a column can be read as. A `gtin` column holds mixed codes: the form of each is guessed. A `unit` column says
 * what the quantities of its row count.
 */
export const COLUMN_TARGETS = [...CATALOGUE_COLUMNS, 'gtin', ...STATUS_COLUMNS, 'unit'] as const;
export type ColumnTarget = (typeof COLUMN_TARGETS)[number];

/** Whether a column has the status of a SKU. */
export function isStatusColumn(target: ColumnTarget): target is StatusColumn {
  return STATUS_COLUMNS.some((column) => column === target);
}

/** The target of a column that is not to be read, whatever its name means. */
export const IGNORE = 'ignore';

/** A supplier's own header and what its column is read as. */
export interface ColumnMapping {
  /** Compared without case. */
  readonly header: string;
  readonly target: ColumnTarget | typeof IGNORE;
  /** Whether the mapping is skipped if the file lacks the header; otherwise that is an error. */
  readonly isOptional?: boolean;
}

/** The target of this name, in any case; undefined if there is none. */
export function mappingTarget(name: string): ColumnMapping['target'] | undefined {
  const wanted = name.toLowerCase();
  return wanted === IGNORE ? IGNORE : COLUMN_TARGETS.find((target) => target === wanted);
}
