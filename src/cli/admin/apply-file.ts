/** Reads the file of `onhand apply`: one row per organization, or per token of an organization. */
import { parse } from 'csv-parse/sync';
import { parseName, parsePermissions } from '../../accounts/validation.ts';
import { OnhandError } from '../../domain/errors.ts';
import {
  ORGANIZATION_TYPES,
  type OrganizationType,
  type Permission,
} from '../../domain/parties.ts';
import { parseDurationMs } from './token.ts';
import { parseMinutes } from './supplier.ts';

export const APPLY_COLUMNS = [
  'organization',
  'type',
  'connections',
  'expected_minutes',
  'token',
  'token_expires_in',
] as const;
type Column = (typeof APPLY_COLUMNS)[number];

/** Separates names in the column `connections`; a comma or semicolon may separate the cells. */
const NAME_SEPARATOR = '|';
/** The token gets all permissions that the organization's type allows. */
const ALL_PERMISSIONS = 'all';
/** The types of organizations that a file creates. */
const TYPES = ORGANIZATION_TYPES.filter((type) => type !== 'operator');
const ERRORS_SHOWN_MAX = 20;

/** A token that an organization is to have. */
export interface WantedToken {
  readonly permissions: readonly Permission[];
  /** Milliseconds from when it is created; null never expires. */
  readonly lifetimeMs: number | null;
}

/** What the rows of one organization ask for. */
export interface WantedOrganization {
  readonly name: string;
  readonly type: OrganizationType;
  /** Names of the organizations of the other type that it is to be connected to. */
  readonly connections: ReadonlySet<string>;
  /** Undefined leaves it as it is; null removes it. */
  readonly expectedMinutes: number | null | undefined;
  readonly tokens: readonly WantedToken[];
}

interface Draft {
  readonly name: string;
  readonly type: OrganizationType;
  readonly row: number;
  readonly connections: Set<string>;
  expectedMinutes?: number | null;
  readonly tokens: WantedToken[];
}

/**
 * Reads and checks the whole file. Throws `parameter_invalid` that names the row and column of each error, the header
 * being row 1.
 *
 * @param typeOf the type of an organization that exists already
 */
export function readApplyFile(
  text: string,
  typeOf: (name: string) => OrganizationType | undefined,
): readonly WantedOrganization[] {
  const [header = [], ...rows] = parseCells(text);
  const columns = readHeader(header);
  const errors: string[] = [];
  const drafts = new Map<string, Draft>();
  for (const [index, cells] of rows.entries()) {
    const row = index + 2;
    const attempt = <T>(column: Column, read: (cell: string) => T): T | undefined => {
      const cell = cells[columns.indexOf(column)]?.trim() ?? '';
      if (cell === '' && column !== 'organization') return undefined;
      try {
        return read(cell);
      } catch (error) {
        errors.push(
          `Row ${row}, column ${column}: ${error instanceof Error ? error.message : String(error)}`,
        );
        return undefined;
      }
    };
    if (cells.length > columns.length && cells.slice(columns.length).some((cell) => cell !== '')) {
      errors.push(`Row ${row} has more cells than the header. Quote cells that contain a comma.`);
    }
    readRow(attempt, { row, drafts, typeOf });
  }
  checkConnections(drafts, typeOf, errors);
  if (rows.length === 0) errors.push('The file has no row below its header.');
  refuse(errors);
  return [...drafts.values()].map(({ row: _row, ...draft }) => ({
    ...draft,
    expectedMinutes: draft.expectedMinutes,
  }));
}

type Attempt = <T>(column: Column, read: (cell: string) => T) => T | undefined;

interface RowPlace {
  readonly row: number;
  readonly drafts: Map<string, Draft>;
  readonly typeOf: (name: string) => OrganizationType | undefined;
}

function readRow(attempt: Attempt, { row, drafts, typeOf }: RowPlace): void {
  const name = attempt('organization', (cell) => parseName('The name', cell));
  if (name === undefined) return;
  const known = drafts.get(name)?.type ?? typeOf(name);
  const given = attempt('type', (cell) => parseType(cell, name, known));
  const type = known ?? given;
  if (type === undefined) {
    attempt('organization', () => {
      throw invalid(`"${name}" does not exist yet: give its type, ${TYPES.join(' or ')}.`);
    });
    return;
  }
  const draft = drafts.get(name) ?? { name, type, row, connections: new Set(), tokens: [] };
  drafts.set(name, draft);
  attempt('connections', (cell) => {
    for (const other of cell.split(NAME_SEPARATOR))
      draft.connections.add(parseName('A name', other));
  });
  attempt('expected_minutes', (cell) => {
    if (type !== 'supplier') throw invalid('Only a supplier is expected to report.');
    const minutes = parseMinutes(cell);
    if (draft.expectedMinutes !== undefined && draft.expectedMinutes !== minutes)
      throw invalid(`An earlier row of "${name}" says otherwise.`);
    draft.expectedMinutes = minutes;
  });
  const lifetimeMs = attempt('token_expires_in', parseDurationMs);
  const permissions = attempt('token', (cell) =>
    parsePermissions(type, cell === ALL_PERMISSIONS ? [] : cell.split(/\s+/)),
  );
  if (permissions !== undefined) draft.tokens.push({ permissions, lifetimeMs: lifetimeMs ?? null });
}

function parseType(
  cell: string,
  name: string,
  known: OrganizationType | undefined,
): OrganizationType {
  const type = TYPES.find((candidate) => candidate === cell.toLowerCase());
  if (type === undefined) throw invalid(`"${cell}" is neither ${TYPES.join(' nor ')}.`);
  if (known !== undefined && known !== type)
    throw invalid(`"${name}" is a ${known} already; a type cannot be changed.`);
  return type;
}

/** Each connection needs an organization of the other type, in the file or in the database. */
function checkConnections(
  drafts: ReadonlyMap<string, Draft>,
  typeOf: (name: string) => OrganizationType | undefined,
  errors: string[],
): void {
  for (const { type, row, connections } of drafts.values()) {
    for (const other of connections) {
      const otherType = drafts.get(other)?.type ?? typeOf(other);
      const problem =
        otherType === undefined
          ? `"${other}" is neither in the file nor in the database. Separate names with ${NAME_SEPARATOR}.`
          : `"${other}" is ${otherType === 'operator' ? 'an operator' : `a ${otherType} too`}; a connection is between a supplier and a retailer.`;
      if (otherType === undefined || otherType === type || otherType === 'operator')
        errors.push(`Row ${row}, column connections: ${problem}`);
    }
  }
}

function parseCells(text: string): readonly (readonly string[])[] {
  const [firstLine = ''] = text.split('\n', 1);
  const delimiter = [',', ';', '\t'].find((sign) => firstLine.includes(sign)) ?? ',';
  try {
    return parse(text, { bom: true, delimiter, relax_column_count: true, skip_empty_lines: true });
  } catch (error) {
    throw invalid(`The file is not CSV: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readHeader(header: readonly string[]): readonly string[] {
  const columns = header.map((cell) => cell.trim().toLowerCase());
  const errors = columns
    .filter((name) => name !== '' && !APPLY_COLUMNS.some((column) => column === name))
    .map(
      (name) => `Row 1: there is no column "${name}"; the columns are ${APPLY_COLUMNS.join(', ')}.`,
    );
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i);
  if (twice !== undefined) errors.push(`Row 1 names the column ${twice} twice.`);
  if (!columns.includes('organization')) errors.push('Row 1 names no column "organization".');
  refuse(errors);
  return columns;
}

function refuse(errors: readonly string[]): void {
  if (errors.length === 0) return;
  const more = errors.length - ERRORS_SHOWN_MAX;
  const shown = errors.slice(0, ERRORS_SHOWN_MAX).join(' ');
  throw invalid(`Nothing was applied. ${shown}${more > 0 ? ` And ${more} more errors.` : ''}`);
}

function invalid(message: string): OnhandError {
  return new OnhandError('parameter_invalid', message);
}
