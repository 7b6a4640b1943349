import type { ColumnTarget } from '../../domain/file-columns.ts';
import { guessGtin, readGtin, type GtinForm } from '../../domain/gtin.ts';
import {
  readDate,
  readQuantityText,
  RESTRICTIONS,
  restrictionCode,
  type Inventory,
  QUANTITY_MAX,
} from '../../domain/inventory.ts';
import { readQuantity } from '../../domain/quantity-text.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import { skuIdFits } from '../../domain/lines.ts';
import { CONDITIONS, type Product } from '../../domain/sku.ts';
import { SKU_ID_LENGTH } from '../format.ts';

/** Longest title, part number or other free text of a cell, in UTF-16 code units. */
export const CELL_LENGTH_MAX = 10_000;

/** How a file writes null. */
const NULL_CELL = 'NULL';

/** The value of a cell, or what is wrong with it, to be put after the cell's text. */
export type CellReading =
  | { readonly kind: 'skuId'; readonly skuId: string }
  | {
      readonly kind: 'gtin';
      readonly form: GtinForm;
      readonly gtin: number;
      readonly text: string;
      /** Set where the form was guessed and may be wrong. */
      readonly doubt: string | undefined;
    }
  /** An identifier column that holds NULL. */
  | { readonly kind: 'null' }
  | { readonly kind: 'inventory'; readonly name: keyof Inventory; readonly value: number | null }
  | { readonly kind: 'product'; readonly product: Partial<Product> }
  | { readonly kind: 'fault'; readonly reason: string };

/** Reads a cell by what its column is and the rules; undefined if the cell is blank, which means not given. */
export function readCell(
  target: ColumnTarget,
  cell: string,
  rules: ReadingRules,
): CellReading | undefined {
  if (cell === '' || (target !== 'sku_id' && trimmed(cell) === '')) return undefined;
  return READERS[target](cell === NULL_CELL ? null : cell, rules);
}

/** Reads a cell that is not blank; null stands for NULL. */
type CellReader = (cell: string | null, rules: ReadingRules) => CellReading;

const READERS: Readonly<Record<ColumnTarget, CellReader>> = {
  sku_id: (cell) => {
    if (cell === null) return { kind: 'null' };
    return skuIdFits(cell)
      ? { kind: 'skuId', skuId: cell }
      : fault(`is too long; ${SKU_ID_LENGTH}`);
  },
  upca: gtin('upca'),
  ean13: gtin('ean13'),
  gtin14: gtin('gtin14'),
  isbn: gtin('isbn'),
  gtin: (cell) => {
    if (cell === null) return { kind: 'null' };
    const guess = guessGtin(cell);
    return 'refusal' in guess ? fault(guess.refusal) : gtinOf(guess.form, cell, guess.doubt);
  },
  quantity_in_stock: quantity('quantityInStock'),
  quantity_on_backorder: quantity('quantityOnBackorder'),
  backorder_date: inventory(
    'backorderDate',
    (cell) => readDate(trimmed(cell)),
    'a calendar date written yyyy-mm-dd, or NULL',
  ),
  restrictions: inventory(
    'restrictions',
    (cell) => restrictionCode(trimmed(cell)),
    `a restriction; allowed are ${RESTRICTIONS.join(', ')}, and NULL to lift the restriction`,
  ),
  item_id: text((itemId) => ({ itemId })),
  title: text((title) => ({ title })),
  asin: text((asin) => ({ asin })),
  mpn: text((mpn) => ({ mpn })),
  condition: (cell) => {
    const condition = cell === null ? null : CONDITIONS.find((name) => name === trimmed(cell));
    if (condition !== undefined) return { kind: 'product', product: { condition } };
    return fault(`is not a condition; allowed are ${CONDITIONS.join(', ')}`);
  },
  number_of_units_bundled: (cell) => {
    const unitsBundled = cell === null ? null : readQuantityText(cell);
    if (unitsBundled !== undefined) return { kind: 'product', product: { unitsBundled } };
    return fault(`is not ${wholeNumber()}`);
  },
};

function wholeNumber(): string {
  return `a whole number from 0 to ${QUANTITY_MAX}, or NULL`;
}

function gtin(form: GtinForm): CellReader {
  return (cell) => (cell === null ? { kind: 'null' } : gtinOf(form, cell));
}

function gtinOf(form: GtinForm, cell: string, doubt?: string): CellReading {
  const reading = readGtin(form, cell);
  return 'refusal' in reading
    ? fault(reading.refusal)
    : { kind: 'gtin', form, gtin: reading.gtin, text: reading.text, doubt };
}

function inventory(
  name: keyof Inventory,
  read: (cell: string) => number | undefined,
  allowed: string,
): CellReader {
  return (cell) => {
    const value = cell === null ? null : read(cell);
    return value === undefined ? fault(`is not ${allowed}`) : { kind: 'inventory', name, value };
  };
}

function quantity(name: keyof Inventory): CellReader {
  return (cell, { decimal }) => {
    if (cell === null) return { kind: 'inventory', name, value: null };
    const reading = readQuantity(cell, decimal);
    return 'fault' in reading
      ? fault(reading.fault)
      : { kind: 'inventory', name, value: reading.quantity };
  };
}

function text(productOf: (cell: string | null) => Partial<Product>): CellReader {
  return (cell) => {
    if (cell !== null && cell.length > CELL_LENGTH_MAX)
      return fault(`is longer than ${CELL_LENGTH_MAX} characters`);
    if (cell?.includes('\0') === true) return fault('holds a NUL character');
    return { kind: 'product', product: productOf(cell) };
  };
}

function fault(reason: string): CellReading {
  return { kind: 'fault', reason };
}

/** A cell without the ASCII white space around it. Takes linear time, whatever the cell holds. */
function trimmed(cell: string): string {
  let start = 0;
  let end = cell.length;
  while (start < end && isWhiteSpace(cell.charCodeAt(start))) start += 1;
  while (end > start && isWhiteSpace(cell.charCodeAt(end - 1))) end -= 1;
  return cell.slice(start, end);
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
