import type { ColumnTarget, StatusColumn } from '../../domain/file-columns.ts';
import { guessGtin, readGtin, type GtinForm } from '../../domain/gtin.ts';
import {
  readQuantityText,
  RESTRICTIONS,
  restrictionCode,
  type Inventory,
} from '../../domain/inventory.ts';
import { skuIdFits } from '../../domain/lines.ts';
import { CONDITIONS, type Product } from '../../domain/sku.ts';
import { SKU_ID_LENGTH } from '../format.ts';
import { withoutApostrophe, withoutBlanks } from './blanks.ts';
import { readDateCell } from './dates.ts';
import { readQuantityCell, WHOLE_NUMBER, type CellRules } from './quantities.ts';

/** Longest title, part number or other free text of a cell, in UTF-16 code units. */
export const CELL_LENGTH_MAX = 10_000;

/** How a file writes null. */
export const NULL_CELL = 'NULL';

/** The value of a cell, or what is wrong with it, to be put after the cell's text. */
export type CellReading =
  | {
      readonly kind: 'skuId';
      /** Without blanks and apostrophe. */
      readonly skuId: string;
      readonly asWritten: string;
      /** The texts that may be meant, other than the one as written. The last is `skuId`. */
      readonly alternatives: readonly string[];
    }
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
  /** A cell that stands for no value, as `TBD` does for a date. */
  | { readonly kind: 'placeholder' }
  /** `rule` is the rule that may help. */
  | { readonly kind: 'fault'; readonly reason: string; readonly rule?: 'words' | 'negative' };

/** Columns whose cells are read one by one. The statuses of a row are read together. */
export type CellColumn = Exclude<ColumnTarget, StatusColumn | 'unit'>;

/** Reads a cell of a column by the rules; undefined if the cell is blank, which means not given. */
export function readCell(
  target: CellColumn,
  cell: string,
  rules: CellRules,
): CellReading | undefined {
  const text = withoutBlanks(cell);
  if (text === '') return undefined;
  return READERS[target](text === NULL_CELL ? null : cell, rules);
}

/** Reads a cell that is not blank; null stands for NULL. */
type CellReader = (cell: string | null, rules: CellRules) => CellReading;

const READERS: Readonly<Record<CellColumn, CellReader>> = {
  sku_id: (cell) => {
    if (cell === null) return { kind: 'null' };
    const texts = new Set([cell, withoutBlanks(cell), withoutApostrophe(cell)]);
    const fitting = [...texts].filter(skuIdFits);
    const [asWritten, ...alternatives] = fitting;
    const skuId = fitting.at(-1);
    if (asWritten === undefined || skuId === undefined)
      return fault(`is too long; ${SKU_ID_LENGTH}`);
    return { kind: 'skuId', skuId, asWritten, alternatives };
  },
  upca: gtin('upca'),
  ean13: gtin('ean13'),
  gtin14: gtin('gtin14'),
  isbn: gtin('isbn'),
  gtin: (cell) => {
    if (cell === null) return { kind: 'null' };
    const code = withoutApostrophe(cell);
    const guess = guessGtin(code);
    return 'refusal' in guess ? fault(guess.refusal) : gtinOf(guess.form, code, guess.doubt);
  },
  quantity_in_stock: quantity('quantityInStock'),
  quantity_on_backorder: quantity('quantityOnBackorder'),
  backorder_date: (cell, { dates }) => {
    if (cell === null) return { kind: 'inventory', name: 'backorderDate', value: null };
    const reading = readDateCell(cell, dates);
    if ('isPlaceholder' in reading) return { kind: 'placeholder' };
    if ('refusal' in reading) return fault(reading.refusal);
    return { kind: 'inventory', name: 'backorderDate', value: reading.date };
  },
  restrictions: (cell) => {
    const value = cell === null ? null : restrictionCode(withoutBlanks(cell).toLowerCase());
    return value === undefined
      ? fault(
          `is not a restriction; allowed are ${RESTRICTIONS.join(', ')}, and NULL to lift the restriction`,
        )
      : { kind: 'inventory', name: 'restrictions', value };
  },
  item_id: text((itemId) => ({ itemId })),
  title: text((title) => ({ title })),
  asin: text((asin) => ({ asin })),
  mpn: text((mpn) => ({ mpn })),
  condition: (cell) => {
    const wanted = cell === null ? null : withoutBlanks(cell).toLowerCase();
    const condition = wanted === null ? null : CONDITIONS.find((name) => name === wanted);
    if (condition !== undefined) return { kind: 'product', product: { condition } };
    return fault(`is not a condition; allowed are ${CONDITIONS.join(', ')}`);
  },
  number_of_units_bundled: (cell) => {
    const unitsBundled = cell === null ? null : readQuantityText(withoutApostrophe(cell));
    if (unitsBundled !== undefined) return { kind: 'product', product: { unitsBundled } };
    return fault(`is not ${WHOLE_NUMBER}`);
  },
};

function gtin(form: GtinForm): CellReader {
  return (cell) => (cell === null ? { kind: 'null' } : gtinOf(form, withoutApostrophe(cell)));
}

function gtinOf(form: GtinForm, cell: string, doubt?: string): CellReading {
  const reading = readGtin(form, cell);
  return 'refusal' in reading
    ? fault(reading.refusal)
    : { kind: 'gtin', form, gtin: reading.gtin, text: reading.text, doubt };
}

function quantity(name: 'quantityInStock' | 'quantityOnBackorder'): CellReader {
  return (cell, rules) => {
    if (cell === null) return { kind: 'inventory', name, value: null };
    const reading = readQuantityCell(cell, rules);
    if ('quantity' in reading) return { kind: 'inventory', name, value: reading.quantity };
    return { ...fault(reading.refusal), ...(reading.rule && { rule: reading.rule }) };
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

function fault(reason: string): Extract<CellReading, { readonly kind: 'fault' }> {
  return { kind: 'fault', reason };
}
