import { QUANTITY_MAX } from '../../domain/inventory.ts';
import { readQuantity } from '../../domain/quantity-text.ts';
import {
  normalizedWord,
  printKey,
  type DecimalMark,
  type ReadingRules,
} from '../../domain/reading-rules.ts';
import type { Language } from '../language.ts';
import { statusOf } from '../status-words.ts';
import { withoutApostrophe } from './blanks.ts';
import { inUnits } from './row-units.ts';

/** What a quantity is, for messages. */
export const WHOLE_NUMBER = `a whole number from 0 to ${QUANTITY_MAX}, or NULL`;

/** A quantity, or why it cannot be read; `rule` is the rule that may help. */
export type QuantityCell =
  | { readonly quantity: number }
  | { readonly refusal: string; readonly rule?: 'words' | 'negative' };

/** How cells are read. */
export interface CellRules extends ReadingRules {
  /** The languages of the file, other than English. */
  readonly languages?: readonly Language[];
}

/** Reads a quantity by the rules: a number, a word that stands for one, or a number below zero. */
export function readQuantityCell(
  cell: string,
  { words, negative, decimal, languages = [] }: CellRules,
): QuantityCell {
  const text = withoutApostrophe(cell);
  const number = readQuantity(text, decimal);
  const quantity =
    number !== null && 'quantity' in number ? number.quantity : words.get(normalizedWord(text));
  if (quantity !== undefined) return { quantity };
  if (number !== null && 'readings' in number) {
    const [point, comma] = number.readings;
    return {
      refusal: `may be ${point} or ${comma}; send decimal=point if it is ${point}, or decimal=comma if it is ${comma}`,
    };
  }
  const refusal = `is not ${WHOLE_NUMBER}`;
  if (/^(?:[-\u2212\u2013]\s?0+|0+-|\(0+\))$/.test(text)) return { quantity: 0 };
  if (isNegative(text, decimal)) {
    return negative === 'zero'
      ? { quantity: 0 }
      : {
          refusal: `${refusal}; send negative=zero to read quantities below zero as 0`,
          rule: 'negative',
        };
  }
  const counted = readCounted(text, decimal, languages);
  if (counted !== undefined)
    return 'units' in counted
      ? { quantity: counted.units }
      : { refusal: `${refusal}; ${counted.refusal}` };
  if (!isWord(text)) return { refusal };
  return {
    refusal: `${refusal}; if it stands for a quantity, send words=${wordRule(text)}`,
    rule: 'words',
  };
}

/** Reads a number with a known unit behind it, such as `5 pcs`; undefined if it is none. */
function readCounted(
  text: string,
  decimal: DecimalMark | null,
  languages: readonly Language[],
): ReturnType<typeof inUnits> {
  if (text.length > WORD_LENGTH_MAX) return undefined;
  const [, digits = '', unit = ''] = /^(\d(?:[^\p{L}]*\d)?)\s*(\p{L}[\p{L}.]*)$/u.exec(text) ?? [];
  const number = readQuantity(digits, decimal);
  return number !== null && 'quantity' in number
    ? inUnits(number.quantity, unit, languages)
    : undefined;
}

/** Accountants write -5 as (5). */
function isNegative(text: string, decimal: DecimalMark | null): boolean {
  const digits = NEGATIVE.map((form) => form.exec(text)?.[1]).find((part) => part !== undefined);
  if (digits === undefined) return false;
  const number = readQuantity(digits, decimal);
  return number !== null && 'quantity' in number;
}

const NEGATIVE = [/^[-\u2212\u2013]\s?(.+)$/, /^(.+)-$/, /^\((.+)\)$/];

/** Longest text that may be a word for a quantity. */
const WORD_LENGTH_MAX = 40;

/** A bound, an estimate or a number with its unit, such as `10+`, `>100`, `~20` and `5 pcs`. */
const BOUND =
  /^(?:(?:>=?|\u2265|~|ca\.?|about|over|more than|mehr als|plus de)\s?)?(\d{1,9})\s?(?:\+|[a-z]{2,6}\.?)?$/i;

/** Whether a text may stand for a quantity. A number that cannot be read does not. */
function isWord(text: string): boolean {
  if (text.length > WORD_LENGTH_MAX || /[^0-9\P{Nd}]/u.test(text)) return false;
  return /^\d/.test(text) ? BOUND.test(text) : !/^[\d.,'\s+-]*\d[\d.,'\s+-]*$/.test(text);
}

/** The rule for a word, such as `10+=10`; N is for the sender to say. */
export function wordRule(text: string): string {
  const quantity = statusOf(text) === 'out of stock' ? '0' : (BOUND.exec(text)?.[1] ?? 'N');
  return `${printKey(normalizedWord(text))}=${quantity}`;
}
