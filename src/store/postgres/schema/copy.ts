import type { PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import {
  COPIED_TABLES,
  copiedByAnother,
  copyBrokenOff,
  parsePosition,
  printPosition,
  targetNotEmpty,
  unfinishedCopy,
  type CopiedRow,
  type CopiedTable,
  type CopyPosition,
  type CopySource,
  type CopyTarget,
  type CopyChunkLimit,
} from '../../copy.ts';
import {
  ConnectionPool,
  cannotOpen,
  read,
  shownUrl,
  transact,
  type PoolSettings,
} from '../connection/pool.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './migrate.ts';
import { classifyDatabaseError } from '../connection/errors.ts';

/** Tells of a copy that is not finished: there only meanwhile. */
export const STATE_TABLE = 'unfinished_copy';

/** What a database is copied by: one connection, on which statements may take as long as they do. */
type CopySettings = Pick<PoolSettings, 'url' | 'connectTimeoutMs'>;

function openPool({ url, connectTimeoutMs = 0 }: CopySettings): ConnectionPool {
  // Reads the URL before anything else does, and shows nothing of it where it cannot.
  shownUrl(url);
  return new ConnectionPool({ url, connectTimeoutMs, connectionsMax: 1 });
}

/** A failure while rows are carried, in words for whoever copies. */
function brokenOff(error: unknown): unknown {
  const trouble = classifyDatabaseError(error instanceof OnhandError ? error.cause : error);
  return trouble === undefined ? error : copyBrokenOff(trouble.message, error);
}

/** Refuses a database that is being copied to. */
export async function refuseUnfinishedCopy(pool: ConnectionPool): Promise<void> {
  if (await hasState(pool)) throw unfinishedCopy();
}

async function hasState(pool: ConnectionPool): Promise<boolean> {
  const [row] = await read<{ isThere: boolean }>(
    pool,
    `SELECT to_regclass('${STATE_TABLE}') IS NOT NULL AS "isThere"`,
  );
  return row?.isThere === true;
}

/** Reads a database as it is at this moment, whatever is written to it meanwhile. */
export class PostgresCopySource implements CopySource {
  readonly #pool: ConnectionPool;
  readonly #client: PoolClient;
  readonly #lengths = new Map<string, string>();

  private constructor(pool: ConnectionPool, client: PoolClient) {
    this.#pool = pool;
    this.#client = client;
  }

  static async open(settings: CopySettings): Promise<PostgresCopySource> {
    const pool = openPool(settings);
    try {
      const version = await readSchemaVersion(pool);
      if (version !== SCHEMA_VERSION) {
        throw new OnhandError(
          'store_unavailable',
          `The database to copy from has schema version ${version}, this onhand has ${SCHEMA_VERSION}: run "onhand migrate" on it first.`,
        );
      }
      const client = await pool.connect();
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return new PostgresCopySource(pool, client);
    } catch (error) {
      await pool.close();
      throw cannotOpen(settings.url, error);
    }
  }

  async table(name: string): Promise<CopiedTable> {
    const { columns, key } = await this.#asked(() => describe(this.#client, name));
    return { name, columns: columns.map((column) => column.name), key };
  }

  async count(name: string): Promise<number> {
    const { rows } = await this.#asked(() =>
      this.#client.query<{ count: number }>(`SELECT count(*) FROM ${name}`),
    );
    return rows[0]?.count ?? 0;
  }

  async read(
    { name, columns, key }: CopiedTable,
    after: CopiedRow | undefined,
    { rowsMax, bytesMax }: CopyChunkLimit,
  ): Promise<readonly CopiedRow[]> {
    const keyNames = key.map((place) => columns[place]).join(', ');
    const places = key.map((_, i) => `$${i + 2}`).join(', ');
    const piece = `SELECT * FROM ${name}
      ${after === undefined ? '' : `WHERE (${keyNames}) > (${places})`}
      ORDER BY ${keyNames} LIMIT ${rowsMax}`;
    const measured = `SELECT *, sum(${await this.#lengthOf(name)}) OVER (ORDER BY ${keyNames}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before FROM (${piece}) AS piece`;
    const { rows } = await this.#asked(() =>
      this.#client.query<[...CopiedRow]>({
        text: `SELECT ${columns.join(', ')} FROM (${measured}) AS measured
          WHERE coalesce(bytes_before, 0) < $1::float8 ORDER BY ${keyNames}`,
        values: [bytesMax, ...(after ?? [])],
        rowMode: 'array',
      }),
    );
    return rows;
  }

  /** An expression for the bytes of a row, known without reading the values that are kept apart from it. */
  async #lengthOf(name: string): Promise<string> {
    const known = this.#lengths.get(name);
    if (known !== undefined) return known;
    const { columns } = await this.#asked(() => describe(this.#client, name));
    const lengths = columns
      .filter(({ type }) => type === 'text' || type === 'bytea')
      .map((column) => `coalesce(octet_length(${column.name}), 0)`);
    const length = [columns.length * NUMBER_BYTES, ...lengths].join(' + ');
    this.#lengths.set(name, length);
    return length;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw brokenOff(error);
    }
  }

  async close(): Promise<void> {
    this.#client.release(true);
    await this.#pool.close();
  }
}

const NUMBER_BYTES = 8;

interface DescribedColumn {
  readonly name: string;
  readonly type: string;
}

/** Columns in the order in which all bodies have them, with the places of those of the primary key. */
async function describe(
  client: PoolClient,
  table: string,
): Promise<{ readonly columns: readonly DescribedColumn[]; readonly key: readonly number[] }> {
  const { rows } = await client.query<DescribedColumn & { readonly keyPlace: number | null }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type,
       array_position(indkey::int2[], attnum) AS "keyPlace"
     FROM pg_attribute LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  const key = rows
    .map(({ keyPlace }, place) => ({ keyPlace, place }))
    .filter(({ keyPlace }) => keyPlace !== null)
    .sort((a, b) => Number(a.keyPlace) - Number(b.keyPlace));
  return { columns: rows, key: key.map(({ place }) => place) };
}

/** Writes a database that is there, with nothing in it. */
export class PostgresCopyTarget implements CopyTarget {
  readonly #settings: CopySettings;
  readonly #pool: ConnectionPool;
  /** Where the copy is, as it is kept. */
  #position: string | null = null;

  private constructor(settings: CopySettings, pool: ConnectionPool) {
    this.#settings = settings;
    this.#pool = pool;
  }

  static async open(
    settings: CopySettings & { readonly partitions: number },
  ): Promise<PostgresCopyTarget> {
    const pool = openPool(settings);
    try {
      await migrate(pool, settings);
    } catch (error) {
      await pool.close();
      throw cannotOpen(settings.url, error);
    }
    return new PostgresCopyTarget(settings, pool);
  }

  async begin(mark: string): Promise<CopyPosition | undefined> {
    const hasBegun = await hasState(this.#pool);
    return transact(this.#pool, async (client) => {
      if (!hasBegun) {
        const { rowCount } = await client.query('SELECT FROM organizations LIMIT 1');
        if (rowCount !== 0) throw targetNotEmpty(false);
        await client.query('DELETE FROM secrets');
        await client.query(`CREATE TABLE ${STATE_TABLE} (mark text NOT NULL, position text)`);
        await client.query(`INSERT INTO ${STATE_TABLE} VALUES ($1, NULL)`, [mark]);
        return undefined;
      }
      const { rows } = await client.query<{ mark: string; position: string | null }>(
        `SELECT mark, position FROM ${STATE_TABLE}`,
      );
      const [state] = rows;
      if (state?.mark !== mark) throw targetNotEmpty(true);
      this.#position = state.position;
      return state.position === null ? undefined : parsePosition(state.position);
    });
  }

  async write(
    table: CopiedTable,
    rows: readonly CopiedRow[],
    position: CopyPosition,
  ): Promise<void> {
    const reached = printPosition(position);
    try {
      await transact(this.#pool, async (client) => {
        await this.#move(client, reached);
        await insert(client, table, rows);
      });
    } catch (error) {
      throw brokenOff(error);
    }
    this.#position = reached;
  }

  async #move(client: PoolClient, position: string): Promise<void> {
    const { rowCount } = await client.query(
      `UPDATE ${STATE_TABLE} SET position = $1 WHERE position IS NOT DISTINCT FROM $2`,
      [position, this.#position],
    );
    if (rowCount !== 1) throw copiedByAnother();
  }

  reader(): Promise<CopySource> {
    return PostgresCopySource.open(this.#settings);
  }

  /** Numbers that the database gives go on behind those that were copied. */
  async finish(): Promise<void> {
    await transact(this.#pool, async (client) => {
      for (const table of COPIED_TABLES) {
        const { rows } = await client.query<{ column: string }>(
          `SELECT attname AS column FROM pg_attribute
           WHERE attrelid = $1::regclass AND attidentity <> '' AND NOT attisdropped`,
          [table],
        );
        for (const { column } of rows) {
          await client.query(
            `SELECT setval(pg_get_serial_sequence($1, $2), max(${column})) FROM ${table} HAVING count(*) > 0`,
            [table, column],
          );
        }
      }
      await client.query(`DROP TABLE ${STATE_TABLE}`);
    });
    await this.#pool.query('ANALYZE');
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

async function insert(
  client: PoolClient,
  table: CopiedTable,
  rows: readonly CopiedRow[],
): Promise<void> {
  const { columns } = await describe(client, table.name);
  const places = columns.map(({ name }) => table.columns.indexOf(name));
  if (places.includes(-1) || columns.length !== table.columns.length)
    throw new Error(`the table ${table.name} has other columns than its source`);
  const names = columns.map(({ name }) => name).join(', ');
  const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ');
  await client.query(
    `INSERT INTO ${table.name} (${names}) SELECT * FROM unnest(${arrays})`,
    places.map((place) => rows.map((row) => row[place] ?? null)),
  );
}
