/** How spreadsheets take a cell of CSV for a formula, by OWASP's list, and what they take for one of these marks. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/** A number with a sign computes nothing. */
const PLAIN_NUMBER = /^[+-]?[0-9]+(?:[.,][0-9]+)?$/;

/** A cell of CSV that no spreadsheet runs: one that might be a formula gets an apostrophe before it. */
export function harmlessInSpreadsheets(cell: string): string {
  return FORMULA.test(cell) && !PLAIN_NUMBER.test(cell) ? `'${cell}` : cell;
}
