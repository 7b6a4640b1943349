/** Units of measure of the quantities in X12 (element 355) and EDIFACT (element 6411). */
import { QUANTITY_MAX } from '../../domain/inventory.ts';
import { quoted } from '../format.ts';

/** A code and how many units one of it is. The size of a container differs, so the file must say it. */
export interface Unit {
  readonly code: string;
  readonly meaning: string;
  readonly size: number | 'container';
}

export const UNITS: readonly Unit[] = [
  { code: 'EA', meaning: 'each', size: 1 },
  { code: 'PC', meaning: 'piece', size: 1 },
  { code: 'PCE', meaning: 'piece', size: 1 },
  { code: 'H87', meaning: 'piece', size: 1 },
  { code: 'UN', meaning: 'unit', size: 1 },
  { code: 'C62', meaning: 'one', size: 1 },
  { code: '1N', meaning: 'count', size: 1 },
  { code: 'NAR', meaning: 'number of articles', size: 1 },
  { code: 'NMB', meaning: 'number', size: 1 },
  { code: 'DZ', meaning: 'dozen', size: 12 },
  { code: 'DZN', meaning: 'dozen', size: 12 },
  { code: 'GRO', meaning: 'gross', size: 144 },
  { code: 'CEN', meaning: 'hundred', size: 100 },
  { code: 'MIL', meaning: 'thousand', size: 1000 },
  { code: 'CA', meaning: 'case', size: 'container' },
  { code: 'CS', meaning: 'case', size: 'container' },
  { code: 'CT', meaning: 'carton', size: 'container' },
  { code: 'BX', meaning: 'box', size: 'container' },
  { code: 'PK', meaning: 'package', size: 'container' },
  { code: 'PA', meaning: 'packet', size: 'container' },
];

const UNIT_BY_CODE: ReadonlyMap<string, Unit> = new Map(UNITS.map((unit) => [unit.code, unit]));

/** Whether a code means single units, as an empty one does. */
export function isSingleUnit(code: string): boolean {
  return code === '' || UNIT_BY_CODE.get(code.toUpperCase())?.size === 1;
}

/** What a container holds, and how a file says it. */
export interface Packing {
  /** Units of a container; null if the file does not say it. */
  readonly units: number | null;
  /** Whether the SKU is the container itself, so that containers are its units. */
  readonly isContainer: boolean;
  /** What to send to say it, for messages. */
  readonly segment: string;
}

/** A quantity in units, or why there is none, to follow the quantity in a sentence. */
export type Converted = { readonly value: number } | { readonly refusal: string };

/** Converts a quantity in a unit of measure into units of the SKU. */
export function inUnits(quantity: number, code: string, packing: Packing): Converted {
  if (isSingleUnit(code)) return { value: quantity };
  const unit = UNIT_BY_CODE.get(code.toUpperCase());
  if (unit === undefined)
    return { refusal: `in the unit ${quoted(code, 40)}, which is not counted; send units (EA)` };
  if (unit.size !== 'container') return inRange(quantity * unit.size, unit);
  if (packing.isContainer) return { value: quantity };
  if (packing.units !== null) return inRange(quantity * packing.units, unit);
  const what = `in the unit ${quoted(code, 40)} (${unit.meaning}), but the file does not say how many units that is`;
  return { refusal: `${what}; send ${packing.segment}, or units (EA)` };
}

function inRange(value: number, { meaning }: Unit): Converted {
  if (value <= QUANTITY_MAX) return { value };
  return { refusal: `in the unit ${meaning}, which is more than ${QUANTITY_MAX} units` };
}
