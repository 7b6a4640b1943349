import { stringify } from 'csv-stringify/sync';
import { harmlessInSpreadsheets } from '../csv/formulas.ts';

/** What a file of results adds to the supplier's own columns. */
export const RESULT_COLUMNS = ['status_code', 'message'] as const;

/** A row of a feed and what became of it. */
export interface ResultRow {
  readonly cells: readonly string[];
  readonly statusCode: number;
  readonly message: string;
}

/** The header of a file of results. */
export function resultHeader(header: readonly string[]): readonly string[] {
  return [...header, ...RESULT_COLUMNS];
}

/** The cells of a row of results, under `header`: one that has too many cells loses those beyond. */
export function resultCells(
  { cells, statusCode, message }: ResultRow,
  header: readonly string[],
): readonly string[] {
  return [...header.map((_, place) => cells[place] ?? ''), String(statusCode), message];
}

/**
 * Rows of results as CSV. They come from a stranger's file and will be opened in a spreadsheet: what
 * would be a formula there is made a text. A workbook of them (`writeXlsx`) needs no such care, as each
 * of its cells is a text already.
 */
export function printResults(rows: readonly (readonly string[])[]): string {
  return stringify(rows.map((cells) => cells.map(harmlessInSpreadsheets)));
}
