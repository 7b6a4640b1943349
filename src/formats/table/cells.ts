import type { NamedGtin } from '../../domain/catalogue.ts';
import { type GtinForm, guessGtin, readGtin } from '../../domain/gtin.ts';
import {
  type Inventory,
  readDate,
  readQuantityText,
  restrictionCode,
  RESTRICTIONS,
} from '../../domain/inventory.ts';
import { QUANTITY_MAX, SKU_ID_CODE_POINTS_MAX } from '../../domain/limits.ts';
import { skuIdCanExist, skuIdFits } from '../../domain/lines.ts';
import { CONDITIONS, type Product } from '../../domain/sku.ts';
import type { Column, ColumnTarget } from './columns.ts';

/** Longest text of a cell that is kept as it is (a title, a part number), in UTF-16 code units. */
export const CELL_LENGTH_MAX = 10_000;

/** How a file writes null; an empty cell is not given. */
export const NULL_CELL = 'NULL';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a row says of its SKU, as far as it is read. */
export interface EntryDraft {
  skuId: string | undefined;
  readonly product: Partial<Writable<Product>>;
  readonly inventory: Partial<Writable<Inventory>>;
  readonly gtins: NamedGtin[];
}

/** What is wrong with a cell: `rejected` takes the whole row with it. */
export type CellFault =
  { readonly kind: 'rejected' | 'doubtful'; readonly reason: string } | undefined;

/** Reads one cell into the draft. An empty cell leaves it as it is. */
export function readCell(draft: EntryDraft, column: Column, cell: string): CellFault {
  if (column.target === 'sku_id') return readSkuId(draft, cell);
  if (isBlank(cell)) return undefined;
  return READERS[column.target](draft, cell === NULL_CELL ? null : cell, column);
}

type CellReader = (draft: EntryDraft, cell: string | null, column: Column) => CellFault;

const READERS: Readonly<Record<Exclude<ColumnTarget, 'sku_id'>, CellReader>> = {
  item_id: text('itemId'),
  title: text('title'),
  asin: text('asin'),
  mpn: text('mpn'),
  condition: (draft, cell) => {
    const condition = cell === null ? null : CONDITIONS.find((name) => name === trimmed(cell));
    if (condition === undefined)
      return rejected(`is not a condition; allowed are ${CONDITIONS.join(', ')}`);
    draft.product.condition = condition;
    return undefined;
  },
  number_of_units_bundled: (draft, cell) => {
    const units = cell === null ? null : readQuantityText(cell);
    if (units === undefined) return rejected(NOT_A_QUANTITY);
    draft.product.unitsBundled = units;
    return undefined;
  },
  quantity_in_stock: quantity('quantityInStock'),
  quantity_on_backorder: quantity('quantityOnBackorder'),
  backorder_date: (draft, cell) => {
    const date = cell === null ? null : readDate(trimmed(cell));
    if (date === undefined) return rejected('is not a calendar date written yyyy-mm-dd');
    draft.inventory.backorderDate = date;
    return undefined;
  },
  restrictions: (draft, cell) => {
    const code = cell === null ? null : restrictionCode(trimmed(cell));
    if (code === undefined)
      return rejected(`is not a restriction; allowed are ${RESTRICTIONS.join(', ')}`);
    draft.inventory.restrictions = code;
    return undefined;
  },
  upca: gtin('upca'),
  ean13: gtin('ean13'),
  gtin14: gtin('gtin14'),
  isbn: gtin('isbn'),
  gtin: (draft, cell, column) => {
    if (cell === null) return undefined;
    const guessed = guessGtin(cell);
    if ('refusal' in guessed) return doubtful(`${guessed.refusal}; ${LOADED_WITHOUT}`);
    const { form } = guessed;
    const named = draft.product[form];
    const fault = named === undefined ? keepGtin(draft, form, cell, column) : undefined;
    if (named !== undefined && named !== null && named !== guessed.text) {
      return doubtful(
        `is ${form} ${guessed.text}, but the row's own ${form} is ${named}, which is kept`,
      );
    }
    return fault ?? (guessed.doubt === undefined ? undefined : doubtful(guessed.doubt));
  },
};

const LOADED_WITHOUT = 'the SKU is loaded without it';
const NOT_A_QUANTITY = `is not a whole number from 0 to ${QUANTITY_MAX}`;

function readSkuId(draft: EntryDraft, cell: string): CellFault {
  if (cell === '' || cell === NULL_CELL) return rejected('is missing; every row needs one');
  if (!skuIdFits(cell)) return rejected(`is longer than ${SKU_ID_CODE_POINTS_MAX} characters`);
  if (!skuIdCanExist(cell)) return rejected('holds a NUL character');
  draft.skuId = cell;
  return undefined;
}

function text(member: 'itemId' | 'title' | 'asin' | 'mpn'): CellReader {
  return (draft, cell) => {
    if (cell !== null && cell.length > CELL_LENGTH_MAX)
      return rejected(`is longer than ${CELL_LENGTH_MAX} characters`);
    if (cell?.includes('\0') === true) return rejected('holds a NUL character');
    draft.product[member] = cell;
    return undefined;
  };
}

function quantity(member: 'quantityInStock' | 'quantityOnBackorder'): CellReader {
  return (draft, cell) => {
    const value = cell === null ? null : readQuantityText(cell);
    if (value === undefined) return rejected(NOT_A_QUANTITY);
    draft.inventory[member] = value;
    return undefined;
  };
}

function gtin(form: GtinForm): CellReader {
  return (draft, cell, column) => {
    if (cell !== null) return keepGtin(draft, form, cell, column);
    draft.product[form] = null;
    return undefined;
  };
}

function keepGtin(draft: EntryDraft, form: GtinForm, cell: string, column: Column): CellFault {
  const reading = readGtin(form, cell);
  if ('refusal' in reading) return doubtful(`${reading.refusal}; ${LOADED_WITHOUT}`);
  draft.product[form] = reading.text;
  if (!draft.gtins.some((named) => named.gtin === reading.gtin)) {
    draft.gtins.push({ gtin: reading.gtin, column: column.header, value: cell });
  }
  return undefined;
}

const OUTER_WHITE_SPACE = /^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g;

/** A cell without the ASCII white space around it. */
export function trimmed(cell: string): string {
  return cell.replace(OUTER_WHITE_SPACE, '');
}

/** Whether a cell holds nothing but ASCII white space. */
export function isBlank(cell: string): boolean {
  return cell === '' || trimmed(cell) === '';
}

function rejected(reason: string): CellFault {
  return { kind: 'rejected', reason };
}

function doubtful(reason: string): CellFault {
  return { kind: 'doubtful', reason };
}
