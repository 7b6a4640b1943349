import { sameInventory, type Inventory } from './inventory.ts';
import { GIVEN_NULL, NOT_GIVEN, type FieldColumns, type Lines } from './lines.ts';

/**
 * The inventory of a SKU after line `i`: fields that the line names are set, the others stay.
 * Gives `current` itself when nothing differs.
 */
export function decide(current: Inventory, lines: Lines, i: number): Inventory {
  const next: Inventory = {
    quantityInStock: fieldAfter(current, lines.fields, 'quantityInStock', i),
    quantityOnBackorder: fieldAfter(current, lines.fields, 'quantityOnBackorder', i),
    backorderDate: fieldAfter(current, lines.fields, 'backorderDate', i),
    restrictions: fieldAfter(current, lines.fields, 'restrictions', i),
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

/** The inventory of a SKU after fields given outside a line (a SKU's creation, a catalogue row). */
export function decideFields(current: Inventory, given: Partial<Inventory>): Inventory {
  const next: Inventory = { ...current, ...given };
  return sameInventory(current, next) ? current : next;
}
