import { createHash } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';

/**
 * The tables that are copied from one database to another, in foreign key order. Tokens come last, so that
 * no request can authenticate against an unfinished copy.
 */
export const COPIED_TABLES: readonly string[] = [
  'organizations',
  'users',
  'suppliers',
  'connections',
  'secrets',
  'skus',
  'gtins',
  'inventory',
  'batches',
  'hour_counts',
  'batch_failures',
  'product_changes',
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
  'notification_recipients',
  'confirmation_emails',
  'safety_limit_trips',
  'audit_entries',
  'audit_head',
  'tokens',
];

/**
 * The tables of which only the row count goes into a database's fingerprint, because every write to them
 * also changes another table. The other tables are hashed row by row.
 */
const COUNTED_TABLES: ReadonlySet<string> = new Set([
  'skus',
  'gtins',
  'inventory',
  'batches',
  'hour_counts',
  'batch_failures',
  'product_changes',
  'changes',
  'baselines',
  'idempotency_keys',
  'feed_pieces',
  'webhook_attempts',
  'audit_entries',
]);

/** The tables that are not copied, and why. */
export const TABLES_LEFT_BEHIND: Readonly<Record<string, string>> = {
  schema_version: 'each database has its own',
  account_version: 'a counter that only matters within one database',
  probes: 'always empty',
  notification_turns: 'which node of one database sends notifications',
};

export type CopiedValue = number | string | Uint8Array | null;
/** The values of a row, in the order of `CopiedTable.columns`. */
export type CopiedRow = readonly CopiedValue[];

/** A table as it is copied: the same for all kinds of databases. */
export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Indexes of the primary key's columns. Rows are copied in the order of that key. */
  readonly key: readonly number[];
}

/** Bounds a chunk of rows. It has at least one row, and may exceed `bytesMax` by one row. */
export interface CopyChunkLimit {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** Reads a database, as of the time when it was opened. */
export interface CopySource {
  table(name: string): Promise<CopiedTable>;
  count(name: string): Promise<number>;
  /** The rows after the one with that key, or the first rows. */
  read(
    table: CopiedTable,
    after: CopiedRow | undefined,
    limit: CopyChunkLimit,
  ): Promise<readonly CopiedRow[]>;
  close(): Promise<void>;
}

/** How far a copy is: its current table, and the key of the last row that was copied. */
export interface CopyPosition {
  readonly table: string;
  readonly after: CopiedRow | undefined;
  /** How many rows of that table have been copied. */
  readonly rows: number;
}

/** Writes a database. It cannot be opened before `finish`. */
export interface CopyTarget {
  /**
   * Begins a copy, or resumes one. Returns the position to resume from; undefined for a new copy.
   *
   * @param fingerprint of the source
   * @throws OnhandError `already_exists` if the database holds anything but an unfinished copy of that
   *   source
   */
  begin(fingerprint: string): Promise<CopyPosition | undefined>;
  /**
   * Writes rows and the new position in one transaction.
   *
   * @throws OnhandError `store_unavailable` if another process has moved the position
   */
  write(table: CopiedTable, rows: readonly CopiedRow[], position: CopyPosition): Promise<void>;
  /** Opens the copy for reading. */
  reader(): Promise<CopySource>;
  /** Completes the copy, so that it can be opened as a database. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface CopyProgress {
  readonly phase: 'copying' | 'comparing';
  readonly table: string;
  /** Copied or compared rows of all tables. */
  readonly rows: number;
  readonly totalRows: number;
}

/** The row count of a copied table, and a hash over its rows. */
export interface TableCopied {
  readonly table: string;
  readonly rows: number;
  readonly sha256: string;
}

/**
 * Copies a database to another one, then compares every row. Resumes an interrupted copy.
 *
 * @param freshSource opens the source again, as of the time of the call
 * @throws OnhandError `already_exists` if the target is not empty; `store_unavailable` if the source was
 *   written to during the copy, or if the comparison finds a difference
 */
export async function copyDatabase(
  source: CopySource,
  target: CopyTarget,
  freshSource: () => Promise<CopySource>,
  onProgress: (progress: CopyProgress) => void,
): Promise<readonly TableCopied[]> {
  const contents = await contentsOf(source);
  const position = await target.begin(contents.fingerprint);
  await copyTables(source, target, position, progressOf('copying', contents, onProgress));
  const copy = await target.reader();
  let copied: readonly TableCopied[];
  try {
    copied = await compare(source, copy, progressOf('comparing', contents, onProgress));
  } finally {
    await copy.close();
  }
  await refuseIfChanged(contents.fingerprint, await freshSource());
  await target.finish();
  return copied;
}

interface Contents {
  readonly rowCounts: ReadonlyMap<string, number>;
  /** Identifies the database and its current contents. */
  readonly fingerprint: string;
}

async function contentsOf(source: CopySource): Promise<Contents> {
  const rowCounts = new Map<string, number>();
  const hash = createHash('sha256');
  for (const name of COPIED_TABLES) {
    const count = await source.count(name);
    rowCounts.set(name, count);
    hash.update(`${name} ${count}\n`);
    if (COUNTED_TABLES.has(name)) continue;
    const table = await source.table(name);
    for await (const rows of chunksOf(source, table, undefined))
      for (const row of rows) hash.update(serializeRow(table, row));
  }
  return { rowCounts, fingerprint: hash.digest('hex') };
}

type TableProgress = (table: string, rows: number) => void;

function progressOf(
  phase: CopyProgress['phase'],
  { rowCounts }: Contents,
  onProgress: (progress: CopyProgress) => void,
): TableProgress {
  const sum = (tables: readonly string[]): number =>
    tables.reduce((total, table) => total + (rowCounts.get(table) ?? 0), 0);
  const totalRows = sum(COPIED_TABLES);
  return (table, rows) => {
    const before = sum(COPIED_TABLES.slice(0, COPIED_TABLES.indexOf(table)));
    onProgress({ phase, table, rows: before + rows, totalRows });
  };
}

async function copyTables(
  source: CopySource,
  target: CopyTarget,
  from: CopyPosition | undefined,
  onRows: TableProgress,
): Promise<void> {
  const resumed = from === undefined ? 0 : COPIED_TABLES.indexOf(from.table);
  for (const name of COPIED_TABLES.slice(resumed)) {
    const table = await source.table(name);
    const isResumed = name === from?.table;
    let rows = isResumed ? from.rows : 0;
    for await (const chunk of chunksOf(source, table, isResumed ? from.after : undefined)) {
      rows += chunk.length;
      await target.write(table, chunk, { table: name, after: keyOf(table, chunk), rows });
      onRows(name, rows);
    }
  }
}

/** Writes to the source during the copy would be missing from the copy. */
async function refuseIfChanged(fingerprint: string, source: CopySource): Promise<void> {
  try {
    if ((await contentsOf(source)).fingerprint === fingerprint) return;
  } finally {
    await source.close();
  }
  throw new OnhandError(
    'store_unavailable',
    'The source was written to during the copy, so the copy is incomplete and cannot be served. Stop all servers that use the source, remove the copy, and copy again.',
  );
}

async function compare(
  source: CopySource,
  copy: CopySource,
  onRows: TableProgress,
): Promise<readonly TableCopied[]> {
  const copied: TableCopied[] = [];
  for (const name of COPIED_TABLES)
    copied.push(await compareTable(source, copy, await source.table(name), onRows));
  return copied;
}

async function compareTable(
  source: CopySource,
  copy: CopySource,
  table: CopiedTable,
  onRows: TableProgress,
): Promise<TableCopied> {
  let rows = 0;
  const hash = createHash('sha256');
  let after: CopiedRow | undefined;
  for await (const chunk of chunksOf(source, table, undefined)) {
    const found = await copy.read(table, after, { rowsMax: chunk.length, bytesMax: Infinity });
    for (const [i, row] of chunk.entries()) {
      const expected = serializeRow(table, row);
      const copied = found[i];
      if (copied === undefined || serializeRow(table, copied) !== expected)
        throw differs(table, row);
      hash.update(expected);
    }
    rows += chunk.length;
    after = keyOf(table, chunk);
    onRows(table.name, rows);
  }
  const [extra] = await copy.read(table, after, { rowsMax: 1, bytesMax: Infinity });
  if (extra !== undefined) throw differs(table, extra);
  return { table: table.name, rows, sha256: hash.digest('hex') };
}

function differs(table: CopiedTable, row: CopiedRow): OnhandError {
  const key = table.key.map((index) => `${table.columns[index]} ${String(row[index])}`).join(', ');
  return new OnhandError(
    'store_unavailable',
    `The copy differs from its source in the table ${table.name}, at the row with ${key}. Remove the copy, and copy again.`,
  );
}

/** Serializes a row. Equal rows give equal texts, whichever driver has read them. */
function serializeRow(table: CopiedTable, row: CopiedRow): string {
  const values = row.map((value, index) =>
    value instanceof Uint8Array
      ? [table.columns[index], Buffer.from(value).toString('hex')]
      : value,
  );
  return `${JSON.stringify(values)}\n`;
}

/** Small enough to be in memory several times, large enough to make round trips negligible. */
const CHUNK_LIMIT: CopyChunkLimit = { rowsMax: 5000, bytesMax: 2 << 20 };

/** The rows of a table in key order. */
async function* chunksOf(
  source: CopySource,
  table: CopiedTable,
  from: CopiedRow | undefined,
): AsyncGenerator<readonly CopiedRow[]> {
  let after = from;
  for (;;) {
    const rows = await source.read(table, after, CHUNK_LIMIT);
    if (rows.length === 0) return;
    yield rows;
    after = keyOf(table, rows);
  }
}

/** The key of the last of these rows. */
function keyOf({ key }: CopiedTable, rows: readonly CopiedRow[]): CopiedRow | undefined {
  const last = rows.at(-1);
  return last === undefined ? undefined : key.map((index) => last[index] ?? null);
}

/** The error of opening an unfinished copy. */
export function unfinishedCopy(): OnhandError {
  return new OnhandError(
    'store_unavailable',
    'The database is an unfinished copy: run the same "onhand copy" again to finish it.',
  );
}

/** @param isCopy whether the target holds another unfinished copy, and not a complete database */
export function targetNotEmpty(isCopy: boolean): OnhandError {
  return new OnhandError(
    'already_exists',
    isCopy
      ? 'The target holds an unfinished copy of another source, or of this source before its last write. Remove it and copy again.'
      : 'The target is not empty. Name a new database.',
  );
}

/** The error of the slower of two processes that write the same copy. */
export function copiedByAnother(): OnhandError {
  return new OnhandError(
    'store_unavailable',
    'Another "onhand copy" is writing to the same target. Wait until it ends.',
  );
}

/** @param reason a full sentence */
export function copyInterrupted(reason: string, cause: unknown): OnhandError {
  return new OnhandError(
    'store_unavailable',
    `${reason} The copy was interrupted: run the same command again to resume it.`,
    { cause },
  );
}

export function serializePosition({ table, after, rows }: CopyPosition): string {
  return JSON.stringify({ table, after: after ?? null, rows });
}

/** Parses the result of `serializePosition`. Key values are numbers and strings. */
export function parsePosition(text: string): CopyPosition {
  const value: unknown = JSON.parse(text);
  if (
    typeof value === 'object' &&
    value !== null &&
    'table' in value &&
    typeof value.table === 'string' &&
    'rows' in value &&
    typeof value.rows === 'number' &&
    'after' in value
  ) {
    const { table, after, rows } = value;
    if (after === null) return { table, after: undefined, rows };
    if (Array.isArray(after)) return { table, after: after.map(parseKeyValue), rows };
  }
  throw new Error('the position of the copy is malformed');
}

function parseKeyValue(value: unknown): CopiedValue {
  return typeof value === 'number' ? value : String(value);
}

/** @throws OnhandError `store_unavailable` unless the source has this version of the schema */
export function requireCurrentSchema(version: number, currentVersion: number): void {
  if (version === currentVersion) return;
  throw new OnhandError(
    'store_unavailable',
    `The source has schema version ${version}, this onhand has ${currentVersion}. Run "onhand migrate" on the source first.`,
  );
}
