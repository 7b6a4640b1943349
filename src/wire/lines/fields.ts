import { readDate, RESTRICTIONS, restrictionCode, type Inventory } from '../../domain/inventory.ts';
import { QUANTITY_MAX } from '../../domain/limits.ts';
import { readQuantityText } from '../../domain/quantity.ts';
import { echo } from './echo.ts';

/** Reads the value of a member: null where it is set to null, undefined where it is refused. */
type ValueReader = (value: unknown) => number | null | undefined;

/** An inventory field of a line. */
export interface Field {
  /** Its name on the wire. */
  readonly name: string;
  readonly field: keyof Inventory;
  readonly read: ValueReader;
  /** Which values are allowed, for a message. */
  readonly allowed: string;
}

export const QUANTITY_ALLOWED = `a whole number from 0 to ${QUANTITY_MAX}, or null`;

export const FIELDS: readonly Field[] = [
  {
    name: 'quantity_in_stock',
    field: 'quantityInStock',
    read: readQuantity,
    allowed: QUANTITY_ALLOWED,
  },
  {
    name: 'quantity_on_backorder',
    field: 'quantityOnBackorder',
    read: readQuantity,
    allowed: QUANTITY_ALLOWED,
  },
  {
    name: 'restrictions',
    field: 'restrictions',
    read: readRestrictions,
    allowed: `${RESTRICTIONS.map(echo).join(' or ')}, or null or "" to lift the restriction`,
  },
  {
    name: 'backorder_date',
    field: 'backorderDate',
    read: readBackorderDate,
    allowed: 'a calendar date written "yyyy-mm-dd", or null',
  },
];

/** The sentence that refuses a value. */
export function notAllowed(member: string, allowed: string, value: unknown): string {
  return `${member} must be ${allowed}; ${echo(value)} is not.`;
}

/** A quantity: a number whose value is an integer in range, or its digits as a text. */
export function readQuantity(value: unknown): number | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return readQuantityText(value);
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  // Adding zero makes 0 of -0.
  return value >= 0 && value <= QUANTITY_MAX ? value + 0 : undefined;
}

/** As a quantity is written, with a sign: an amount that is added may be one that is taken away. */
const SIGNED_WHOLE_NUMBER = /^[\t\n\v\f\r ]*([+-]?[0-9]+)(?:\.0+)?[\t\n\v\f\r ]*$/;

export const CHANGE_ALLOWED = `a whole number from -${QUANTITY_MAX} to ${QUANTITY_MAX}`;

/** What is added to a quantity: a whole number with or without a sign, or its digits as a text. */
export function readChange(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(SIGNED_WHOLE_NUMBER.exec(value)?.[1]) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return Math.abs(number) <= QUANTITY_MAX ? number + 0 : undefined;
}

function readRestrictions(value: unknown): number | null | undefined {
  if (value === null || value === '') return null;
  return typeof value === 'string' ? restrictionCode(value) : undefined;
}

function readBackorderDate(value: unknown): number | null | undefined {
  if (value === null) return null;
  return typeof value === 'string' ? readDate(value) : undefined;
}
