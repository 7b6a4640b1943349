/** Quantities in files, written as people of any country write numbers. */
import { QUANTITY_MAX } from './inventory.ts';
import type { DecimalMark } from './reading-rules.ts';

/** A quantity, or its values with a decimal point and with a decimal comma; null if the text is not a quantity. */
export type QuantityReading =
  | { readonly quantity: number }
  | { readonly readings: readonly [point: string, comma: string] }
  | null;

/**
 * What a number says about the decimal mark of its file: one mark, or `either` if it has a different value
 * with each (`12.000`). Null if it says nothing, as `12` does, or is no number.
 */
export function decimalEvidence(text: string): DecimalMark | 'either' | null {
  const bare = text.trim();
  if (!/[.,]/.test(bare)) return null;
  const comma = parse(bare, 'comma');
  const point = parse(bare, 'point');
  if (comma !== undefined && point !== undefined) return 'either';
  return comma === undefined ? (point === undefined ? null : 'point') : 'comma';
}

/**
 * Reads a quantity: a whole number from 0 to `QUANTITY_MAX`, perhaps with grouped thousands and decimals
 * that are zero.
 *
 * @param decimal the file's decimal mark; null reads nothing that has a different value with each mark
 */
export function readQuantity(text: string, decimal: DecimalMark | null): QuantityReading {
  const bare = text.trim();
  if (decimal === null && decimalEvidence(bare) === 'either') return { readings: readingsOf(bare) };
  const parsed =
    parse(bare, decimal ?? 'point') ?? (decimal === null ? parse(bare, 'comma') : undefined);
  const quantity = parsed?.isWhole === true ? Number(parsed.digits) : Number.NaN;
  return quantity <= QUANTITY_MAX ? { quantity } : null;
}

/** The values that a number has with a decimal point and with a decimal comma, for messages. */
export function readingsOf(text: string): readonly [point: string, comma: string] {
  const shown = (decimal: DecimalMark): string => {
    const parsed = parse(text.trim(), decimal);
    return parsed === undefined ? '?' : parsed.isWhole ? parsed.digits : parsed.value;
  };
  return [shown('point'), shown('comma')];
}

interface Parsed {
  /** The digits before the decimal mark, without grouping. */
  readonly digits: string;
  /** With a decimal point. */
  readonly value: string;
  readonly isWhole: boolean;
}

/** Thousands are grouped by the other mark, by spaces or by apostrophes; in India by commas, as in 1,23,456. */
const NUMBERS: Readonly<Record<DecimalMark, RegExp>> = {
  point: /^\+?([1-9]\d{0,2}(?:[,'’\u00a0\u202f ]\d{3})+|[1-9]\d?(?:,\d\d)+,\d{3}|\d+)(?:\.(\d+))?$/,
  comma: /^\+?([1-9]\d{0,2}(?:[.'’\u00a0\u202f ]\d{3})+|\d+)(?:,(\d+))?$/,
};

function parse(text: string, decimal: DecimalMark): Parsed | undefined {
  const match = NUMBERS[decimal].exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const digits = whole.replaceAll(/\D/g, '');
  return { digits, value: `${digits}.${fraction}`, isWhole: /^0*$/.test(fraction) };
}
