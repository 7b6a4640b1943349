import { RESTRICTIONS, restrictionCode } from '../../domain/inventory.ts';
import type { GtinForm } from '../../domain/gtin.ts';

/** A code of X12 and its meaning in the standard. */
interface Code {
  readonly code: string;
  readonly meaning: string;
}

/** Qualifiers (element 235) for the `sku_id` in a LIN. If a LIN has several, the first in this table counts. */
export const SKU_ID_QUALIFIERS: readonly Code[] = [
  { code: 'SK', meaning: 'stock keeping unit (SKU)' },
  { code: 'VN', meaning: "vendor's (seller's) item number" },
  { code: 'VP', meaning: "vendor's (seller's) part number" },
];

/** The buyer's part number, used as the `sku_id` only if a LIN has no other identifier. */
export const BUYER_QUALIFIER: Code = { code: 'BP', meaning: "buyer's part number" };

/** Qualifiers for a GTIN in a LIN, and the form as which it is read. */
export const GTIN_QUALIFIERS: readonly (Code & { readonly form: GtinForm })[] = [
  { code: 'UP', form: 'upca', meaning: 'UPC consumer package code (1-5-5-1)' },
  { code: 'EN', form: 'ean13', meaning: 'European article number (2-5-5-1)' },
  { code: 'EO', form: 'ean13', meaning: 'EAN-8' },
  { code: 'UK', form: 'gtin14', meaning: 'UPC/EAN shipping container code (1-2-5-5-1)' },
  { code: 'IB', form: 'isbn', meaning: 'international standard book number' },
];

type QuantityField = 'quantityInStock' | 'quantityOnBackorder';

/** A quantity qualifier of QTY01 (element 673). If several set one field, the first in the table counts. */
export interface QuantityCode extends Code {
  readonly field: QuantityField;
}

export const QUANTITY_CODES: readonly QuantityCode[] = [
  { code: '33', field: 'quantityInStock', meaning: 'quantity available for sale' },
  { code: 'QA', field: 'quantityInStock', meaning: 'quantity approved, used for available' },
  { code: '17', field: 'quantityInStock', meaning: 'quantity on hand' },
  { code: '02', field: 'quantityInStock', meaning: 'cumulative quantity: a total' },
  { code: 'BQ', field: 'quantityOnBackorder', meaning: 'backorder quantity' },
  { code: '63', field: 'quantityOnBackorder', meaning: 'on order quantity' },
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

/** Status words, compared without case and punctuation, and the restriction that each means. */
export const STATUS_WORDS: Readonly<Record<string, string>> = {
  discontd: 'discontd',
  discontinued: 'discontd',
  disc: 'discontd',
  obsolete: 'discontd',
  tmpunavail: 'tmpunavail',
  temporarilyunavailable: 'tmpunavail',
  unavailable: 'tmpunavail',
  onhold: 'tmpunavail',
  hidden: 'tmpunavail',
  active: 'NULL',
  available: 'NULL',
  instock: 'NULL',
  outofstock: 'NULL',
};

/** The restriction that a status word means; null for none, undefined for an unknown word. */
export function restrictionOfStatus(word: string): number | null | undefined {
  const name = STATUS_BY_WORD.get(word.toLowerCase().replaceAll(/[^a-z]/g, ''));
  if (name === undefined) return undefined;
  return name === 'NULL' ? null : restrictionCode(name);
}

const STATUS_BY_WORD: ReadonlyMap<string, string> = new Map(Object.entries(STATUS_WORDS));

/** The allowed status words, for messages. */
export const STATUS_ALLOWED = `discontinued or obsolete (${RESTRICTIONS[0]}), unavailable or on hold (${RESTRICTIONS[1]}), active or available (unrestricted)`;
