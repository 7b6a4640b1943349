/** Largest quantity, inclusive: the largest 32-bit signed integer. */
export const QUANTITY_MAX = 2_147_483_647;

/** The values that a supplier reports for one SKU. */
export interface Inventory {
  /** Units in stock, 0 … `QUANTITY_MAX`; null is unknown. */
  readonly quantityInStock: number | null;
  /** Units on backorder, 0 … `QUANTITY_MAX`; null is unknown. */
  readonly quantityOnBackorder: number | null;
  /** The expected date of the backorder as the number yyyymmdd; null is unknown. */
  readonly backorderDate: number | null;
  /** The code of a restriction (`restrictionCode`); null is unrestricted. */
  readonly restrictions: number | null;
}

/** The inventory of a SKU that was never reported. */
export const NOTHING_KNOWN: Inventory = {
  quantityInStock: null,
  quantityOnBackorder: null,
  backorderDate: null,
  restrictions: null,
};

/** Restrictions by name. A restriction's code is its position here, counted from 1: append only. */
export const RESTRICTIONS = ['discontd', 'tmpunavail'] as const;

/** The code of a retired SKU's restriction. Clients cannot send it, and readers see `discontd`. */
export const RETIRED_CODE = 127;

/** The inventory of a SKU that its supplier has retired. */
export const RETIRED: Inventory = {
  quantityInStock: 0,
  quantityOnBackorder: 0,
  backorderDate: null,
  restrictions: RETIRED_CODE,
};

export function isRetired(inventory: Inventory): boolean {
  return inventory.restrictions === RETIRED_CODE;
}

export type Restriction = (typeof RESTRICTIONS)[number];

export function restrictionCode(name: string): number | undefined {
  const place = RESTRICTIONS.findIndex((restriction) => restriction === name);
  return place < 0 ? undefined : place + 1;
}

/** Throws on a code that has no name: calling it unrestricted would let the SKU be sold. */
export function restrictionName(code: number | null): Restriction | null {
  if (code === null) return null;
  if (code === RETIRED_CODE) return 'discontd';
  const name = RESTRICTIONS[code - 1];
  if (name === undefined) throw new RangeError(`no restriction has the code ${code}`);
  return name;
}

export function sameInventory(a: Inventory, b: Inventory): boolean {
  return (
    a.quantityInStock === b.quantityInStock &&
    a.quantityOnBackorder === b.quantityOnBackorder &&
    a.backorderDate === b.backorderDate &&
    a.restrictions === b.restrictions
  );
}

/**
 * Reads a calendar date written `yyyy-mm-dd` (ISO 8601, years 0001 … 9999) as the number yyyymmdd;
 * undefined if there is no such day.
 */
export function readDate(text: string): number | undefined {
  const parts = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (parts === null) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (year < 1 || month < 1 || month > 12) return undefined;
  return day >= 1 && day <= daysInMonth(year, month)
    ? year * 10_000 + month * 100 + day
    : undefined;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Writes the number yyyymmdd as `yyyy-mm-dd`. */
export function printDate(date: number): string {
  const digits = String(date).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

/** Digits, surrounding white space, and the `.0` that spreadsheets append to integers. */
const WHOLE_NUMBER = /^[\t\n\v\f\r ]*([0-9]+)(?:\.0+)?[\t\n\v\f\r ]*$/;

/** Reads a quantity from text; undefined if it is not an integer in range. */
export function readQuantityText(text: string): number | undefined {
  const digits = WHOLE_NUMBER.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const quantity = Number(digits);
  return quantity <= QUANTITY_MAX ? quantity : undefined;
}
