/**
 * Prints rows as CSV (RFC 4180, lines end in LF). The cells come from uploaded files and will be opened in a
 * spreadsheet, so text that might be read as a formula gets an apostrophe before it. That includes text after
 * a separator inside a cell: a spreadsheet that separates cells at semicolons or tabs, as many locales do,
 * makes it a cell of its own.
 */
export function printCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((cells) => `${cells.map(printCell).join(',')}\n`).join('');
}

function printCell(cell: string | number): string {
  if (typeof cell === 'number') return String(cell);
  if (!MAY_NEED_CARE.test(cell)) return cell;
  const isFormula = FORMULA.test(cell) && !PLAIN_NUMBER.test(cell);
  const text = (isFormula ? `'${cell}` : cell).replaceAll(INNER_FORMULA, "$&'");
  return MUST_BE_QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A quick test that is false for most cells. */
const MAY_NEED_CARE = /[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20",;|]/;

/** The beginnings of formulas in spreadsheets (OWASP's list), and full-width forms of the same characters. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/** A separator of cells or lines, with the quotes and spaces after it, before the beginning of a formula. */
const INNER_FORMULA = /[;|\t\r\n]["' ]*(?=[=+\-@\uff0b\uff0d\uff1d\uff20])/g;

/** A number with a sign is not a formula. */
const PLAIN_NUMBER = /^[+-]?[0-9]+(?:[.,][0-9]+)?$/;

const MUST_BE_QUOTED = /[",;|\r\n]/;
