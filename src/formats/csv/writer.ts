import { stringify } from 'csv-stringify/sync';

/**
 * Prints rows as CSV. The cells come from uploaded files and will be opened in a spreadsheet, so a cell
 * that might be read as a formula gets an apostrophe before it.
 */
export function printCsv(rows: readonly (readonly string[])[]): string {
  return stringify(
    rows.map((cells) =>
      cells.map((cell) => (FORMULA.test(cell) && !PLAIN_NUMBER.test(cell) ? `'${cell}` : cell)),
    ),
  );
}

/** The beginnings of formulas in spreadsheets (OWASP's list), and full-width forms of the same characters. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/** A number with a sign is not a formula. */
const PLAIN_NUMBER = /^[+-]?[0-9]+(?:[.,][0-9]+)?$/;
