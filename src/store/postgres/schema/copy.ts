import type { PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import {
  COPIED_TABLES,
  copiedByAnother,
  copyInterrupted,
  parsePosition,
  requireCurrentSchema,
  serializePosition,
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
  inTransaction,
  type PoolSettings,
} from '../connection/pool.ts';
import { shownUrl } from '../connection/url.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './migrations.ts';
import { classifyDatabaseError } from '../connection/errors.ts';

/** Exists only in an unfinished copy. The column `mark` is the fingerprint of the source. */
const STATE_TABLE = 'unfinished_copy';

/** Copies use one connection, without a statement timeout. */
type CopySettings = Pick<PoolSettings, 'url' | 'connectTimeoutMs'>;

function openPool({ url, connectTimeoutMs = 0 }: CopySettings): ConnectionPool {
  // Rejects a malformed URL without quoting it, as the driver would.
  shownUrl(url);
  return new ConnectionPool({ url, connectTimeoutMs, connectionsMax: 1 });
}

/** Explains a database failure during a copy. Returns other errors unchanged. */
function explain(error: unknown): unknown {
  const failure = classifyDatabaseError(error instanceof OnhandError ? error.cause : error);
  return failure === undefined ? error : copyInterrupted(failure.message, error);
}

/** @throws OnhandError `store_unavailable` for an unfinished copy */
export async function refuseUnfinishedCopy(pool: ConnectionPool): Promise<void> {
  if (await hasState(pool)) throw unfinishedCopy();
}

async function hasState(pool: ConnectionPool): Promise<boolean> {
  const [row] = await read<{ exists: boolean }>(
    pool,
    `SELECT to_regclass('${STATE_TABLE}') IS NOT NULL AS "exists"`,
  );
  return row?.exists === true;
}

/** Reads one snapshot of a database, in a transaction that stays open. */
export class PostgresCopySource implements CopySource {
  readonly #pool: ConnectionPool;
  readonly #client: PoolClient;
  readonly #byteLengthSql = new Map<string, string>();

  private constructor(pool: ConnectionPool, client: PoolClient) {
    this.#pool = pool;
    this.#client = client;
  }

  static async open(settings: CopySettings): Promise<PostgresCopySource> {
    const pool = openPool(settings);
    try {
      requireCurrentSchema(await readSchemaVersion(pool), SCHEMA_VERSION);
      const client = await pool.connect();
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return new PostgresCopySource(pool, client);
    } catch (error) {
      await pool.close();
      throw cannotOpen(settings.url, error);
    }
  }

  async table(name: string): Promise<CopiedTable> {
    const { columns, key } = await this.#run(() => describe(this.#client, name));
    return { name, columns: columns.map((column) => column.name), key };
  }

  async count(name: string): Promise<number> {
    const { rows } = await this.#run(() =>
      this.#client.query<{ count: number }>(`SELECT count(*) FROM ${name}`),
    );
    return rows[0]?.count ?? 0;
  }

  async read(
    { name, columns, key }: CopiedTable,
    after: CopiedRow | undefined,
    { rowsMax, bytesMax }: CopyChunkLimit,
  ): Promise<readonly CopiedRow[]> {
    const keyNames = key.map((index) => columns[index]).join(', ');
    const placeholders = key.map((_, i) => `$${i + 2}`).join(', ');
    const chunk = `SELECT * FROM ${name}
      ${after === undefined ? '' : `WHERE (${keyNames}) > (${placeholders})`}
      ORDER BY ${keyNames} LIMIT ${rowsMax}`;
    const sized = `SELECT *, sum(${await this.#byteLengthOf(name)}) OVER (ORDER BY ${keyNames}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before FROM (${chunk}) AS chunk`;
    const { rows } = await this.#run(() =>
      this.#client.query<[...CopiedRow]>({
        text: `SELECT ${columns.join(', ')} FROM (${sized}) AS sized
          WHERE coalesce(bytes_before, 0) < $1::float8 ORDER BY ${keyNames}`,
        values: [bytesMax, ...(after ?? [])],
        rowMode: 'array',
      }),
    );
    return rows;
  }

  /** An SQL expression for the size of a row. It does not read TOASTed values. */
  async #byteLengthOf(name: string): Promise<string> {
    const known = this.#byteLengthSql.get(name);
    if (known !== undefined) return known;
    const { columns } = await this.#run(() => describe(this.#client, name));
    const lengths = columns
      .filter(({ type }) => type === 'text' || type === 'bytea')
      .map((column) => `coalesce(octet_length(${column.name}), 0)`);
    const length = [columns.length * NUMBER_BYTES, ...lengths].join(' + ');
    this.#byteLengthSql.set(name, length);
    return length;
  }

  async #run<T>(query: () => Promise<T>): Promise<T> {
    try {
      return await query();
    } catch (error) {
      throw explain(error);
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

/** The columns in table order, and the indexes of those in the primary key. */
async function describe(
  client: PoolClient,
  table: string,
): Promise<{ readonly columns: readonly DescribedColumn[]; readonly key: readonly number[] }> {
  const { rows } = await client.query<DescribedColumn & { readonly keyOrdinal: number | null }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type,
       array_position(indkey::int2[], attnum) AS "keyOrdinal"
     FROM pg_attribute LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  const key = rows
    .map(({ keyOrdinal }, index) => ({ keyOrdinal, index }))
    .filter(({ keyOrdinal }) => keyOrdinal !== null)
    .sort((a, b) => Number(a.keyOrdinal) - Number(b.keyOrdinal));
  return { columns: rows, key: key.map(({ index }) => index) };
}

/** Writes to an existing, empty database. */
export class PostgresCopyTarget implements CopyTarget {
  readonly #settings: CopySettings;
  readonly #pool: ConnectionPool;
  /** The serialized position that the database has stored. */
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

  async begin(fingerprint: string): Promise<CopyPosition | undefined> {
    const hasBegun = await hasState(this.#pool);
    return inTransaction(this.#pool, async (client) => {
      if (!hasBegun) {
        const { rowCount } = await client.query('SELECT FROM organizations LIMIT 1');
        if (rowCount !== 0) throw targetNotEmpty(false);
        await client.query('DELETE FROM secrets');
        await client.query(`CREATE TABLE ${STATE_TABLE} (mark text NOT NULL, position text)`);
        await client.query(`INSERT INTO ${STATE_TABLE} VALUES ($1, NULL)`, [fingerprint]);
        return undefined;
      }
      const { rows } = await client.query<{ mark: string; position: string | null }>(
        `SELECT mark, position FROM ${STATE_TABLE}`,
      );
      const [state] = rows;
      if (state?.mark !== fingerprint) throw targetNotEmpty(true);
      this.#position = state.position;
      return state.position === null ? undefined : parsePosition(state.position);
    });
  }

  async write(
    table: CopiedTable,
    rows: readonly CopiedRow[],
    position: CopyPosition,
  ): Promise<void> {
    const next = serializePosition(position);
    try {
      await inTransaction(this.#pool, async (client) => {
        await this.#move(client, next);
        await insert(client, table, rows);
      });
    } catch (error) {
      throw explain(error);
    }
    this.#position = next;
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

  /** Also advances identity sequences past the copied values. */
  async finish(): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
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
  const indexes = columns.map(({ name }) => table.columns.indexOf(name));
  if (indexes.includes(-1) || columns.length !== table.columns.length)
    throw new Error(`the table ${table.name} does not have the columns of its source`);
  const names = columns.map(({ name }) => name).join(', ');
  const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ');
  await client.query(
    `INSERT INTO ${table.name} (${names}) SELECT * FROM unnest(${arrays})`,
    indexes.map((index) => rows.map((row) => row[index] ?? null)),
  );
}
