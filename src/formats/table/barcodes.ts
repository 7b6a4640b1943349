/** Reads the barcodes of an inventory table. Suppliers put GTINs of any form, and UPC-Es, into one column. */
import { GTIN_FORMS, mod10CheckDigit, readGtin, type GtinForm } from '../../domain/gtin.ts';
import { withoutApostrophe } from './blanks.ts';

/** A column for barcodes: of one form by its name, or of mixed forms. */
export type BarcodeColumn = GtinForm | 'gtin';

/** A GTIN and the form as which it was read, or why it cannot be read. */
export type BarcodeReading =
  { readonly form: GtinForm; readonly gtin: number } | { readonly refusal: string };

/**
 * Reads a barcode. A column of ISBNs holds only ISBNs. Any other column holds GTINs of any form, and a column of
 * UPCs or of mixed codes also UPC-Es. A code that may be two different GTINs is refused.
 */
export function readBarcode(column: BarcodeColumn, cell: string): BarcodeReading {
  const code = withoutLabel(withoutApostrophe(cell));
  if (SEVERAL.test(code)) return { refusal: 'holds several codes; send one' };
  if (column === 'isbn') return readForm('isbn', code);
  const compact = compacted(code);
  const upcE = TAKES_UPC_E.has(column) ? expandedUpcE(compact) : undefined;
  const found = distinct([
    ...formsToTry(column, compact.length).map((form) => readForm(form, code)),
    ...(upcE === undefined ? [] : [readForm('upca', upcE)]),
  ]);
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined && second !== undefined) return ambiguous(first, second, upcE);
  return refusalOf(column, code, compact);
}

/** The columns in which eight digits may be a UPC-E. An EAN of eight digits is an EAN-8. */
const TAKES_UPC_E: ReadonlySet<BarcodeColumn> = new Set(['upca', 'gtin']);

const SEVERAL = /\d[,;|/]\s*\d{6}/;

/** What some files write before the digits. */
const LABEL =
  /^(?:upc(?:-?[ae])?|ean(?:-?(?:8|13))?|gtin(?:-?(?:8|12|13|14))?|isbn(?:-?(?:10|13))?|barcode)[\s:#=]+/i;

function withoutLabel(code: string): string {
  return code.replace(LABEL, '');
}

/** The code without spaces and hyphens of any kind. */
function compacted(code: string): string {
  return code.replaceAll(/[\s\u00ad\u2010-\u2015\u2212-]/gu, '');
}

function readForm(form: GtinForm, code: string): BarcodeReading {
  // A number with a fraction or exponent is refused as written, since its digits are lost.
  const reading = readGtin(form, /[.eE]/.test(code) ? code : compacted(code));
  return 'refusal' in reading ? reading : { form, gtin: reading.gtin };
}

/**
 * The forms that a code of this length may have. A column's own form comes first, and alone if the code is
 * whole: a 12-digit code in a column of UPCs is a UPC. ISBNs of ten digits look like UPCs that lost zeros.
 */
function formsToTry(column: Exclude<BarcodeColumn, 'isbn'>, length: number): readonly GtinForm[] {
  if (column === 'gtin') {
    if (length > 10) return [length <= 12 ? 'upca' : length === 13 ? 'ean13' : 'gtin14'];
    return length === 8 ? ['ean13'] : length > 8 ? ['isbn', 'upca'] : ['isbn'];
  }
  if (length > 10) return ['gtin14'];
  return length === 10 ? [column, 'isbn'] : [column];
}

/** Readings that are different GTINs. */
function distinct(
  readings: readonly BarcodeReading[],
): readonly Exclude<BarcodeReading, { readonly refusal: string }>[] {
  const byGtin = new Map<number, Exclude<BarcodeReading, { readonly refusal: string }>>();
  for (const reading of readings)
    if ('gtin' in reading && !byGtin.has(reading.gtin)) byGtin.set(reading.gtin, reading);
  return [...byGtin.values()];
}

/**
 * The UPC-A that a UPC-E of eight digits abbreviates (GS1 General Specifications §5.2.2.4.2). Undefined if the
 * code is not a UPC-E, or if its check digit is wrong.
 */
export function expandedUpcE(code: string): string | undefined {
  const parts = /^([01])(\d)(\d)(\d)(\d)(\d)(\d)(\d)$/.exec(code)?.slice(1);
  if (parts === undefined) return undefined;
  const [system = '', a = '', b = '', c = '', d = '', e = '', last = '', check = ''] = parts;
  const body = expandedBody(a + b + c + d + e, Number(last));
  const upcA = system + body;
  return mod10CheckDigit(`${upcA}0`) === check ? upcA + check : undefined;
}

/** Ten digits, maker and product, from the first five of a UPC-E and its last, which says where zeros are. */
function expandedBody(digits: string, last: number): string {
  if (last <= 2) return `${digits.slice(0, 2)}${last}0000${digits.slice(2)}`;
  if (last === 3) return `${digits.slice(0, 3)}00000${digits.slice(3)}`;
  if (last === 4) return `${digits.slice(0, 4)}00000${digits.slice(4)}`;
  return `${digits}0000${last}`;
}

function ambiguous(
  first: { readonly form: GtinForm; readonly gtin: number },
  second: { readonly form: GtinForm; readonly gtin: number },
  upcE: string | undefined,
): BarcodeReading {
  const [one, other] =
    upcE === undefined
      ? [`${first.form} ${printed(first.gtin)}`, `${second.form} ${printed(second.gtin)}`]
      : [`GTIN-8 ${String(first.gtin).padStart(8, '0')}`, `UPC-E of ${upcE}`];
  return {
    refusal: `is ambiguous: it may be the ${one} or the ${other}; send the code with all its digits`,
  };
}

function printed(gtin: number): string {
  return String(gtin).padStart(12, '0');
}

function refusalOf(
  column: Exclude<BarcodeColumn, 'isbn'>,
  code: string,
  compact: string,
): BarcodeReading {
  if (/^\d{6,7}$/.test(compact) && TAKES_UPC_E.has(column)) {
    return {
      refusal: `has ${compact.length} digits: a UPC-E has 8, with its first and its check digit; send those, or the 12 of the UPC-A`,
    };
  }
  const form = column === 'gtin' || compact.length > 12 ? 'gtin14' : column;
  return readForm(form, code);
}

/** Whether a column holds barcodes. */
export function isBarcodeColumn(target: string): target is BarcodeColumn {
  return target === 'gtin' || GTIN_FORMS.some((form) => form === target);
}
