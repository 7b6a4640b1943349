import { createHash } from 'node:crypto';
import { OnhandError } from '../domain/errors.ts';

/**
 * Every table that is carried from one database to another, those that others refer to first. Tokens come
 * last: whoever served the new database before its time could be asked nothing.
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
  'tokens',
];

/**
 * Of these, only the number of rows goes into the mark of a database: nothing is written to them without
 * another table telling of it. The others are read whole for it.
 */
const COUNTED_TABLES: ReadonlySet<string> = new Set([
  'skus',
  'gtins',
  'inventory',
  'batches',
  'batch_failures',
  'changes',
  'baselines',
  'idempotency_keys',
  'feed_pieces',
  'webhook_attempts',
]);

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

/** How much is read at once: at least one row, and no more than so many rows and about so many bytes. */
export interface CopyChunkLimit {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** A database that is read, all of it as it was when it was opened. */
export interface CopySource {
  table(name: string): Promise<CopiedTable>;
  count(name: string): Promise<number>;
  /** The rows behind the one with that key, or the first. */
  read(
    table: CopiedTable,
    after: CopiedRow | undefined,
    limit: CopyChunkLimit,
  ): Promise<readonly CopiedRow[]>;
  close(): Promise<void>;
}

/** How far a copy is: the table that is being copied, and the key of its last row that was. */
export interface CopyPosition {
  readonly table: string;
  readonly after: CopiedRow | undefined;
  /** How many rows of that table were. */
  readonly rows: number;
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
  /**
   * Writes rows, and how far the copy is with them, in one transaction.
   *
   * @throws OnhandError `store_unavailable` where the copy is no longer where this one had left it
   */
  write(table: CopiedTable, rows: readonly CopiedRow[], position: CopyPosition): Promise<void>;
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
 * @param freshSource the same source, as it is when this is called
 * @throws OnhandError `already_exists` where the target is not empty, `store_unavailable` where the source
 *   was written to meanwhile, or the comparison finds a difference
 */
export async function copyDatabase(
  source: CopySource,
  target: CopyTarget,
  freshSource: () => Promise<CopySource>,
  onProgress: (progress: CopyProgress) => void,
): Promise<readonly TableCopied[]> {
  const extent = await extentOf(source);
  const position = await target.begin(extent.mark);
  await carry(source, target, position, progressOf('copying', extent, onProgress));
  const copy = await target.reader();
  let copied: readonly TableCopied[];
  try {
    copied = await compare(source, copy, progressOf('comparing', extent, onProgress));
  } finally {
    await copy.close();
  }
  await refuseChanged(extent.mark, await freshSource());
  await target.finish();
  return copied;
}

/** What a database holds. */
interface Extent {
  readonly counts: ReadonlyMap<string, number>;
  /** The same until anything is written to the database, and of no other. */
  readonly mark: string;
}

async function extentOf(source: CopySource): Promise<Extent> {
  const counts = new Map<string, number>();
  const mark = createHash('sha256');
  for (const name of COPIED_TABLES) {
    const count = await source.count(name);
    counts.set(name, count);
    mark.update(`${name} ${count}\n`);
    if (COUNTED_TABLES.has(name)) continue;
    const table = await source.table(name);
    for await (const rows of chunksOf(source, table, undefined))
      for (const row of rows) mark.update(printedRow(table, row));
  }
  return { counts, mark: mark.digest('hex') };
}

/** Told a table and how many of its rows are done. */
type TableProgress = (table: string, rows: number) => void;

function progressOf(
  phase: CopyProgress['phase'],
  { counts }: Extent,
  onProgress: (progress: CopyProgress) => void,
): TableProgress {
  const sum = (tables: readonly string[]): number =>
    tables.reduce((total, table) => total + (counts.get(table) ?? 0), 0);
  const totalRows = sum(COPIED_TABLES);
  return (table, rows) => {
    const before = sum(COPIED_TABLES.slice(0, COPIED_TABLES.indexOf(table)));
    onProgress({ phase, table, rows: before + rows, totalRows });
  };
}

async function carry(
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
    for await (const piece of chunksOf(source, table, isResumed ? from.after : undefined)) {
      rows += piece.length;
      await target.write(table, piece, { table: name, after: keyOf(table, piece), rows });
      onRows(name, rows);
    }
  }
}

/** Whoever writes to the source while it is copied would find that gone. */
async function refuseChanged(mark: string, source: CopySource): Promise<void> {
  try {
    if ((await extentOf(source)).mark === mark) return;
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
  const sum = createHash('sha256');
  let after: CopiedRow | undefined;
  for await (const piece of chunksOf(source, table, undefined)) {
    const found = await copy.read(table, after, { rowsMax: piece.length, bytesMax: Infinity });
    for (const [i, row] of piece.entries()) {
      const printed = printedRow(table, row);
      const other = found[i];
      if (other === undefined || printedRow(table, other) !== printed) throw differs(table, row);
      sum.update(printed);
    }
    rows += piece.length;
    after = keyOf(table, piece);
    onRows(table.name, rows);
  }
  const [extra] = await copy.read(table, after, { rowsMax: 1, bytesMax: Infinity });
  if (extra !== undefined) throw differs(table, extra);
  return { table: table.name, rows, sha256: sum.digest('hex') };
}

function differs(table: CopiedTable, row: CopiedRow): OnhandError {
  const key = table.key.map((place) => `${table.columns[place]} ${String(row[place])}`).join(', ');
  return new OnhandError(
    'store_unavailable',
    `The copy differs from its source in the table ${table.name}, at the row with ${key}. Remove what was copied, and copy again.`,
  );
}

/** A row as a text that is the same exactly where the row is, whichever driver read it. */
function printedRow(table: CopiedTable, row: CopiedRow): string {
  const values = row.map((value, place) =>
    value instanceof Uint8Array
      ? [table.columns[place], Buffer.from(value).toString('hex')]
      : value,
  );
  return `${JSON.stringify(values)}\n`;
}

/** Small enough to be held several times over, large enough that the way to the database is nothing. */
const PIECE: CopyChunkLimit = { rowsMax: 5000, bytesMax: 2 << 20 };

/** A table's rows in the order of its key. */
async function* chunksOf(
  source: CopySource,
  table: CopiedTable,
  from: CopiedRow | undefined,
): AsyncGenerator<readonly CopiedRow[]> {
  let after = from;
  for (;;) {
    const rows = await source.read(table, after, PIECE);
    if (rows.length === 0) return;
    yield rows;
    after = keyOf(table, rows);
  }
}

/** The key of the last of these rows. */
function keyOf({ key }: CopiedTable, rows: readonly CopiedRow[]): CopiedRow | undefined {
  const last = rows.at(-1);
  return last === undefined ? undefined : key.map((place) => last[place] ?? null);
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

/** What the slower of two is told that write the same copy. */
export function copiedByAnother(): OnhandError {
  return new OnhandError(
    'store_unavailable',
    'Another "onhand copy" writes to the same database. Let that one end.',
  );
}

/** @param because what the environment did */
export function copyBrokenOff(because: string, cause: unknown): OnhandError {
  return new OnhandError(
    'store_unavailable',
    `${because} The copy was broken off: run the same command again, and it goes on.`,
    { cause },
  );
}

/** How far a copy is, as a text to be kept. */
export function printPosition({ table, after, rows }: CopyPosition): string {
  return JSON.stringify({ table, after: after ?? null, rows });
}

/** Reads what `printPosition` wrote. Keys are numbers and texts. */
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
  throw new Error('the position of a copy cannot be read');
}

function parseKeyValue(value: unknown): CopiedValue {
  return typeof value === 'number' ? value : String(value);
}
