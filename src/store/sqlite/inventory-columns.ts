/** Inventory in columns: as objects, a million SKUs would keep the garbage collector busy. */
import type { Inventory } from '../../domain/inventory.ts';

/** The columns of one SKU: quantity in stock, on backorder, backorder date, restrictions. */
export const INVENTORY_FIELDS = 4;
/** A field that is null. */
export const NULL_FIELD = -1;

export function putInventory(fields: Int32Array, i: number, inventory: Inventory): void {
  const at = i * INVENTORY_FIELDS;
  fields[at] = inventory.quantityInStock ?? NULL_FIELD;
  fields[at + 1] = inventory.quantityOnBackorder ?? NULL_FIELD;
  fields[at + 2] = inventory.backorderDate ?? NULL_FIELD;
  fields[at + 3] = inventory.restrictions ?? NULL_FIELD;
}

export function inventoryAt(fields: Int32Array, i: number): Inventory {
  const at = i * INVENTORY_FIELDS;
  return {
    quantityInStock: fieldOf(fields[at]),
    quantityOnBackorder: fieldOf(fields[at + 1]),
    backorderDate: fieldOf(fields[at + 2]),
    restrictions: fieldOf(fields[at + 3]),
  };
}

/** One field of a SKU's inventory, by its index. */
export function fieldAt(fields: Int32Array, i: number, field: number): number | null {
  return fieldOf(fields[i * INVENTORY_FIELDS + field]);
}

function fieldOf(value: number | undefined): number | null {
  return value === undefined || value === NULL_FIELD ? null : value;
}
