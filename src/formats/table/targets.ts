/** The columns of a catalogue that mean something here, as the vendor's product file names them. */
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

/** What a column may be read as; `gtin` is a column of mixed codes, each of which picks its own form. */
export const COLUMN_TARGETS = [...CATALOGUE_COLUMNS, 'gtin'] as const;
export type ColumnTarget = (typeof COLUMN_TARGETS)[number];
