import { Type } from 'typebox';
import { SKU_ID_CODE_POINTS_MAX, type AsSent, skuIdFits } from '../../domain/lines.ts';
import { type GtinForm, type GtinReading, readGtin } from '../../domain/gtin.ts';
import { quoteValue, quoteNumber } from '../validation-messages.ts';
import type { JsonObject } from '../json.ts';
import type { NumberText } from '../json-source.ts';

const ownIdentifier = (description: string) =>
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    minLength: 1,
    maxLength: SKU_ID_CODE_POINTS_MAX,
    minimum: 0,
    description,
  });

const gtin = (description: string) =>
  Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['string', 'integer', 'null'],
      minimum: 0,
      description,
    }),
  );

export const SKU_ID_SCHEMA = ownIdentifier(
  "The supplier's own identifier, compared character by character. A number is read as its digits.",
);

export const GTIN_MEMBERS = {
  upca: gtin('UPC-A: up to 12 digits with a right check digit; lost leading zeros are restored.'),
  ean13: gtin('EAN-13 or EAN-8: up to 13 digits with a right check digit.'),
  gtin14: gtin('GTIN-14: up to 14 digits with a right check digit.'),
  isbn: gtin('ISBN-13, or ISBN-10 also without its leading zeros, with a right check digit.'),
};

/** The identifiers of a SKU, in the order in which messages name them. */
export const IDENTIFIERS = ['sku_id', 'upca', 'ean13', 'gtin14', 'isbn'] as const;

/** Why a value was refused. The text begins with the value and follows the member's name. */
export interface Refusal {
  readonly refusal: string;
}

const PLAIN_DIGITS = /^[0-9]+$/;

/** Reads a supplier-defined identifier. A JSON number is read as the digits it was written with. */
export function readOwnIdentifier(
  member: string,
  value: unknown,
  numberText: NumberText,
): string | Refusal {
  const text = typeof value === 'number' ? numberText(member, value) : value;
  if (typeof text !== 'string' || text === '') {
    return {
      refusal: `${quoteValue(value)} is not a text of 1 to ${SKU_ID_CODE_POINTS_MAX} characters`,
    };
  }
  if (typeof value === 'number' && !PLAIN_DIGITS.test(text)) {
    return {
      refusal: `${quoteNumber(text)} is a number that is not written as plain digits; put it in quotes`,
    };
  }
  if (!skuIdFits(text)) {
    return { refusal: `${quoteValue(text)} is longer than ${SKU_ID_CODE_POINTS_MAX} characters` };
  }
  return text;
}

/** Reads a form of a GTIN; undefined for null and the empty text, which count as not given. */
export function readGtinMember(
  form: GtinForm,
  value: unknown,
  numberText: NumberText,
): GtinReading | undefined {
  if (value === null || value === '') return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') {
    return {
      refusal: `${quoteValue(value)} is neither a text nor a number written as plain digits`,
    };
  }
  const written = typeof value === 'number' ? numberText(form, value) : value;
  const reading = isNegative(value, written) ? NEGATIVE : readGtin(form, written);
  if (!('refusal' in reading)) return reading;
  const shown = typeof value === 'number' ? quoteNumber(written) : quoteValue(value);
  return { refusal: `${shown} ${reading.refusal}` };
}

const NEGATIVE: Refusal = { refusal: 'is negative' };

/** Whether a number has a minus sign; hyphens in a text are separators. */
function isNegative(value: string | number, written: string): boolean {
  return typeof value === 'number' && written.startsWith('-');
}

/**
 * The identifiers of a line as sent, without those not given. `skuId` is the `sku_id` that was read: for a
 * number, its digits.
 */
export function identifiersAsSent(line: JsonObject, skuId: string | null): AsSent {
  const sent: Record<string, string | readonly [digits: string]> = {};
  for (const name of IDENTIFIERS) {
    const value = line[name];
    if (typeof value === 'number') {
      sent[name] = [name === 'sku_id' && skuId !== null ? skuId : String(value)];
    } else if (typeof value === 'string' && value !== '') {
      sent[name] = value;
    }
  }
  return sent;
}
