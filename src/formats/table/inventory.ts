import type { ColumnTarget } from '../../domain/file-columns.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import { quoted, refusedRow, RowDraft, SKU_ID_LENGTH, type FileRow } from '../format.ts';
import { readCell } from './cells.ts';
import {
  IDENTIFIER_COLUMNS,
  INVENTORY_COLUMNS,
  type Column,
  type MatchedHeader,
} from './columns.ts';
import type { TableRow } from './table.ts';

/** The line of a table's row. Its refusal names the row, the column, the value and what is allowed. */
export function readInventoryRow(
  row: TableRow,
  header: MatchedHeader,
  rules: ReadingRules,
): FileRow {
  if ('fault' in row) return refusedRow(row.row, row.found ?? [], `Row ${row.row} ${row.fault}.`);
  const draft = new RowDraft();
  for (const column of header.columns) readColumn(draft, column, row, rules);
  const fillIn = (targets: ReadonlySet<ColumnTarget>): string =>
    header.columns
      .filter(({ target }) => targets.has(target))
      .map((column) => quoted(column.header))
      .join(', ');
  const line = draft.build(
    () => `Row ${row.row} names no SKU: fill in one or more of ${fillIn(IDENTIFIERS)}.`,
    () => `Row ${row.row} sets nothing: fill in one or more of ${fillIn(FIELDS)}.`,
  );
  return { row: row.row, cells: row.cells, line };
}

const IDENTIFIERS: ReadonlySet<ColumnTarget> = new Set(IDENTIFIER_COLUMNS);
const FIELDS: ReadonlySet<ColumnTarget> = new Set(INVENTORY_COLUMNS);

function readColumn(
  draft: RowDraft,
  { target, place, header }: Column,
  { row, cells, unreadable, fractions }: Extract<TableRow, { cells: readonly string[] }>,
  rules: ReadingRules,
): void {
  const isIdentifier = IDENTIFIERS.has(target);
  if (!isIdentifier && !FIELDS.has(target)) return;
  const addFault = (reason: string): void => {
    const message = `Row ${row}, column ${quoted(header)}: ${reason}.`;
    if (isIdentifier) draft.addIdentifierFault(message);
    else draft.addFieldFault(message);
  };
  const broken = unreadable?.find((cell) => cell.place === place);
  if (broken !== undefined) return addFault(broken.reason);
  const cell = cells[place] ?? '';
  const isFraction = fractions?.includes(place) === true;
  const reading = readCell(target, cell, isFraction ? { ...rules, decimal: 'point' } : rules);
  if (reading === undefined) return;
  if (reading.kind === 'fault') addFault(`${quoted(cell)} ${reading.reason}`);
  else if (reading.kind === 'skuId') draft.setSkuId(reading.skuId);
  else if (reading.kind === 'gtin') draft.addGtin(reading.form, reading.gtin, cell);
  else if (reading.kind === 'inventory') {
    const wrong = draft.addToField(reading.name, reading.value);
    if (wrong !== undefined) addFault(wrong);
  } else if (target === 'sku_id') addFault(`NULL names nothing; ${SKU_ID_LENGTH}`);
}
