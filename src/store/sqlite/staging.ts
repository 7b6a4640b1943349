import Sqlite, { type Database, type Statement } from 'better-sqlite3';
import type { CatalogueEntry, CatalogueRow, Complaint } from '../../domain/catalogue.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Inventory } from '../../domain/inventory.ts';
import type { Product } from '../../domain/sku.ts';
import type {
  CatalogueStaging,
  ComplaintCounts,
  ComplaintPage,
  ComplaintPosition,
  GtinNamer,
  StagedEntry,
  SupersededRow,
} from '../staging.ts';
import { unavailable } from './connection.ts';

/** Pages of the scratch database kept in memory, in KiB: it is written and read in order. */
const CACHE_KIB = 4_096;

const SCHEMA = `
  CREATE TABLE entries (
    row INTEGER PRIMARY KEY,
    sku_id TEXT NOT NULL,
    -- Which members are given: bit i stands for MEMBERS[i]. One that is given may be NULL.
    given INTEGER NOT NULL,
    item_id TEXT, title TEXT, condition TEXT, units_bundled INTEGER,
    upca TEXT, ean13 TEXT, gtin14 TEXT, isbn TEXT, asin TEXT, mpn TEXT,
    quantity_in_stock INTEGER, quantity_on_backorder INTEGER, backorder_date INTEGER, restrictions INTEGER
  ) STRICT;
  CREATE TABLE named_gtins (
    row INTEGER NOT NULL, gtin INTEGER NOT NULL, header TEXT NOT NULL, value TEXT NOT NULL
  ) STRICT;
  CREATE TABLE complaints (
    id INTEGER PRIMARY KEY,
    row INTEGER NOT NULL, header TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL,
    kind TEXT NOT NULL
  ) STRICT;
  CREATE INDEX complaints_by_row ON complaints (row, id);
`;

const PRODUCT_MEMBERS = [
  'itemId',
  'title',
  'condition',
  'unitsBundled',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'asin',
  'mpn',
] as const satisfies readonly (keyof Product)[];

const INVENTORY_MEMBERS = [
  'quantityInStock',
  'quantityOnBackorder',
  'backorderDate',
  'restrictions',
] as const satisfies readonly (keyof Inventory)[];

/** In the order of the columns of `entries`. */
const MEMBERS = [...PRODUCT_MEMBERS, ...INVENTORY_MEMBERS] as const;

interface EntryRow extends Product, Inventory {
  readonly row: number;
  readonly skuId: string;
  readonly given: number;
}

interface ComplaintRow extends Complaint {
  readonly id: number;
}

type Value = string | number | null;

/**
 * Staging in a temporary SQLite database of its own. SQLite removes the file's name as soon as it is
 * open, so that nothing is left behind however the process ends.
 */
export class SqliteCatalogueStaging implements CatalogueStaging {
  readonly #db: Database;
  readonly #insertEntry: Statement<[Value[]]>;
  readonly #insertGtin: Statement<[number, number, string, string]>;
  readonly #insertComplaint: Statement<[number, string, string, string, string]>;
  #isSearched = false;
  #isGtinIndexed = false;

  constructor() {
    // An empty name asks for a database in a temporary file.
    this.#db = new Sqlite('');
    this.#db.pragma(`cache_size = -${CACHE_KIB}`);
    this.#db.pragma('journal_mode = OFF');
    this.#db.pragma('synchronous = OFF');
    this.#db.exec(SCHEMA);
    this.#insertEntry = this.#db.prepare<[Value[]]>(
      `INSERT INTO entries VALUES (?, ?, ?${', ?'.repeat(MEMBERS.length)})`,
    );
    this.#insertGtin = this.#db.prepare('INSERT INTO named_gtins VALUES (?, ?, ?, ?)');
    this.#insertComplaint = this.#db.prepare(
      'INSERT INTO complaints (row, header, value, reason, kind) VALUES (?, ?, ?, ?, ?)',
    );
  }

  add(rows: readonly CatalogueRow[]): void {
    this.#write(() => {
      for (const { row, entry, gtins, complaints } of rows) {
        if (entry !== null) this.#insertEntry.run(valuesOf(row, entry));
        for (const named of gtins) this.#insertGtin.run(row, named.gtin, named.column, named.value);
        this.#insertComplaints(complaints);
      }
    });
  }

  takeSuperseded(limit: number): readonly SupersededRow[] {
    return this.#write(() => {
      if (!this.#isSearched) this.#findSuperseded();
      this.#isSearched = true;
      const found = this.#db
        .prepare<[number], SupersededRow>(
          'SELECT row, sku_id AS skuId, next_row AS nextRow FROM superseded ORDER BY row LIMIT ?',
        )
        .all(limit);
      const last = found.at(-1)?.row ?? 0;
      this.#db
        .prepare('DELETE FROM entries WHERE row IN (SELECT row FROM superseded WHERE row <= ?)')
        .run(last);
      this.#db.prepare('DELETE FROM superseded WHERE row <= ?').run(last);
      return found;
    });
  }

  /** One pass over an index built at the end: cheaper than one kept in order row by row. */
  #findSuperseded(): void {
    this.#db.exec(`
      CREATE INDEX entries_by_sku_id ON entries (sku_id, row);
      CREATE TABLE superseded (row INTEGER PRIMARY KEY, sku_id TEXT NOT NULL, next_row INTEGER NOT NULL) STRICT;
      INSERT INTO superseded
        SELECT row, sku_id, next_row
        FROM (SELECT row, sku_id, lead(row) OVER (PARTITION BY sku_id ORDER BY row) AS next_row FROM entries)
        WHERE next_row IS NOT NULL;
      DROP INDEX entries_by_sku_id;
    `);
  }

  countEntries(): number {
    return this.#count('SELECT count(*) AS count FROM entries');
  }

  entriesAfter(afterRow: number, limit: number, charactersMax: number): readonly StagedEntry[] {
    return this.#guard(() => {
      const staged: StagedEntry[] = [];
      let characters = 0;
      const statement = this.#db.prepare<[number, number], EntryRow>(SELECT_ENTRIES);
      for (const row of statement.iterate(afterRow, limit)) {
        staged.push({ row: row.row, entry: entryOf(row) });
        characters += charactersOf(row);
        if (characters >= charactersMax) break;
      }
      return staged;
    });
  }

  namersOf(gtin: number, afterRow: number, limit: number): readonly GtinNamer[] {
    return this.#guard(() => {
      if (!this.#isGtinIndexed)
        this.#db.exec('CREATE INDEX named_gtins_by_gtin ON named_gtins (gtin, row)');
      this.#isGtinIndexed = true;
      return this.#db
        .prepare<[number, number, number], GtinNamer>(
          `SELECT row, sku_id AS skuId, header AS "column", value
           FROM named_gtins JOIN entries USING (row)
           WHERE gtin = ? AND row > ? ORDER BY row LIMIT ?`,
        )
        .all(gtin, afterRow, limit);
    });
  }

  complain(complaints: readonly Complaint[]): void {
    this.#write(() => this.#insertComplaints(complaints));
  }

  #insertComplaints(complaints: readonly Complaint[]): void {
    for (const { row, column, value, reason, kind } of complaints) {
      this.#insertComplaint.run(row, column, value, reason, kind);
    }
  }

  complaintsFrom(start: ComplaintPosition, limit: number): ComplaintPage {
    return this.#guard(() => {
      const rows = this.#db
        .prepare<[number, number, number], ComplaintRow>(
          `SELECT id, row, header AS "column", value, reason, kind FROM complaints
           WHERE (row, id) > (?, ?) ORDER BY row, id LIMIT ?`,
        )
        .all(start.row, start.id, limit);
      const last = rows.at(-1);
      return {
        complaints: rows.map(({ row, column, value, reason, kind }) => ({
          row,
          column,
          value,
          reason,
          kind,
        })),
        next: last === undefined ? start : { row: last.row, id: last.id },
      };
    });
  }

  countComplaints(): ComplaintCounts {
    return {
      rowsRejected: this.#count(
        `SELECT count(*) AS count FROM (${ROWS_COMPLAINED_OF}) WHERE is_rejected`,
      ),
      rowsDoubtful: this.#count(
        `SELECT count(*) AS count FROM (${ROWS_COMPLAINED_OF}) WHERE NOT is_rejected`,
      ),
    };
  }

  close(): void {
    this.#db.close();
  }

  #count(sql: string): number {
    return this.#guard(
      () => this.#db.prepare<[], { readonly count: number }>(sql).get()?.count ?? 0,
    );
  }

  #write<T>(work: () => T): T {
    return this.#guard(this.#db.transaction(work));
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (unavailable(error) === undefined) throw error;
      throw new OnhandError(
        'store_unavailable',
        'The disk that holds temporary files is full or failed; make room, or set TMPDIR to a folder on another disk.',
        { cause: error },
      );
    }
  }
}

const SELECT_ENTRIES = `
  SELECT row, sku_id AS skuId, given, item_id AS itemId, title, condition, units_bundled AS unitsBundled,
    upca, ean13, gtin14, isbn, asin, mpn, quantity_in_stock AS quantityInStock,
    quantity_on_backorder AS quantityOnBackorder, backorder_date AS backorderDate, restrictions
  FROM entries WHERE row > ? ORDER BY row LIMIT ?`;

const ROWS_COMPLAINED_OF = `SELECT max(kind = 'rejected') AS is_rejected FROM complaints GROUP BY row`;

/** In the order of the columns of `entries`. */
function valuesOf(row: number, entry: CatalogueEntry): Value[] {
  const values: Value[] = [row, entry.skuId, 0];
  let given = 0;
  let bit = 1;
  const add = (value: Value | undefined): void => {
    values.push(value ?? null);
    if (value !== undefined) given |= bit;
    bit <<= 1;
  };
  for (const member of PRODUCT_MEMBERS) add(entry.product[member]);
  for (const member of INVENTORY_MEMBERS) add(entry.inventory[member]);
  values[2] = given;
  return values;
}

function entryOf(row: EntryRow): CatalogueEntry {
  return {
    skuId: row.skuId,
    product: pick<Product>(row, PRODUCT_MEMBERS, row.given),
    inventory: pick<Inventory>(row, INVENTORY_MEMBERS, row.given >> PRODUCT_MEMBERS.length),
  };
}

function pick<T>(all: T, members: readonly (keyof T)[], bits: number): Partial<T> {
  const picked: Partial<T> = {};
  for (const [i, member] of members.entries()) {
    if ((bits & (1 << i)) !== 0) picked[member] = all[member];
  }
  return picked;
}

function charactersOf(row: EntryRow): number {
  let characters = row.skuId.length;
  for (const member of PRODUCT_MEMBERS) characters += String(row[member] ?? '').length;
  return characters;
}
