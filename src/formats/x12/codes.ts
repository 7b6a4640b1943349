/** The codes of X12 that are read. */
import type { GtinForm } from '../../domain/gtin.ts';
import { RESTRICTIONS } from '../../domain/inventory.ts';
import type { Code } from '../edi/code.ts';
import type { QuantityField } from '../edi/stock-item.ts';

/** Qualifiers (element 235) for the `sku_id` in a LIN. If a LIN has several, the first in this table counts. */
export const SKU_ID_QUALIFIERS: readonly Code[] = [
  { code: 'SK', meaning: 'stock keeping unit (SKU)' },
  { code: 'VN', meaning: "vendor's (seller's) item number" },
  { code: 'VP', meaning: "vendor's (seller's) part number" },
  { code: 'VC', meaning: "vendor's (seller's) catalog number" },
];

/**
 * Numbers that the supplier did not give the item itself, used as the `sku_id` only if a LIN has no other
 * identifier. The first in this table counts.
 */
export const OTHER_ID_QUALIFIERS: readonly Code[] = [
  { code: 'MG', meaning: "manufacturer's part number" },
  { code: 'IN', meaning: "buyer's item number" },
  { code: 'BP', meaning: "buyer's part number" },
  { code: 'CB', meaning: "buyer's catalog number" },
];

/** The qualifier of a UPC that is written without its check digit. */
export const WITHOUT_CHECK_DIGIT = 'UI';

/** Qualifiers for a GTIN in a LIN, and the form as which it is read. */
export const GTIN_QUALIFIERS: readonly (Code & { readonly form: GtinForm })[] = [
  { code: 'UP', form: 'upca', meaning: 'UPC consumer package code (1-5-5-1)' },
  { code: WITHOUT_CHECK_DIGIT, form: 'upca', meaning: 'UPC consumer package code (1-5-5)' },
  { code: 'EN', form: 'ean13', meaning: 'European article number (2-5-5-1)' },
  { code: 'EO', form: 'ean13', meaning: 'EAN-8' },
  { code: 'UK', form: 'gtin14', meaning: 'UPC/EAN shipping container code (1-2-5-5-1)' },
  { code: 'IB', form: 'isbn', meaning: 'international standard book number' },
];

/** A quantity qualifier of QTY01 (element 673). If several set one field, the first in the table counts. */
export interface QuantityCode extends Code {
  readonly field: QuantityField;
}

export const QUANTITY_CODES: readonly QuantityCode[] = [
  { code: '33', field: 'quantityInStock', meaning: 'quantity available for sale' },
  { code: 'QA', field: 'quantityInStock', meaning: 'quantity approved, used for available' },
  { code: '17', field: 'quantityInStock', meaning: 'quantity on hand' },
  { code: '02', field: 'quantityInStock', meaning: 'cumulative quantity: a total' },
  { code: '01', field: 'quantityInStock', meaning: 'discrete quantity' },
  { code: 'BQ', field: 'quantityOnBackorder', meaning: 'backorder quantity' },
  { code: '63', field: 'quantityOnBackorder', meaning: 'on order quantity' },
];

/** Qualifiers of N101 (element 98) for where a quantity is. Others, such as the supplier, are ignored. */
export const LOCATION_QUALIFIERS: readonly Code[] = [
  { code: 'WH', meaning: 'warehouse' },
  { code: 'SF', meaning: 'ship from' },
  { code: 'SN', meaning: 'store' },
  { code: 'ST', meaning: 'ship to' },
  { code: 'ZZ', meaning: 'mutually defined' },
];

/** Date qualifiers of a DTM before the first LIN, read as the date of the report. The first in this table counts. */
export const REPORT_DATE_CODES: readonly Code[] = [
  { code: '097', meaning: 'transaction creation' },
  { code: '102', meaning: 'issue' },
  { code: '007', meaning: 'effective' },
  { code: '091', meaning: 'report end' },
];

/** Purposes (BIA01, element 353) of a report that must not be applied. */
export const PURPOSES_REFUSED: readonly Code[] = [
  { code: '01', meaning: 'cancellation' },
  { code: '03', meaning: 'deletion' },
];

/** Date qualifiers of DTM01 (element 374) in a LIN loop. The first in this table counts. */
export const BACKORDER_DATE_CODES: readonly Code[] = [
  { code: '169', meaning: 'product availability date' },
  { code: '018', meaning: 'available' },
  { code: '371', meaning: 'estimated arrival' },
  { code: '017', meaning: 'estimated delivery' },
  { code: '067', meaning: 'current schedule delivery' },
  { code: '068', meaning: 'current schedule ship' },
];

/** Qualifiers of REF01 (element 128) whose REF02 or REF03 contains the item's status. */
export const STATUS_QUALIFIERS: readonly Code[] = [
  { code: 'ACC', meaning: 'status' },
  { code: 'ZZ', meaning: 'mutually defined' },
];

/** The allowed status words, for messages. */
export const STATUS_ALLOWED = `discontinued or obsolete (${RESTRICTIONS[0]}), unavailable or on hold (${RESTRICTIONS[1]}), active or available (unrestricted)`;
