import { OnhandError } from '../domain/errors.ts';

/** The columns of a catalogue that mean something here, as the vendor's product file names them. */
export const CATALOGUE_COLUMNS = [
  'item_id',
  'sku_id',
  'title',
  'condition',
  'restrictions',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'number_of_units_bundled',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'asin',
  'mpn',
] as const;

/** What a column may be read as; `gtin` is a column of mixed codes, each of which picks its own form. */
export const COLUMN_TARGETS = [...CATALOGUE_COLUMNS, 'gtin'] as const;
export type ColumnTarget = (typeof COLUMN_TARGETS)[number];

/** A foreign header and what its column is to be read as. */
export interface ColumnMapping {
  readonly header: string;
  readonly target: ColumnTarget;
}

/** A column that is read: its place, the name the file gives it, and what it is read as. */
export interface Column {
  readonly place: number;
  readonly header: string;
  readonly target: ColumnTarget;
}

export interface MatchedHeader {
  readonly width: number;
  /** In the order of the file; a column may be read as two things. */
  readonly columns: readonly Column[];
  /** Headers of the columns that are ignored. */
  readonly unknown: readonly string[];
}

/**
 * Reads `header=target,header=target`; an empty text maps nothing. Throws `parameter_invalid` where it
 * is not written so, or names an unknown target.
 */
export function parseColumnMap(text: string): readonly ColumnMapping[] {
  if (text.trim() === '') return [];
  return text.split(',').map((pair) => {
    const equals = pair.lastIndexOf('=');
    const header = pair.slice(0, Math.max(equals, 0)).trim();
    const name = pair.slice(equals + 1).trim();
    if (equals < 0 || header === '' || name === '') {
      throw new OnhandError('parameter_invalid', `"${pair}" is not written as header=column.`);
    }
    const target = targetNamed(name);
    if (target === undefined) {
      throw new OnhandError(
        'parameter_invalid',
        `"${name}" is not a column to map to; there are ${COLUMN_TARGETS.join(', ')}.`,
      );
    }
    return { header, target };
  });
}

/**
 * Says which column of a file is read as what. Headers are compared without regard to case and
 * surrounding spaces; a mapped header no longer means what it says itself. Throws `body_malformed`
 * where the file lacks a mapped header or a `sku_id`, or has two columns for one target.
 */
export function matchHeader(
  header: readonly string[],
  mappings: readonly ColumnMapping[],
): MatchedHeader {
  const names = header.map((name) => name.trim());
  const missing = mappings.find((mapping) => !names.some((name) => sameName(name, mapping.header)));
  if (missing !== undefined) {
    throw headerFault(
      `The file has no column "${missing.header}" to read as ${missing.target}; ${listOf(names)}`,
    );
  }
  const columns: Column[] = [];
  const unknown: string[] = [];
  for (const [place, name] of names.entries()) {
    const targets = targetsOf(name, mappings);
    if (targets.length === 0)
      unknown.push(name === '' ? `(column ${place + 1}, without a name)` : name);
    for (const target of targets) columns.push({ place, header: name, target });
  }
  refuseDuplicates(columns);
  if (!columns.some((column) => column.target === 'sku_id')) throw noSkuId(names);
  return { width: header.length, columns, unknown };
}

function targetsOf(name: string, mappings: readonly ColumnMapping[]): readonly ColumnTarget[] {
  const mapped = mappings.filter((mapping) => sameName(mapping.header, name));
  if (mapped.length > 0) return [...new Set(mapped.map((mapping) => mapping.target))];
  const own = targetNamed(name);
  return own === undefined ? [] : [own];
}

function targetNamed(name: string): ColumnTarget | undefined {
  return COLUMN_TARGETS.find((target) => sameName(target, name));
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function refuseDuplicates(columns: readonly Column[]): void {
  const byTarget = new Map<ColumnTarget, Column>();
  for (const column of columns) {
    const other = byTarget.get(column.target);
    if (other !== undefined) {
      throw headerFault(
        `Columns ${other.place + 1} ("${other.header}") and ${column.place + 1} ("${column.header}") ` +
          `would both be read as ${column.target}; only one may.`,
      );
    }
    byTarget.set(column.target, column);
  }
}

function noSkuId(names: readonly string[]): OnhandError {
  const separator =
    names.length === 1 ? [';', '\t', '|'].find((mark) => names[0]?.includes(mark)) : undefined;
  if (separator !== undefined) {
    return headerFault(
      `The columns seem to be separated by ${JSON.stringify(separator)}; commas are needed.`,
    );
  }
  return headerFault(
    `The file has no sku_id column, which says whose stock a row tells of; ${listOf(names)} ` +
      'If another column holds it, map it: header=sku_id.',
  );
}

const HEADERS_NAMED_MAX = 30;
const HEADER_SHOWN_CHARACTERS = 60;

function listOf(names: readonly string[]): string {
  const shown = names
    .slice(0, HEADERS_NAMED_MAX)
    .map((name) => name.slice(0, HEADER_SHOWN_CHARACTERS));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return `it has ${shown.join(', ')}${more}.`;
}

function headerFault(message: string): OnhandError {
  return new OnhandError('body_malformed', message);
}
