import type { Database } from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import {
  copiedByAnother,
  copyBrokenOff,
  parsePosition,
  printPosition,
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
import { migrate, schemaVersion, SCHEMA_VERSION, skuKey } from './migrations.ts';

/** Where a column is kept otherwise than elsewhere: a SKU's key packs its supplier and its number. */
const PACKED: Readonly<Record<string, string>> = {
  supplier_id: 'key >> 32',
  sku_number: 'key & 0xffffffff',
};
const PACKED_TABLES: readonly string[] = ['skus', 'inventory'];

/** Tells of a copy that is not finished: there only meanwhile. */
export const STATE_TABLE = 'unfinished_copy';

/** Refuses a database that is being copied to. */
export function refuseUnfinishedCopy(db: Database): void {
  if (hasTable(db, STATE_TABLE)) throw unfinishedCopy();
}

function hasTable(db: Database, name: string): boolean {
  const found = db.prepare<[string]>(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
  );
  return found.get(name) !== undefined;
}

/** Reads a database as it is at this moment, whatever is written to it meanwhile. */
export class SqliteCopySource implements CopySource {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static open(settings: ConnectionSettings): SqliteCopySource {
    const db = openForReading(settings);
    const version = schemaVersion(db);
    if (version !== SCHEMA_VERSION) {
      db.close();
      throw new OnhandError(
        'store_unavailable',
        `The database to copy from has schema version ${version}, this onhand has ${SCHEMA_VERSION}: run "onhand migrate" on it first.`,
      );
    }
    db.exec('BEGIN');
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
      isPacked && column in PACKED ? `${PACKED[column]} AS ${column}` : column,
    );
    const keyNames = isPacked ? ['key'] : key.map((place) => columns[place]);
    const places = isPacked ? '(? << 32) + ?' : key.map(() => '?').join(', ');
    const behind = after === undefined ? '' : `WHERE (${keyNames.join(', ')}) > (${places})`;
    const found = this.#db
      .prepare<CopiedValue[], CopiedValue[]>(
        `SELECT ${selected.join(', ')} FROM ${name} ${behind} ORDER BY ${keyNames.join(', ')} LIMIT ${rowsMax}`,
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

/** A table's columns, those of a packed key by their own names, in the order in which all bodies have them. */
function tableOf(db: Database, name: string): CopiedTable {
  const columns = db
    .prepare<[string], [name: string, keyPlace: number]>(
      'SELECT name, pk FROM pragma_table_info(?) ORDER BY cid',
    )
    .raw()
    .all(name);
  if (PACKED_TABLES.includes(name)) {
    const others = columns
      .map(([column]) => column)
      .filter((column) => !['key', 'supplier_id'].includes(column));
    return { name, columns: ['supplier_id', 'sku_number', ...others], key: [0, 1] };
  }
  const key = columns
    .map(([, keyPlace], place) => ({ keyPlace, place }))
    .filter(({ keyPlace }) => keyPlace > 0)
    .sort((a, b) => a.keyPlace - b.keyPlace);
  return { name, columns: columns.map(([column]) => column), key: key.map(({ place }) => place) };
}

/** Writes a database file that is made for it. */
export class SqliteCopyTarget implements CopyTarget {
  readonly #settings: ConnectionSettings;
  readonly #db: Database;
  /** Where the copy is, as it is kept. */
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

  begin(mark: string): Promise<CopyPosition | undefined> {
    const begin = this.#db.transaction(() => this.#begin(mark));
    return Promise.resolve(begin.immediate());
  }

  #begin(mark: string): CopyPosition | undefined {
    const db = this.#db;
    if (!hasTable(db, STATE_TABLE)) {
      if (db.prepare('SELECT 1 FROM organizations').get() !== undefined)
        throw targetNotEmpty(false);
      db.exec(`DELETE FROM secrets; CREATE TABLE ${STATE_TABLE} (mark TEXT, position TEXT) STRICT`);
      db.prepare<[string]>(`INSERT INTO ${STATE_TABLE} VALUES (?, NULL)`).run(mark);
      return undefined;
    }
    const state = db
      .prepare<[], [mark: string, position: string | null]>(
        `SELECT mark, position FROM ${STATE_TABLE}`,
      )
      .raw()
      .get();
    if (state?.[0] !== mark) throw targetNotEmpty(true);
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
      throw new Error(`the table ${name} has other columns than its source`);
    const { sql, valuesOf } = insertionInto(name, own);
    const insert = this.#db.prepare<CopiedValue[]>(sql);
    const write = this.#db.transaction(() => {
      this.#move(printPosition(position));
      for (const row of rows) insert.run(...valuesOf(order.map((place) => row[place] ?? null)));
    });
    try {
      write.immediate();
    } catch (error) {
      const because = reasonOf(error);
      throw because === undefined ? error : copyBrokenOff(because, error);
    }
    this.#position = printPosition(position);
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
  /** The values of a row, given those of the table's columns. */
  readonly valuesOf: (row: CopiedRow) => readonly CopiedValue[];
}

/** A packed key is made of the first two columns, of which `skus` keeps the first besides. */
function insertionInto(name: string, columns: readonly string[]): Insertion {
  const insert = (names: readonly string[]): string =>
    `INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  if (!PACKED_TABLES.includes(name)) return { sql: insert(columns), valuesOf: (row) => row };
  const kept = <T>(all: readonly T[]): readonly T[] =>
    all.filter((_, place) => place > 1 || (place === 0 && name === 'skus'));
  return {
    sql: insert(['key', ...kept(columns)]),
    valuesOf: (row) => [skuKey(Number(row[0]), Number(row[1])), ...kept(row)],
  };
}
