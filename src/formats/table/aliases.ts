import type { ColumnTarget } from './targets.ts';

/**
 * Other names of columns, as they are compared: in lower case, letters and digits alone, `#` read as
 * "number". What tells of a product rather than of its stock (a title, a condition) has none: such a
 * column makes a file a catalogue, which creates SKUs, and that must not happen by a guess.
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

/** A header as it is compared: `Item #`, `item_number` and `ITEM NUMBER` are one. */
export function normalizedHeader(header: string): string {
  return header
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('#', ' number')
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
