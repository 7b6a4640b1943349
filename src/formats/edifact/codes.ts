/** The codes of the UN/EDIFACT directories that are read. */
import type { GtinForm } from '../../domain/gtin.ts';
import type { Code } from '../edi/code.ts';
import type { QuantityField } from '../edi/stock-item.ts';

/** Types of the numbers in LIN and PIA (element 7143) for the `sku_id`. The first in this table counts. */
export const SKU_ID_TYPES: readonly Code[] = [
  { code: 'SA', meaning: "supplier's article number" },
  { code: 'SK', meaning: 'stock keeping unit' },
  { code: 'VN', meaning: 'vendor item number' },
  { code: 'VP', meaning: "vendor's (seller's) part number" },
];

/** Types used as the `sku_id` only if an item has no other identifier. The first in this table counts. */
export const OTHER_ID_TYPES: readonly Code[] = [
  { code: 'MF', meaning: "manufacturer's article number" },
  { code: 'IN', meaning: "buyer's item number" },
  { code: 'BP', meaning: "buyer's part number" },
];

/** Types for a GTIN, and the form as which it is read; null if its digits decide. */
export const GTIN_TYPES: readonly (Code & { readonly form: GtinForm | null })[] = [
  { code: 'SRV', form: null, meaning: 'EAN.UCC number (GTIN)' },
  { code: 'EN', form: null, meaning: 'international article number (EAN)' },
  { code: 'UP', form: 'upca', meaning: 'UPC' },
  { code: 'IB', form: 'isbn', meaning: 'ISBN' },
];

/** Functions of a PIA (element 4347) whose numbers identify the item. Others name substitutes. */
export const IDENTIFYING_FUNCTIONS: readonly Code[] = [
  { code: '1', meaning: 'additional identification' },
  { code: '5', meaning: 'product identification' },
];

/** A quantity qualifier (element 6063). If several set one field, the first in the table counts. */
export const QUANTITY_CODES: readonly (Code & { readonly field: QuantityField })[] = [
  { code: '145', field: 'quantityInStock', meaning: 'actual stock' },
  { code: '17', field: 'quantityInStock', meaning: 'quantity on hand' },
  { code: '83', field: 'quantityOnBackorder', meaning: 'backorder quantity' },
  { code: '198', field: 'quantityOnBackorder', meaning: 'quantity in transit' },
  { code: '21', field: 'quantityOnBackorder', meaning: 'ordered quantity' },
];

/** Quantity qualifiers for how many units a container holds. */
export const PACKING_CODES: readonly Code[] = [
  { code: '59', meaning: 'number of consumer units in the traded unit' },
  { code: '52', meaning: 'quantity per pack' },
];

/** Date qualifiers (element 2005) of an item. The first in this table counts. */
export const BACKORDER_DATE_CODES: readonly Code[] = [
  { code: '44', meaning: 'availability' },
  { code: '132', meaning: 'arrival, estimated' },
  { code: '17', meaning: 'delivery, estimated' },
  { code: '69', meaning: 'delivery, promised for' },
  { code: '67', meaning: 'delivery, current schedule' },
  { code: '11', meaning: 'despatch' },
];

/** Date qualifiers before the first LIN, read as the date of the report. The first in this table counts. */
export const REPORT_DATE_CODES: readonly Code[] = [
  { code: '366', meaning: 'inventory report date' },
  { code: '91', meaning: 'report end date' },
  { code: '7', meaning: 'effective date' },
  { code: '137', meaning: 'document date' },
];

/** Party qualifiers of NAD (element 3035) for where a quantity is. */
export const LOCATION_PARTIES: readonly Code[] = [
  { code: 'WH', meaning: 'warehouse keeper' },
  { code: 'SF', meaning: 'ship from' },
  { code: 'SN', meaning: 'store keeper' },
  { code: 'ST', meaning: 'ship to' },
];

/** Places of LOC (element 3227) that are countries and so do not say where a quantity is. */
export const COUNTRY_PLACES: ReadonlySet<string> = new Set(['27', '28', '157']);

/** Inventory types of INV (element 7491) that cannot be sold. */
export const UNSELLABLE_INVENTORY: readonly Code[] = [
  { code: '2', meaning: 'damaged' },
  { code: '3', meaning: 'bonded' },
  { code: '4', meaning: 'reserved' },
];

/** Directions of INV (element 4501): the quantity is a movement, and not what is there. */
export const INVENTORY_MOVEMENTS: readonly Code[] = [
  { code: '1', meaning: 'movement out of inventory' },
  { code: '2', meaning: 'movement into inventory' },
];

/** Functions of the message (BGM, element 1225) that must not be applied. */
export const FUNCTIONS_REFUSED: readonly Code[] = [
  { code: '1', meaning: 'cancellation' },
  { code: '3', meaning: 'deletion' },
];
