import { OnhandError } from '../../domain/errors.ts';
import { GTIN_FORMS } from '../../domain/gtin.ts';
import {
  COLUMN_TARGETS,
  IGNORE,
  type ColumnMapping,
  type ColumnTarget,
} from '../../domain/file-columns.ts';
import { COLUMN_ALIASES, normalizedHeader } from './aliases.ts';
import { decideKind, PRODUCT_COLUMNS, type TableKind } from './kind.ts';

/** Columns that identify the SKU of an inventory row. */
export const IDENTIFIER_COLUMNS = [
  'sku_id',
  ...GTIN_FORMS,
  'gtin',
] as const satisfies readonly ColumnTarget[];

/** Columns that set an inventory field. */
export const INVENTORY_COLUMNS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const satisfies readonly ColumnTarget[];

/** A column that is read: its position from 0, the file's header, and what it is read as. */
export interface Column {
  readonly place: number;
  readonly header: string;
  readonly target: ColumnTarget;
  /** Why: the header is mapped, is the target's own name, or is an alias of it. */
  readonly by: 'map' | 'name' | 'alias';
}

export interface MatchedHeader {
  readonly width: number;
  readonly kind: TableKind;
  /** In the order of the file. One column may be read as two targets. */
  readonly columns: readonly Column[];
  /** Headers of the columns that are ignored. */
  readonly unknown: readonly string[];
}

/**
 * Decides what each column of a file is read as. Mappings come first, then the target's own name, then
 * an alias (`COLUMN_ALIASES`). A mapped header loses the meaning of its own name, and a mapped target
 * is not also found by name.
 *
 * Throws `body_malformed` if the file lacks a mapped header, has two columns for one target, or has
 * more than `columnsMax` columns.
 */
export function matchColumns(
  header: readonly string[],
  requested: readonly ColumnMapping[],
  columnsMax = Infinity,
): MatchedHeader {
  if (header.length > columnsMax) {
    throw headerFault(
      `The header has ${header.length} columns; no more than ${columnsMax} are read.`,
    );
  }
  const names = header.map((name) => name.trim());
  const present = new Set(names.map((name) => name.toLowerCase()));
  const isPresent = (mapping: ColumnMapping): boolean => present.has(mapping.header.toLowerCase());
  const mappings = requested.filter((mapping) => mapping.isOptional !== true || isPresent(mapping));
  const missing = mappings.find((mapping) => !isPresent(mapping));
  if (missing !== undefined) {
    throw headerFault(
      `The file has no column "${missing.header}" to read as ${missing.target}; ${listOf(names)}`,
    );
  }
  const columns: Column[] = [];
  const unknown: string[] = [];
  for (const [place, name] of names.entries()) {
    const found = targetsOf(name, mappings).filter(
      ({ target, by }) => by !== 'alias' || !present.has(target),
    );
    if (found.length === 0)
      unknown.push(name === '' ? `(column ${place + 1}, without a name)` : name);
    for (const { target, by } of found) columns.push({ place, header: name, target, by });
  }
  refuseDuplicates(columns);
  return { width: header.length, kind: kindOf(columns), columns, unknown };
}

/** The columns of a catalogue. Throws as `matchColumns` does, and if no column is `sku_id`. */
export function matchCatalogue(
  header: readonly string[],
  mappings: readonly ColumnMapping[],
  columnsMax?: number,
): MatchedHeader {
  const matched = matchColumns(header, mappings, columnsMax);
  requireSkuId(matched, header);
  return matched;
}

/**
 * The columns of a file that is either inventory or a catalogue, as `decideKind` says. Throws as `matchColumns`
 * does, if a catalogue has no `sku_id` column, and if inventory has no identifier or no inventory column.
 *
 * @param kind what its sender says that it is; null if nothing
 */
export function matchInventory(
  header: readonly string[],
  mappings: readonly ColumnMapping[],
  columnsMax?: number,
  kind: TableKind | null = null,
): MatchedHeader {
  const found = matchColumns(header, mappings, columnsMax);
  const matched = decideKind(found, kind);
  if (matched.kind === 'catalogue') {
    requireSkuId(matched, header);
    return matched;
  }
  const has = (targets: readonly ColumnTarget[]): boolean =>
    matched.columns.some(({ target }) => targets.includes(target));
  if (!has(IDENTIFIER_COLUMNS)) {
    throw headerFault(
      `No column says which SKU a row is about (${IDENTIFIER_COLUMNS.join(', ')}, or an alias of one); ` +
        `${listOf(header)} If another column holds it, map it: header=sku_id.`,
    );
  }
  if (!has(INVENTORY_COLUMNS)) {
    throw headerFault(
      `No column says anything of the stock (${INVENTORY_COLUMNS.join(', ')}, or an alias of one); ` +
        `${listOf(header)} If another column holds it, map it: header=quantity_in_stock.` +
        (found.kind === 'catalogue' ? SEND_AS_CATALOGUE : ''),
    );
  }
  return matched;
}

const SEND_AS_CATALOGUE =
  ' If the file describes products, from which SKUs are to be created, send it with kind=catalogue.';

/** Whether a header is known without a mapping. Used to detect the separator of a CSV file. */
export function isKnownHeader(name: string): boolean {
  return ownTarget(name.trim()) !== undefined;
}

function kindOf(columns: readonly Column[]): TableKind {
  return columns.some(({ target }) => PRODUCT_COLUMNS.includes(target)) ? 'catalogue' : 'inventory';
}

type FoundTarget = Pick<Column, 'target' | 'by'>;

function targetsOf(name: string, mappings: readonly ColumnMapping[]): readonly FoundTarget[] {
  const mapped = mappings.filter((mapping) => sameName(mapping.header, name));
  if (mapped.length > 0) {
    const targets = new Set(mapped.map((mapping) => mapping.target));
    return Array.from(targets).flatMap((target) =>
      target === IGNORE ? [] : [{ target, by: 'map' as const }],
    );
  }
  const own = ownTarget(name);
  return own === undefined || mappings.some(({ target }) => target === own.target) ? [] : [own];
}

function ownTarget(name: string): FoundTarget | undefined {
  const target = OWN_TARGETS.get(normalizedHeader(name));
  if (target === undefined) return undefined;
  return { target, by: sameName(target, name) ? 'name' : 'alias' };
}

const OWN_TARGETS: ReadonlyMap<string, ColumnTarget> = new Map(
  COLUMN_TARGETS.flatMap((target) =>
    [normalizedHeader(target), ...(COLUMN_ALIASES[target] ?? [])].map((name) => [name, target]),
  ),
);

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
          `would both be read as ${column.target}; only one may. Map the right one: header=${column.target}.`,
      );
    }
    byTarget.set(column.target, column);
  }
}

function requireSkuId({ columns }: MatchedHeader, names: readonly string[]): void {
  if (columns.some((column) => column.target === 'sku_id')) return;
  throw headerFault(
    `The file has no sku_id column, which says which SKU a row is about; ${listOf(names)} ` +
      'If another column holds it, map it: header=sku_id.',
  );
}

const HEADERS_NAMED_MAX = 30;
const HEADER_SHOWN_CHARACTERS = 60;

function listOf(names: readonly string[]): string {
  const shown = names
    .slice(0, HEADERS_NAMED_MAX)
    .map((name) => name.trim().slice(0, HEADER_SHOWN_CHARACTERS));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return `it has ${shown.join(', ')}${more}.`;
}

function headerFault(message: string): OnhandError {
  return new OnhandError('body_malformed', message);
}
