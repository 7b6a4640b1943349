/** What the quantity of a row counts: single units, dozens, or cases of units. */
import { QUANTITY_MAX, readQuantityText } from '../../domain/inventory.ts';
import { quoted } from '../format.ts';
import type { Language } from '../language.ts';
import { unitSizeOf } from '../unit-words.ts';

/**
 * A quantity in units of the SKU, or why it cannot be converted. Undefined if the unit is not known.
 *
 * @param unit the word or code as written; empty means single units
 * @param languages the languages of the file, other than English
 * @param bundled how many units a case holds, as written; empty if the row does not say it
 */
export function inUnits(
  quantity: number,
  unit: string,
  languages: readonly Language[],
  bundled = '',
): { readonly units: number } | { readonly refusal: string } | undefined {
  const size = unit === '' ? 1 : unitSizeOf(unit, languages);
  if (size === undefined) return undefined;
  const each = size === 'container' ? readQuantityText(bundled) : size;
  if (each === undefined || each === 0)
    return {
      refusal: `the quantity ${quantity} is in the unit ${quoted(unit)}, and the row does not say how many units one holds; send single units, or that number in a column number_of_units_bundled`,
    };
  const units = quantity * each;
  return units <= QUANTITY_MAX
    ? { units }
    : { refusal: `${quantity} ${quoted(unit)} are more than ${QUANTITY_MAX} units` };
}
