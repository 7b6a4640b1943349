import { quoteValue } from '../validation-messages.ts';
import { type Static, Type } from 'typebox';
import {
  type Inventory,
  printDate,
  readDate,
  readQuantityText,
  restrictionCode,
  restrictionName,
  RESTRICTIONS,
  QUANTITY_MAX,
} from '../../domain/inventory.ts';
import { integerOrNull, textOrNull } from '../schema.ts';

/** The inventory of a SKU, for output. */
export const InventorySchema = Type.Object(
  {
    quantity_in_stock: integerOrNull('Units in stock; null is unknown.'),
    quantity_on_backorder: integerOrNull('Units on backorder; null is unknown.'),
    restrictions: textOrNull({
      enum: [...RESTRICTIONS, null],
      description: 'Why it may not be sold; null is unrestricted.',
    }),
    backorder_date: textOrNull({ format: 'date', description: 'When the backorder is expected.' }),
  },
  { title: 'Inventory', additionalProperties: false },
);

/** Prints the inventory of a SKU. */
export function printInventory(inventory: Inventory): Static<typeof InventorySchema> {
  return {
    quantity_in_stock: inventory.quantityInStock,
    quantity_on_backorder: inventory.quantityOnBackorder,
    restrictions: restrictionName(inventory.restrictions),
    backorder_date: inventory.backorderDate === null ? null : printDate(inventory.backorderDate),
  };
}

export const quantitySchema = (description: string) =>
  Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['integer', 'string', 'null'],
      minimum: 0,
      maximum: QUANTITY_MAX,
      pattern: String.raw`^[\t\n\v\f\r ]*[0-9]+(\.0+)?[\t\n\v\f\r ]*$`,
      description: `${description}; null is unknown. The digits as a text are read too.`,
    }),
  );

export const INVENTORY_MEMBERS = {
  quantity_in_stock: quantitySchema('Units in stock'),
  quantity_on_backorder: quantitySchema('Units on backorder'),
  restrictions: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      enum: [...RESTRICTIONS, '', null],
      description: 'Why the SKU may not be sold; null and "" lift the restriction.',
    }),
  ),
  backorder_date: Type.Optional(
    textOrNull({ format: 'date', description: 'When the backorder is expected.' }),
  ),
};

export const STOCK_CHANGE_MEMBER = {
  quantity_in_stock_change: Type.Optional(
    Type.Unsafe<string | number>({
      type: ['integer', 'string'],
      minimum: -QUANTITY_MAX,
      maximum: QUANTITY_MAX,
      pattern: String.raw`^[\t\n\v\f\r ]*[+-]?[0-9]+(\.0+)?[\t\n\v\f\r ]*$`,
      description:
        'Units to add, or to take away where it is negative, instead of `quantity_in_stock`. 422 where that is impossible.',
    }),
  ),
};

/** Reads the value of a member; undefined if it is invalid. */
type ValueReader = (value: unknown) => number | null | undefined;

/** An inventory field of a line. */
export interface Field {
  /** Its name in JSON. */
  readonly name: string;
  readonly field: keyof Inventory;
  readonly read: ValueReader;
  /** The allowed values, for a message. */
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
    allowed: `${RESTRICTIONS.map(quoteValue).join(' or ')}, or null or "" to lift the restriction`,
  },
  {
    name: 'backorder_date',
    field: 'backorderDate',
    read: readBackorderDate,
    allowed: 'a calendar date written "yyyy-mm-dd", or null',
  },
];

/** Reads a quantity: an integer in range, or its digits as text. */
export function readQuantity(value: unknown): number | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return readQuantityText(value);
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  // Adding zero turns -0 into 0.
  return value >= 0 && value <= QUANTITY_MAX ? value + 0 : undefined;
}

/** Like a quantity, with an optional sign. */
const SIGNED_WHOLE_NUMBER = /^[\t\n\v\f\r ]*([+-]?[0-9]+)(?:\.0+)?[\t\n\v\f\r ]*$/;

export const CHANGE_ALLOWED = `a whole number from -${QUANTITY_MAX} to ${QUANTITY_MAX}`;

/** Reads a relative change of a quantity: an integer, or its digits as text with an optional sign. */
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
