/**
 * The GTIN and its written forms.
 *
 * UPC-A, EAN-13, GTIN-14, ISBN-10 and ISBN-13 all write one number, the GTIN (GS1 General
 * Specifications §1.4.2 and §7.9, ISO 2108 for the ISBN). Inside onhand a GTIN is that number as a
 * JavaScript integer (14 digits always fit), so two forms of one GTIN are equal by `===`.
 */

export const GTIN_FORMS = ['upca', 'ean13', 'gtin14', 'isbn'] as const;
export type GtinForm = (typeof GTIN_FORMS)[number];

/** The number and normalized text of an identifier, or the rule that it violates. */
export type GtinReading =
  { readonly gtin: number; readonly text: string } | { readonly refusal: string };

const DIGITS_OF_FORM = { upca: 12, ean13: 13, gtin14: 14 } as const;
const GTIN_DIGITS = 14;
const GTIN_SHORTEST_DIGITS = 8;
const ISBN_10_LENGTH = 10;
const ISBN_SHORTEST_LENGTH = 7;

/** A number with a fraction or an exponent: how spreadsheets write long numbers. */
const WRITTEN_AS_FLOAT = /^[+-]?[0-9]+(?:[.,][0-9]*(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)$/;
const PLAIN_DIGITS = /^[0-9]+$/;

/**
 * Reads an identifier of a given form.
 *
 * Drops ASCII spaces, hyphens and surplus leading zeros; restores leading zeros that a spreadsheet removed.
 * The check digit must be correct. UPC-E is not expanded.
 */
export function readGtin(form: GtinForm, source: string): GtinReading {
  const text = compacted(source);
  if (text === '') return { refusal: 'has no digits' };
  if (!PLAIN_DIGITS.test(text) && WRITTEN_AS_FLOAT.test(source.trim())) {
    return {
      refusal:
        'was rounded by a spreadsheet (a number with a fraction or exponent) and is not recoverable; ' +
        'send all digits, from a column formatted as text',
    };
  }
  return form === 'isbn' ? readIsbn(text) : readPadded(form, text);
}

/** The identifier without its spaces and hyphens. */
function compacted(source: string): string {
  return PLAIN_DIGITS.test(source) ? source : source.replace(/[ -]/g, '');
}

function readPadded(form: keyof typeof DIGITS_OF_FORM, text: string): GtinReading {
  if (!PLAIN_DIGITS.test(text)) return { refusal: 'has characters other than the digits 0-9' };
  if (text.length < GTIN_SHORTEST_DIGITS) {
    return { refusal: `has fewer than ${GTIN_SHORTEST_DIGITS} digits` };
  }
  const significant = text.replace(/^0+/, '');
  if (significant === '') return { refusal: 'is all zeros' };
  const length = DIGITS_OF_FORM[form];
  if (significant.length > length) {
    return {
      refusal: `has ${significant.length} digits (leading zeros aside), ${form} has at most ${length}`,
    };
  }
  const padded = significant.padStart(GTIN_DIGITS, '0');
  const right = mod10CheckDigit(padded);
  if (padded.at(-1) !== right) return { refusal: wrongCheckDigit(right) };
  return { gtin: Number(padded), text: normalized(form, significant, length) };
}

/** A GTIN-8 keeps its eight digits as an `ean13`, as it is printed on products. */
function normalized(form: GtinForm, significant: string, length: number): string {
  const isGtin8 = form === 'ean13' && significant.length <= GTIN_SHORTEST_DIGITS;
  return significant.padStart(isGtin8 ? GTIN_SHORTEST_DIGITS : length, '0');
}

function readIsbn(text: string): GtinReading {
  if (!/^[0-9]*[0-9Xx]$/.test(text)) {
    return { refusal: 'has characters other than the digits 0-9 and a last X' };
  }
  if (text.length === 13) return readIsbn13(text);
  if (text.length < ISBN_SHORTEST_LENGTH || text.length > ISBN_10_LENGTH) {
    return {
      refusal: `has ${text.length} characters, an isbn has 13 or 10 (7 to 9 without its zeros)`,
    };
  }
  const isbn10 = text.toUpperCase().padStart(ISBN_10_LENGTH, '0');
  const body = isbn10.slice(0, -1);
  const right = mod11CheckDigit(body);
  if (isbn10.at(-1) !== right) return { refusal: wrongCheckDigit(right) };
  if (isbn10 === '0000000000') return { refusal: 'is all zeros' };
  const isbn13 = `978${body}`;
  return { gtin: Number(isbn13 + mod10CheckDigit(`${isbn13}0`)), text: isbn10 };
}

function readIsbn13(text: string): GtinReading {
  if (!PLAIN_DIGITS.test(text)) return { refusal: 'has 13 characters that are not all digits' };
  if (!/^97[89]/.test(text)) return { refusal: 'has 13 digits that do not begin with 978 or 979' };
  const right = mod10CheckDigit(text);
  if (text.at(-1) !== right) return { refusal: wrongCheckDigit(right) };
  return { gtin: Number(text), text };
}

function wrongCheckDigit(right: string): string {
  return `has a wrong check digit (by the digits before it, it would be ${right})`;
}

/**
 * The GS1 check digit that belongs at the end of `digits` (whose present last digit is ignored):
 * weights 3, 1, 3, … from the right (GS1 General Specifications §7.9.1).
 */
export function mod10CheckDigit(digits: string): string {
  let sum = 0;
  for (let i = digits.length - 2, weight = 3; i >= 0; i -= 1, weight = 4 - weight) {
    sum += (digits.charCodeAt(i) - 48) * weight;
  }
  return String((10 - (sum % 10)) % 10);
}

/** The ISBN-10 check character of nine digits: weights 10 … 2, modulo 11, X for ten (ISO 2108). */
export function mod11CheckDigit(body: string): string {
  let sum = 0;
  for (let i = 0; i < 9; i += 1) sum += (body.charCodeAt(i) - 48) * (10 - i);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? 'X' : String(check);
}

/** The form and text of an identifier of unknown form, or why no form fits. */
export type GuessedGtin =
  | { readonly form: GtinForm; readonly text: string; readonly doubt?: string }
  | { readonly refusal: string };

/**
 * Determines the form of an identifier from a column of mixed forms (a catalogue's `barcode`).
 *
 * Complete forms first: 8 or 13 valid digits are an `ean13`, 12 a `upca`, 14 a `gtin14`. Then forms without
 * their leading zeros: 7–10 characters valid only as an ISBN are an `isbn`; 9–11 digits valid only by mod 10
 * are a `upca`, returned with a `doubt`. A text that is valid as both is refused.
 */
export function guessGtin(source: string): GuessedGtin {
  const { length } = compacted(source);
  const complete = COMPLETE_FORMS[length];
  const asComplete = complete === undefined ? undefined : readGtin(complete, source);
  if (complete !== undefined && asComplete !== undefined && 'gtin' in asComplete) {
    return { form: complete, text: asComplete.text };
  }
  const asIsbn = isWithin(length, SHORTENED_ISBN) ? readGtin('isbn', source) : undefined;
  const asUpca = isWithin(length, SHORTENED_UPCA) ? readGtin('upca', source) : undefined;
  const isIsbn = asIsbn !== undefined && 'gtin' in asIsbn;
  const isUpca = asUpca !== undefined && 'gtin' in asUpca;
  if (isIsbn && isUpca) {
    return { refusal: 'is valid both as an isbn and as a upca without its leading zeros' };
  }
  if (isIsbn) return { form: 'isbn', text: asIsbn.text };
  if (isUpca) {
    const doubt = `read as upca ${asUpca.text}, leading zeros restored`;
    return { form: 'upca', text: asUpca.text, doubt };
  }
  const tried = { [complete ?? 'gtin14']: asComplete, isbn: asIsbn, upca: asUpca };
  return { refusal: refusalOfAll(tried) ?? refusalOfLength(source, length) };
}

const COMPLETE_FORMS: Readonly<Record<number, GtinForm>> = {
  8: 'ean13',
  12: 'upca',
  13: 'ean13',
  14: 'gtin14',
};
const SHORTENED_ISBN = { from: ISBN_SHORTEST_LENGTH, to: ISBN_10_LENGTH };
const SHORTENED_UPCA = { from: 9, to: DIGITS_OF_FORM.upca - 1 };

function isWithin(length: number, range: { readonly from: number; readonly to: number }): boolean {
  return length >= range.from && length <= range.to;
}

/** Why no form that was tried fits; undefined if none was tried. */
function refusalOfAll(
  tried: Readonly<Record<string, GtinReading | undefined>>,
): string | undefined {
  const refusals = Object.entries(tried).flatMap(([form, reading]) =>
    reading !== undefined && 'refusal' in reading ? [{ form, refusal: reading.refusal }] : [],
  );
  const [first] = refusals;
  if (first === undefined || refusals.every(({ refusal }) => refusal === first.refusal)) {
    return first?.refusal;
  }
  return refusals.map(({ form, refusal }) => `as ${form} ${refusal}`).join('; ');
}

function refusalOfLength(source: string, length: number): string {
  const reading = readGtin('gtin14', source);
  return 'refusal' in reading ? reading.refusal : `has ${length} digits, which no form has`;
}
