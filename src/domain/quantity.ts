import { QUANTITY_MAX } from './limits.ts';

/** Outer white space, digits, and the fraction that spreadsheets add to a whole number. */
const WHOLE_NUMBER = /^[\t\n\v\f\r ]*([0-9]+)(?:\.0+)?[\t\n\v\f\r ]*$/;

/** A quantity written as a text: the whole number, or undefined where it is none or out of range. */
export function readQuantityText(text: string): number | undefined {
  const digits = WHOLE_NUMBER.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const quantity = Number(digits);
  return quantity <= QUANTITY_MAX ? quantity : undefined;
}
