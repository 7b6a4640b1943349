import { restrictionCode, sameInventory, type Inventory, QUANTITY_MAX } from './inventory.ts';
import {
  GIVEN_NULL,
  NOT_GIVEN,
  NO_STOCK_CHANGE,
  type ConditionColumns,
  type FieldColumns,
  type Lines,
} from './lines.ts';

/**
 * Returns the inventory of a SKU after line `i`: fields that the line gives are set, the others stay.
 * Returns `current` itself if nothing changes. `conditionFailure` must have accepted a relative change.
 */
export function decide(current: Inventory, lines: Lines, i: number): Inventory {
  const { fields, conditions } = lines;
  const change = conditions?.stockChanges[i] ?? NO_STOCK_CHANGE;
  const next: Inventory = {
    quantityInStock:
      change === NO_STOCK_CHANGE
        ? fieldAfter(current, fields, 'quantityInStock', i)
        : (current.quantityInStock ?? 0) + change,
    quantityOnBackorder: fieldAfter(current, fields, 'quantityOnBackorder', i),
    backorderDate: fieldAfter(current, fields, 'backorderDate', i),
    restrictions: fieldAfter(current, fields, 'restrictions', i),
  };
  return sameInventory(current, next) ? current : next;
}

function fieldAfter(
  current: Inventory,
  fields: FieldColumns,
  field: keyof Inventory,
  i: number,
): number | null {
  const given = fields[field][i] ?? NOT_GIVEN;
  if (given === NOT_GIVEN) return current[field];
  return given === GIVEN_NULL ? null : given;
}

/** Returns the inventory after setting fields that come from no line (SKU creation, catalogue row, snapshot). */
export function decideFields(current: Inventory, given: Partial<Inventory>): Inventory {
  const next: Inventory = { ...current, ...given };
  return sameInventory(current, next) ? current : next;
}

/** Why a line that matches one SKU fails. */
export type ConditionFailure =
  /** The SKU's inventory is as of a later time, in microseconds since 1970-01-01T00:00Z. */
  | { readonly kind: 'older'; readonly heldAsOfUs: number }
  /** The line expected a different quantity in stock. */
  | { readonly kind: 'unexpected'; readonly quantityInStock: number | null }
  /** The relative change would leave 0 … `QUANTITY_MAX`, or the quantity in stock is unknown. */
  | {
      readonly kind: 'impossible';
      readonly quantityInStock: number | null;
      readonly change: number;
    };

/** Returns the first reason why line `i` does not apply to a SKU; undefined if it applies. */
export function conditionFailure(
  current: Inventory,
  heldAsOfUs: () => number,
  conditions: ConditionColumns,
  i: number,
): ConditionFailure | undefined {
  const asOfUs = conditions.asOfUs[i] ?? Number.NaN;
  if (!Number.isNaN(asOfUs)) {
    const held = heldAsOfUs();
    if (asOfUs < held) return { kind: 'older', heldAsOfUs: held };
  }
  const { quantityInStock } = current;
  const expected = conditions.expectedQuantities[i] ?? NOT_GIVEN;
  if (expected !== NOT_GIVEN && expected !== (quantityInStock ?? GIVEN_NULL)) {
    return { kind: 'unexpected', quantityInStock };
  }
  const change = conditions.stockChanges[i] ?? NO_STOCK_CHANGE;
  if (change === NO_STOCK_CHANGE) return undefined;
  const after = (quantityInStock ?? -1) + change;
  const isPossible = quantityInStock !== null && after >= 0 && after <= QUANTITY_MAX;
  return isPossible ? undefined : { kind: 'impossible', quantityInStock, change };
}

const DISCONTINUED = restrictionCode('discontd');

/** Whether a SKU can be sold: in stock, and unrestricted. */
export function isSellable(inventory: Inventory): boolean {
  return (inventory.quantityInStock ?? 0) > 0 && inventory.restrictions === null;
}

/** Whether a sellable SKU is set to zero or discontinued. */
export function becomesUnsellable(before: Inventory, after: Inventory): boolean {
  return isSellable(before) && (after.quantityInStock === 0 || after.restrictions === DISCONTINUED);
}
