/**
 * A cell without the invisible characters around it: white space, no-break and zero-width spaces, byte order marks
 * and direction marks. Those inside stay. Takes linear time.
 */
export function withoutBlanks(cell: string): string {
  let start = 0;
  let end = cell.length;
  while (start < end && isBlankAt(cell, start)) start += 1;
  while (end > start && isBlankAt(cell, end - 1)) end -= 1;
  return start === 0 && end === cell.length ? cell : cell.slice(start, end);
}

function isBlankAt(cell: string, at: number): boolean {
  const code = cell.charCodeAt(at);
  // A no-break space that was decoded as Windows-1252 is Â and a no-break space.
  return isBlank(code) || (code === 0xc2 && cell.charCodeAt(at + 1) === 0xa0);
}

/** Whether a UTF-16 code unit is invisible. */
function isBlank(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return code >= 0x85 && BLANKS.has(code);
}

const BLANKS: ReadonlySet<number> = new Set([
  0x85, // next line
  0xa0, // no-break space
  0xad, // soft hyphen
  0x1680,
  0x180e,
  // The spaces of typography, zero-width spaces and joiners, direction marks.
  ...Array.from({ length: 16 }, (_, i) => 0x2000 + i),
  ...Array.from({ length: 8 }, (_, i) => 0x2028 + i),
  0x205f,
  ...Array.from({ length: 16 }, (_, i) => 0x2060 + i),
  0x3000,
  0xfeff, // byte order mark
]);

/** A cell without blanks and without the apostrophe by which spreadsheets mark a text. */
export function withoutApostrophe(cell: string): string {
  const text = withoutBlanks(cell);
  return text.length > 1 && APOSTROPHES.includes(text.charAt(0))
    ? withoutBlanks(text.slice(1))
    : text;
}

const APOSTROPHES = "'\u2019\u2018";

/** Whether a cell stands for no value, as `N/A` does. */
export function isPlaceholder(cell: string): boolean {
  const text = withoutApostrophe(cell);
  if (text === '' || text.length > PLACEHOLDER_LENGTH_MAX) return false;
  return (
    /^[-\u2010-\u2015_./*?0\s]+$|^x+$/i.test(text) ||
    PLACEHOLDERS.has(text.toLowerCase().replace(/\.$/, ''))
  );
}

/** Whether a cell stands for no status. A cross marks a row, and an empty shelf has no stock: these do say something. */
export function isStatusPlaceholder(cell: string): boolean {
  return isPlaceholder(cell) && !/^(?:x+|empty|leer|vide)$/i.test(withoutApostrophe(cell));
}

const PLACEHOLDER_LENGTH_MAX = 40;

/** Words for no value, in lower case, apart from cells of dashes, dots or zeros alone. */
export const PLACEHOLDER_WORDS = [
  'n/a',
  '#n/a',
  'n.a',
  'na',
  'n.v.t',
  'k.a',
  'none',
  'null',
  'nil',
  'nan',
  'tba',
  'tbd',
  'no',
  'false',
  'blank',
  '(blank)',
  '(none)',
  'empty',
  'leer',
  'vide',
  'not assigned',
  'unknown',
  'undefined',
  'not applicable',
  'not available',
  'does not apply',
  'exempt',
  'gtin exempt',
  'no barcode',
  'no upc',
  'no ean',
  'no gtin',
  'keine',
  'keine angabe',
  'unbekannt',
  'entfällt',
  'aucun',
  'sans objet',
  'ne s’applique pas',
  "ne s'applique pas",
  'inconnu',
  'ninguno',
  'no aplica',
  'sin código',
  'desconocido',
  'nessuno',
  'non applicabile',
  'sconosciuto',
  'geen',
  'niet van toepassing',
  'onbekend',
  'brak',
  'nie dotyczy',
  'nenhum',
  'não aplicável',
  'não se aplica',
  'ingen',
  'saknas',
  'ej tillämpligt',
  'ikke relevant',
  'mangler',
] as const;

const PLACEHOLDERS: ReadonlySet<string> = new Set(PLACEHOLDER_WORDS);
