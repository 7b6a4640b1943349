import { hash } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';

/** Every table that is carried from one database to another, those that others refer to first. */
export const COPIED_TABLES: readonly string[] = [
  'organizations',
  'users',
  'tokens',
  'suppliers',
  'connections',
  'secrets',
  'skus',
  'gtins',
  'inventory',
  'batches',
  'batch_failures',
  'changes',
  'baselines',
  'idempotency_keys',
  'confirmations',
  'feed_suppliers',
  'feeds',
  'feed_pieces',
  'webhooks',
  'webhook_positions',
  'webhook_attempts',
];

/** The others, and why they stay behind. */
export const TABLES_LEFT_BEHIND: Readonly<Record<string, string>> = {
  schema_version: 'each database has its own',
  account_version: 'counts what one database has told of its accounts',
  probes: 'holds nothing',
};

export type CopiedValue = number | string | Uint8Array | null;
/** The values of a row, in the order of its table's columns. */
export type CopiedRow = readonly CopiedValue[];

/** A table as it is copied: the same on every kind of database. */
export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Of the primary key, by which rows are ordered: the places of its columns. */
  readonly key: readonly number[];
}

/** A database that is read, all of it as it was when it was opened. */
export interface CopySource {
  /** What tells whether the database is still the one, and as, it was: the same until anything is written to it. */
  mark(): Promise<string>;
  table(name: string): Promise<CopiedTable>;
  count(name: string): Promise<number>;
  /** The rows behind the one with that key, or the first; at most so many. */
  read(
    table: CopiedTable,
    after: CopiedRow | undefined,
    limit: number,
  ): Promise<readonly CopiedRow[]>;
  close(): Promise<void>;
}

/** How far a copy is: the table that is being copied, and the key of its last row that was. */
export interface CopyPosition {
  readonly table: string;
  readonly after: CopiedRow | undefined;
}

/** A database that is written. Nobody else can open it before `finish`. */
export interface CopyTarget {
  /**
   * Where a copy that was broken off goes on; undefined for one that begins.
   *
   * @throws OnhandError `already_exists` where the database holds anything but an unfinished copy of the
   *   source with that mark
   */
  begin(mark: string): Promise<CopyPosition | undefined>;
  /** Writes rows, and how far the copy is, in one transaction. */
  write(table: CopiedTable, rows: readonly CopiedRow[]): Promise<void>;
  /** Opens what was written for reading. */
  reader(): Promise<CopySource>;
  /** Makes a database of it that can be served. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface CopyProgress {
  readonly phase: 'copying' | 'comparing';
  readonly table: string;
  /** Of all tables together. */
  readonly rows: number;
  readonly totalRows: number;
}

/** What was carried of one table: how many rows, and a hash over all of them. */
export interface TableCopied {
  readonly table: string;
  readonly rows: number;
  readonly sha256: string;
}

/**
 * Carries everything from one database to another and compares every row; gives what was carried. A copy
 * that was broken off goes on where it was.
 *
 * @throws OnhandError `already_exists` where the target is not empty, `store_unavailable` where the source
 *   was written to meanwhile, or the comparison finds a difference
 */
export async function copyDatabase(
  source: CopySource,
  target: CopyTarget,
  freshSource: () => Promise<CopySource>,
  onProgress: (progress: CopyProgress) => void,
): Promise<readonly TableCopied[]> {
  const mark = await source.mark();
  const position = await target.begin(mark);
  const counts = new Map<string, number>();
  for (const name of COPIED_TABLES) counts.set(name, await source.count(name));
  const totalRows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const resumed = position === undefined ? 0 : COPIED_TABLES.indexOf(position.table);
  let rows = 0;
  for (const [place, name] of COPIED_TABLES.entries()) {
    if (place < resumed) {
      rows += counts.get(name) ?? 0;
      continue;
    }
    const table = await source.table(name);
    const after = place === resumed ? position?.after : undefined;
    for await (const piece of piecesOf(source, table, after)) {
      await target.write(table, piece);
      rows += piece.length;
      onProgress({ phase: 'copying', table: name, rows: Math.min(rows, totalRows), totalRows });
    }
  }
  const copied = await compare(source, await target.reader(), totalRows, onProgress);
  await refuseChanged(mark, await freshSource());
  await target.finish();
  return copied;
}

/** Whoever writes to the source while it is copied would find that gone. */
async function refuseChanged(mark: string, source: CopySource): Promise<void> {
  try {
    if ((await source.mark()) === mark) return;
  } finally {
    await source.close();
  }
  throw new OnhandError(
    'store_unavailable',
    'The source was written to while it was copied, so the copy is not complete and cannot be served. Stop whatever writes to the source, remove what was copied, and copy again.',
  );
}

async function compare(
  source: CopySource,
  copy: CopySource,
  totalRows: number,
  onProgress: (progress: CopyProgress) => void,
): Promise<readonly TableCopied[]> {
  try {
    const copied: TableCopied[] = [];
    let before = 0;
    for (const name of COPIED_TABLES) {
      const shown = (rows: number): void =>
        onProgress({ phase: 'comparing', table: name, rows: before + rows, totalRows });
      const compared = await compareTable(source, copy, await source.table(name), shown);
      before += compared.rows;
      copied.push(compared);
    }
    return copied;
  } finally {
    await copy.close();
  }
}

async function compareTable(
  source: CopySource,
  copy: CopySource,
  table: CopiedTable,
  onRows: (rows: number) => void,
): Promise<TableCopied> {
  let rows = 0;
  let sum = '';
  let after: CopiedRow | undefined;
  for await (const piece of piecesOf(source, table, undefined)) {
    const found = await copy.read(table, after, piece.length);
    const [expected, actual] = [printedRows(table, piece), printedRows(table, found)];
    const difference = expected.findIndex((row, i) => row !== actual[i]);
    if (difference >= 0) throw differs(table, piece[difference] ?? []);
    rows += piece.length;
    sum = hash('sha256', [sum, ...expected].join('\n'));
    after = keyOf(table, piece);
    onRows(rows);
  }
  const [extra] = await copy.read(table, after, 1);
  if (extra !== undefined) throw differs(table, extra);
  return { table: table.name, rows, sha256: sum };
}

function differs(table: CopiedTable, row: CopiedRow): OnhandError {
  const key = table.key.map((place) => `${table.columns[place]} ${String(row[place])}`).join(', ');
  return new OnhandError(
    'store_unavailable',
    `The copy differs from its source in the table ${table.name}, at the row with ${key}. Remove what was copied, and copy again.`,
  );
}

/** Rows as texts that are the same exactly where the rows are, whichever driver read them. */
function printedRows(table: CopiedTable, rows: readonly CopiedRow[]): readonly string[] {
  return rows.map((row) =>
    JSON.stringify(
      table.columns.map((column, place) => {
        const value = row[place] ?? null;
        return value instanceof Uint8Array ? [column, Buffer.from(value).toString('hex')] : value;
      }),
    ),
  );
}

const PIECE_BYTES = 2 << 20;
const PIECE_ROWS_MAX = 5000;
const FIRST_PIECE_ROWS = 16;

/** A table's rows in the order of its key, in pieces of about `PIECE_BYTES`, however large its rows are. */
async function* piecesOf(
  source: CopySource,
  table: CopiedTable,
  from: CopiedRow | undefined,
): AsyncGenerator<readonly CopiedRow[]> {
  let after = from;
  let limit = FIRST_PIECE_ROWS;
  for (;;) {
    const rows = await source.read(table, after, limit);
    if (rows.length === 0) return;
    yield rows;
    after = keyOf(table, rows);
    const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
    const fitting = Math.floor((PIECE_BYTES * rows.length) / bytes);
    limit = Math.max(1, Math.min(fitting, limit * 4, PIECE_ROWS_MAX));
  }
}

/** The key of the last of these rows. */
export function keyOf({ key }: CopiedTable, rows: readonly CopiedRow[]): CopiedRow | undefined {
  const last = rows.at(-1);
  return last === undefined ? undefined : key.map((place) => last[place] ?? null);
}

const NUMBER_BYTES = 8;

function bytesOf(row: CopiedRow): number {
  return row.reduce<number>(
    (sum, value) =>
      sum +
      (typeof value === 'string' || value instanceof Uint8Array ? value.length : NUMBER_BYTES),
    0,
  );
}

/** What whoever opens an unfinished copy is told. */
export function unfinishedCopy(): OnhandError {
  return new OnhandError(
    'store_unavailable',
    'The database is an unfinished copy: run the same "onhand copy" again to finish it.',
  );
}

/** What whoever copies into a database that is in use is told. */
export function targetNotEmpty(isCopy: boolean): OnhandError {
  return new OnhandError(
    'already_exists',
    isCopy
      ? 'The database to copy to holds an unfinished copy of another source, or of this one before it was written to again. Remove it and copy again.'
      : 'The database to copy to is not empty. Give one that is new.',
  );
}

/** How far a copy is, as a text to be kept. */
export function printPosition({ table, after }: CopyPosition): string {
  return JSON.stringify({ table, after: after ?? null });
}

/** Reads what `printPosition` wrote. Keys are numbers and texts. */
export function parsePosition(text: string): CopyPosition {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('table' in value) || !('after' in value))
    throw new Error('the position of a copy cannot be read');
  const { table, after } = value;
  if (typeof table !== 'string') throw new Error('the position of a copy names no table');
  if (after === null) return { table, after: undefined };
  if (!Array.isArray(after)) throw new Error('the position of a copy has no row');
  return { table, after: after.map((one) => (typeof one === 'number' ? one : String(one))) };
}
