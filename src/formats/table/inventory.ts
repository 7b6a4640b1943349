import { type GtinForm, guessGtin, readGtin } from '../../domain/gtin.ts';
import {
  type Inventory,
  readDate,
  readQuantityText,
  restrictionCode,
  RESTRICTIONS,
} from '../../domain/inventory.ts';
import { QUANTITY_MAX, SKU_ID_CODE_POINTS_MAX } from '../../domain/limits.ts';
import { type LineDraft, skuIdFits } from '../../domain/lines.ts';
import { isBlank, NULL_CELL, trimmed } from './cells.ts';
import {
  type Column,
  type ColumnTarget,
  IDENTIFIER_COLUMNS,
  INVENTORY_COLUMNS,
  type MatchedHeader,
} from './columns.ts';
import { quoted } from '../quoted.ts';
import { type FeedRow, refusedRow } from '../rows.ts';
import type { TableRow } from './table.ts';

/** A line as far as its row is read. */
interface Draft {
  skuId: string | null;
  readonly gtins: number[];
  readonly fields: { -readonly [Name in keyof Inventory]?: Inventory[Name] };
  readonly sent: Record<string, string>;
  /** Whether an identifier or a field was given, be it a faulty one; whether an identifier is faulty. */
  namesSku: boolean;
  namesFaultily: boolean;
  setsField: boolean;
}

/** Reads a cell that is not blank into the draft; gives what is wrong with it, to be put behind its text. */
type CellReader = (draft: Draft, cell: string) => string | undefined;

/** What a row means: a line, whose refusal names the row, the column, the value and what is allowed. */
export function readInventoryRow(row: TableRow, header: MatchedHeader): FeedRow {
  if ('fault' in row) return refusedRow(row.row, row.found ?? [], `Row ${row.row} ${row.fault}.`);
  const { cells } = row;
  const draft: Draft = {
    skuId: null,
    gtins: [],
    fields: {},
    sent: {},
    namesSku: false,
    namesFaultily: false,
    setsField: false,
  };
  let faults: string[] | undefined;
  for (const column of header.columns) {
    const fault = readColumn(draft, column, row);
    if (fault === undefined) continue;
    faults ??= [];
    faults.push(`Row ${row.row}, column ${quoted(column.header)}: ${fault}.`);
  }
  if (faults === undefined && draft.namesSku && draft.setsField) {
    return { row: row.row, cells, line: lineOf(draft) };
  }
  const message = [...(faults ?? []), ...missingOf(draft, row.row, header)].join(' ');
  return { row: row.row, cells, line: refusedLine(draft, message) };
}

function readColumn(
  draft: Draft,
  { target, place }: Column,
  { cells, unreadable }: Extract<TableRow, { cells: readonly string[] }>,
): string | undefined {
  const read = READERS[target];
  if (read === undefined) return undefined;
  const broken = unreadable?.find((cell) => cell.place === place);
  if (broken !== undefined) {
    if (isIdentifier(target)) draft.namesSku = draft.namesFaultily = true;
    else draft.setsField = true;
    return broken.reason;
  }
  const cell = cells[place] ?? '';
  return cell === '' || (target !== 'sku_id' && isBlank(cell)) ? undefined : read(draft, cell);
}

function isIdentifier(target: ColumnTarget): boolean {
  const identifiers: readonly ColumnTarget[] = IDENTIFIER_COLUMNS;
  return identifiers.includes(target);
}

function lineOf({ skuId, gtins, fields, sent }: Draft): LineDraft {
  return gtins.length === 0 ? { skuId, gtins, fields } : { skuId, gtins, fields, asSent: sent };
}

function refusedLine({ skuId, gtins, namesSku, namesFaultily }: Draft, message: string): LineDraft {
  const refusal = { message, namesRead: namesSku && !namesFaultily };
  return { skuId, gtins, fields: {}, refusal };
}

function missingOf(draft: Draft, row: number, header: MatchedHeader): readonly string[] {
  const named = (targets: readonly ColumnTarget[]): string =>
    header.columns
      .filter(({ target }) => targets.includes(target))
      .map((column) => quoted(column.header))
      .join(', ');
  const missing: string[] = [];
  if (!draft.namesSku) {
    missing.push(`Row ${row} names no SKU: fill in one or more of ${named(IDENTIFIER_COLUMNS)}.`);
  }
  if (!draft.setsField) {
    missing.push(`Row ${row} sets nothing: fill in one or more of ${named(INVENTORY_COLUMNS)}.`);
  }
  return missing;
}

const READERS: Readonly<Partial<Record<ColumnTarget, CellReader>>> = {
  sku_id: readSkuId,
  upca: gtin('upca'),
  ean13: gtin('ean13'),
  gtin14: gtin('gtin14'),
  isbn: gtin('isbn'),
  gtin: readMixedCode,
  quantity_in_stock: quantity('quantityInStock'),
  quantity_on_backorder: quantity('quantityOnBackorder'),
  backorder_date: field(
    'backorderDate',
    (cell) => readDate(trimmed(cell)),
    'a calendar date written yyyy-mm-dd, or NULL',
  ),
  restrictions: field(
    'restrictions',
    (cell) => restrictionCode(trimmed(cell)),
    `${RESTRICTIONS.join(' or ')}, or NULL to lift the restriction`,
  ),
};

function readSkuId(draft: Draft, cell: string): string | undefined {
  draft.namesSku = true;
  if (cell === NULL_CELL || !skuIdFits(cell)) {
    draft.namesFaultily = true;
    const wrong = cell === NULL_CELL ? 'NULL names nothing' : `${quoted(cell)} is too long`;
    return `${wrong}; a sku_id has 1 to ${SKU_ID_CODE_POINTS_MAX} characters`;
  }
  draft.skuId = cell;
  draft.sent['sku_id'] = cell;
  return undefined;
}

function gtin(form: GtinForm): CellReader {
  return (draft, cell) => {
    if (cell === NULL_CELL) return undefined;
    draft.namesSku = true;
    const reading = readGtin(form, cell);
    if ('refusal' in reading) {
      draft.namesFaultily = true;
      return `${quoted(cell)} ${reading.refusal}`;
    }
    if (!draft.gtins.includes(reading.gtin)) draft.gtins.push(reading.gtin);
    draft.sent[form] = cell;
    return undefined;
  };
}

/** A code that does not say which form it is. */
function readMixedCode(draft: Draft, cell: string): string | undefined {
  if (cell === NULL_CELL) return undefined;
  const guessed = guessGtin(cell);
  if ('refusal' in guessed) {
    draft.namesSku = draft.namesFaultily = true;
    return `${quoted(cell)} ${guessed.refusal}`;
  }
  return gtin(guessed.form)(draft, cell);
}

function quantity(name: 'quantityInStock' | 'quantityOnBackorder'): CellReader {
  return field(name, readQuantityText, `a whole number from 0 to ${QUANTITY_MAX}, or NULL`);
}

function field(
  name: keyof Inventory,
  read: (cell: string) => number | undefined,
  allowed: string,
): CellReader {
  return (draft, cell) => {
    draft.setsField = true;
    const value = cell === NULL_CELL ? null : read(cell);
    if (value === undefined) return `${quoted(cell)} is not ${allowed}`;
    draft.fields[name] = value;
    return undefined;
  };
}
