const REQUIREMENTS = new Set([
  'required',
  'desired',
  'dependent',
  'recommended',
  'optional',
  'conditional',
]);
const TYPES = new Set([
  'string',
  'integer',
  'int',
  'float',
  'decimal',
  'number',
  'boolean',
  'date',
  'datetime',
  'enum',
  'url',
]);

/** A row, or one that cannot be read. */
type Row = { readonly cells: readonly string[] } | { readonly fault: string };

/**
 * Whether these are the vendor's two rows under a header: which columns are required, and of what type
 * they are. They are no lines.
 */
export function areAnnotations(first: Row | undefined, second: Row | undefined): boolean {
  return holdsOnly(first, REQUIREMENTS) && holdsOnly(second, TYPES);
}

function holdsOnly(row: Row | undefined, words: ReadonlySet<string>): boolean {
  if (row === undefined || 'fault' in row || row.cells.every((cell) => cell === '')) return false;
  return row.cells.every((cell) => cell === '' || words.has(cell.trim().toLowerCase()));
}
