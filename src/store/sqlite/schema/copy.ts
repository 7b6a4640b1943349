import type { Database } from 'better-sqlite3';
import {
  copiedByAnother,
  copyInterrupted,
  parsePosition,
  requireCurrentSchema,
  serializePosition,
  targetNotEmpty,
  unfinishedCopy,
  type CopiedRow,
  type CopiedTable,
  type CopiedValue,
  type CopyPosition,
  type CopySource,
  type CopyTarget,
  type CopyChunkLimit,
} from '../../copy.ts';
import {
  openForReading,
  openForWriting,
  reasonOf,
  type ConnectionSettings,
} from '../connection.ts';
import { InventoryView } from '../recent/inventory-view.ts';
import { hideStagedChanges } from '../write/staged-changes.ts';
import { migrate, schemaVersion, SCHEMA_VERSION, skuKey } from './migrations.ts';

/** Columns that the tables store packed into one `key`. */
const PACKED_COLUMNS: Readonly<Record<string, string>> = {
  supplier_id: 'key >> 32',
  sku_number: 'key & 0xffffffff',
};
const PACKED_TABLES: readonly string[] = ['skus', 'inventory'];

/**
 * Columns that only this database has, and from which a copy takes them; null leaves the default. A copied inventory
 * table is complete, and nothing is staged.
 */
const OWN_COLUMNS: Readonly<Record<string, string | null>> = {
  complete_sequence: 'last_sequence',
  staged_sequence: null,
};

/** Exists only in an unfinished copy. The column `mark` is the fingerprint of the source. */
const STATE_TABLE = 'unfinished_copy';

/** @throws OnhandError `store_unavailable` for an unfinished copy */
export function refuseUnfinishedCopy(db: Database): void {
  if (hasTable(db, STATE_TABLE)) throw unfinishedCopy();
}

function hasTable(db: Database, name: string): boolean {
  const found = db.prepare<[string]>(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
  );
  return found.get(name) !== undefined;
}

/** Reads one snapshot of a database, in a transaction that stays open. */
export class SqliteCopySource implements CopySource {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static open(settings: ConnectionSettings): SqliteCopySource {
    const db = openForReading(settings);
    try {
      requireCurrentSchema(schemaVersion(db), SCHEMA_VERSION);
    } catch (error) {
      db.close();
      throw error;
    }
    db.exec('BEGIN');
    hideStagedChanges(db);
    new InventoryView(db).follow();
    return new SqliteCopySource(db);
  }

  table(name: string): Promise<CopiedTable> {
    return Promise.resolve(tableOf(this.#db, name));
  }

  count(name: string): Promise<number> {
    const count = this.#db.prepare<[], [number]>(`SELECT count(*) FROM ${name}`).raw().get();
    return Promise.resolve(count?.[0] ?? 0);
  }

  read(
    { name, columns, key }: CopiedTable,
    after: CopiedRow | undefined,
    { rowsMax, bytesMax }: CopyChunkLimit,
  ): Promise<readonly CopiedRow[]> {
    const isPacked = PACKED_TABLES.includes(name);
    const selected = columns.map((column) =>
      isPacked && column in PACKED_COLUMNS ? `${PACKED_COLUMNS[column]} AS ${column}` : column,
    );
    const keyNames = isPacked ? ['key'] : key.map((index) => columns[index]);
    const placeholders = isPacked ? '(? << 32) + ?' : key.map(() => '?').join(', ');
    const condition =
      after === undefined ? '' : `WHERE (${keyNames.join(', ')}) > (${placeholders})`;
    const found = this.#db
      .prepare<CopiedValue[], CopiedValue[]>(
        `SELECT ${selected.join(', ')} FROM ${name} ${condition} ORDER BY ${keyNames.join(', ')} LIMIT ${rowsMax}`,
      )
      .raw()
      .iterate(...(after ?? []));
    const rows: CopiedRow[] = [];
    let bytes = 0;
    for (const row of found) {
      rows.push(row);
      bytes += bytesOf(row);
      if (bytes >= bytesMax) break;
    }
    return Promise.resolve(rows);
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }
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

/** The columns of a table, with a packed key as its two columns, in the same order as on other databases. */
function tableOf(db: Database, name: string): CopiedTable {
  const columns = db
    .prepare<[string], [name: string, keyOrdinal: number]>(
      "SELECT name, pk FROM pragma_table_info(?, 'main') ORDER BY cid",
    )
    .raw()
    .all(name)
    .filter(([column]) => !(column in OWN_COLUMNS));
  if (PACKED_TABLES.includes(name)) {
    const others = columns
      .map(([column]) => column)
      .filter((column) => !['key', 'supplier_id'].includes(column));
    return { name, columns: ['supplier_id', 'sku_number', ...others], key: [0, 1] };
  }
  const key = columns
    .map(([, keyOrdinal], index) => ({ keyOrdinal, index }))
    .filter(({ keyOrdinal }) => keyOrdinal > 0)
    .sort((a, b) => a.keyOrdinal - b.keyOrdinal);
  return { name, columns: columns.map(([column]) => column), key: key.map(({ index }) => index) };
}

/** Writes to a new database file. */
export class SqliteCopyTarget implements CopyTarget {
  readonly #settings: ConnectionSettings;
  readonly #db: Database;
  /** The serialized position that the database has stored. */
  #position: string | null = null;

  private constructor(settings: ConnectionSettings, db: Database) {
    this.#settings = settings;
    this.#db = db;
  }

  static open(settings: ConnectionSettings): SqliteCopyTarget {
    const db = openForWriting(settings);
    migrate(db);
    db.pragma('wal_autocheckpoint = 1000');
    return new SqliteCopyTarget(settings, db);
  }

  begin(fingerprint: string): Promise<CopyPosition | undefined> {
    const begin = this.#db.transaction(() => this.#begin(fingerprint));
    return Promise.resolve(begin.immediate());
  }

  #begin(fingerprint: string): CopyPosition | undefined {
    const db = this.#db;
    if (!hasTable(db, STATE_TABLE)) {
      if (db.prepare('SELECT 1 FROM organizations').get() !== undefined)
        throw targetNotEmpty(false);
      db.exec(`DELETE FROM secrets; CREATE TABLE ${STATE_TABLE} (mark TEXT, position TEXT) STRICT`);
      db.prepare<[string]>(`INSERT INTO ${STATE_TABLE} VALUES (?, NULL)`).run(fingerprint);
      return undefined;
    }
    const state = db
      .prepare<[], [mark: string, position: string | null]>(
        `SELECT mark, position FROM ${STATE_TABLE}`,
      )
      .raw()
      .get();
    if (state?.[0] !== fingerprint) throw targetNotEmpty(true);
    this.#position = state[1];
    return state[1] === null ? undefined : parsePosition(state[1]);
  }

  async write(
    { name, columns }: CopiedTable,
    rows: readonly CopiedRow[],
    position: CopyPosition,
  ): Promise<void> {
    const own = tableOf(this.#db, name).columns;
    const order = own.map((column) => columns.indexOf(column));
    if (order.includes(-1) || own.length !== columns.length)
      throw new Error(`the table ${name} does not have the columns of its source`);
    const { sql, valuesOf } = insertionInto(name, own);
    const insert = this.#db.prepare<CopiedValue[]>(sql);
    const write = this.#db.transaction(() => {
      this.#move(serializePosition(position));
      for (const row of rows) insert.run(...valuesOf(order.map((index) => row[index] ?? null)));
    });
    try {
      write.immediate();
    } catch (error) {
      const reason = reasonOf(error);
      throw reason === undefined ? error : copyInterrupted(reason, error);
    }
    this.#position = serializePosition(position);
  }

  #move(position: string): void {
    const { changes } = this.#db
      .prepare<[string, string | null]>(
        `UPDATE ${STATE_TABLE} SET position = ? WHERE position IS ?`,
      )
      .run(position, this.#position);
    if (changes !== 1) throw copiedByAnother();
  }

  reader(): Promise<CopySource> {
    return Promise.resolve(SqliteCopySource.open(this.#settings));
  }

  finish(): Promise<void> {
    this.#db.exec(`DROP TABLE ${STATE_TABLE}`);
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }
}

interface Insertion {
  readonly sql: string;
  /** Maps the values of `CopiedTable.columns` to those of the insert. */
  readonly valuesOf: (row: CopiedRow) => readonly CopiedValue[];
}

/** A packed key combines the first two columns. `skus` has the first one as a column as well. */
function insertionInto(name: string, columns: readonly string[]): Insertion {
  const insert = (names: readonly string[]): string =>
    `INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  if (name === 'suppliers') {
    const own = Object.entries(OWN_COLUMNS).filter(([, from]) => from !== null);
    const copied = own.map(([, from]) => columns.indexOf(from ?? ''));
    return {
      sql: insert([...columns, ...own.map(([column]) => column)]),
      valuesOf: (row) => [...row, ...copied.map((index) => row[index] ?? null)],
    };
  }
  if (!PACKED_TABLES.includes(name)) return { sql: insert(columns), valuesOf: (row) => row };
  const unpacked = <T>(all: readonly T[]): readonly T[] =>
    all.filter((_, index) => index > 1 || (index === 0 && name === 'skus'));
  return {
    sql: insert(['key', ...unpacked(columns)]),
    valuesOf: (row) => [skuKey(Number(row[0]), Number(row[1])), ...unpacked(row)],
  };
}
