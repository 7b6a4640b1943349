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

/** What a column can be read as. A `gtin` column holds mixed codes: the form of each is guessed. */
export const COLUMN_TARGETS = [...CATALOGUE_COLUMNS, 'gtin'] as const;
export type ColumnTarget = (typeof COLUMN_TARGETS)[number];

/**
 * Other names of columns, normalized by `normalizedHeader`. Product columns such as `title` have no
 * aliases: such a column makes a file a catalogue, which creates SKUs, and no guess may do that.
 */
export const COLUMN_ALIASES: Readonly<Partial<Record<ColumnTarget, readonly string[]>>> = {
  sku_id: [
    'sku',
    'skucode',
    'skunumber',
    'skuno',
    'itemnumber',
    'itemno',
    'itemcode',
    'itemsku',
    'stockcode',
    'stocknumber',
    'articlenumber',
    'articleno',
    'vendorsku',
    'vendoritemnumber',
    'vendoritemno',
    'vendorpartnumber',
    'suppliersku',
    'supplieritemnumber',
    'supplierpartnumber',
    'sellersku',
    'merchantsku',
  ],
  upca: ['upc', 'upccode', 'upcnumber', 'upc12', 'gtin12'],
  ean13: ['ean', 'eancode', 'eannumber', 'gtin13'],
  gtin14: ['itf14', 'gtin14code'],
  isbn: ['isbn10', 'isbn13', 'isbnnumber'],
  gtin: ['barcode', 'barcodenumber', 'upcean', 'eanupc', 'gtinupcean', 'productbarcode'],
  quantity_in_stock: [
    'quantity',
    'qty',
    'onhand',
    'quantityonhand',
    'qtyonhand',
    'onhandquantity',
    'onhandqty',
    'stockonhand',
    'qoh',
    'soh',
    'instock',
    'qtyinstock',
    'instockquantity',
    'instockqty',
    'stock',
    'stocklevel',
    'stockquantity',
    'stockqty',
    'currentstock',
    'available',
    'availablequantity',
    'availableqty',
    'quantityavailable',
    'qtyavailable',
    'qtyavail',
    'availabletosell',
    'ats',
    'availablestock',
    'inventory',
    'inventoryquantity',
    'inventoryqty',
    'inventorylevel',
  ],
  quantity_on_backorder: [
    'backorder',
    'backorders',
    'backordered',
    'onbackorder',
    'qtyonbackorder',
    'backorderquantity',
    'backorderqty',
    'quantitybackordered',
    'qtybackordered',
    'onorder',
    'quantityonorder',
    'qtyonorder',
    'onorderquantity',
    'onorderqty',
  ],
  backorder_date: [
    'backorderavailabledate',
    'expecteddate',
    'expectedon',
    'expectedarrival',
    'eta',
    'etadate',
    'availabledate',
    'availabilitydate',
    'nextavailabledate',
    'restockdate',
    'instockdate',
    'duein',
  ],
  restrictions: ['restriction', 'restrictioncode'],
};

/** Normalizes a header for comparison: `Item #`, `item_number` and `ITEM NUMBER` are equal. */
export function normalizedHeader(header: string): string {
  return header
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('#', ' number')
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
