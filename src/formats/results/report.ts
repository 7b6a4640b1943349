import { stringify } from 'csv-stringify/sync';
import type { Complaint } from '../../domain/catalogue.ts';
import { harmlessInSpreadsheets } from '../csv/formulas.ts';

const REPORT_COLUMNS = ['row', 'column', 'value', 'reason', 'kind'] as const;

export function printReportHeader(): string {
  return stringify([REPORT_COLUMNS]);
}

/**
 * Complaints as rows of CSV. A value comes from a stranger's file and will be opened in a spreadsheet:
 * what would be a formula there gets an apostrophe before it.
 */
export function printReportRows(complaints: readonly Complaint[]): string {
  return stringify(
    complaints.map((complaint) =>
      REPORT_COLUMNS.map((column) => harmlessInSpreadsheets(String(complaint[column]))),
    ),
  );
}
