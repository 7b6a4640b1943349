import type { PoolClient } from 'pg';
import { OnhandError } from '../../domain/errors.ts';
import {
  COPIED_TABLES,
  keyOf,
  parsePosition,
  printPosition,
  targetNotEmpty,
  unfinishedCopy,
  type CopiedRow,
  type CopiedTable,
  type CopyPosition,
  type CopySource,
  type CopyTarget,
} from '../copying.ts';
import { ConnectionPool, read, transact, type PoolSettings } from './connection.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './migrate.ts';

/** Tells of a copy that is not finished: there only meanwhile. */
const STATE_TABLE = 'unfinished_copy';

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

  private constructor(pool: ConnectionPool, client: PoolClient) {
    this.#pool = pool;
    this.#client = client;
  }

  static async open(settings: PoolSettings): Promise<PostgresCopySource> {
    const pool = new ConnectionPool({ ...settings, connectionsMax: 1 });
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
      throw error;
    }
  }

  async mark(): Promise<string> {
    const { rows } = await this.#client.query<{ mark: string }>(
      `SELECT 'key ' || encode(value, 'hex') AS mark FROM secrets
       UNION ALL SELECT 'supplier ' || id || ' ' || last_batch_number || ' ' || sku_count FROM suppliers
       UNION ALL SELECT 'users ' || count(*) FROM users
       UNION ALL SELECT 'tokens ' || count(*) || ' ' || count(revoked_at_ms) FROM tokens
       UNION ALL SELECT 'connections ' || count(*) || ' ' || coalesce(max(created_at_ms), 0) FROM connections
       UNION ALL SELECT 'webhooks ' || count(*) || ' ' || coalesce(max(id), 0) FROM webhooks
       ORDER BY 1`,
    );
    return rows.map(({ mark }) => mark).join('\n');
  }

  async table(name: string): Promise<CopiedTable> {
    const { columns, key } = await describe(this.#client, name);
    return { name, columns: columns.map((column) => column.name), key };
  }

  async count(name: string): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(`SELECT count(*) FROM ${name}`);
    return rows[0]?.count ?? 0;
  }

  async read(
    { name, columns, key }: CopiedTable,
    after: CopiedRow | undefined,
    limit: number,
  ): Promise<readonly CopiedRow[]> {
    const keyNames = key.map((place) => columns[place]).join(', ');
    const places = key.map((_, i) => `$${i + 1}`).join(', ');
    const { rows } = await this.#client.query<[...CopiedRow]>({
      text: `SELECT ${columns.join(', ')} FROM ${name}
        ${after === undefined ? '' : `WHERE (${keyNames}) > (${places})`}
        ORDER BY ${keyNames} LIMIT ${limit}`,
      values: [...(after ?? [])],
      rowMode: 'array',
    });
    return rows;
  }

  async close(): Promise<void> {
    this.#client.release(true);
    await this.#pool.close();
  }
}

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
  readonly #settings: PoolSettings;
  readonly #pool: ConnectionPool;

  private constructor(settings: PoolSettings, pool: ConnectionPool) {
    this.#settings = settings;
    this.#pool = pool;
  }

  static async open(
    settings: PoolSettings & { readonly partitions: number },
  ): Promise<PostgresCopyTarget> {
    const pool = new ConnectionPool({ ...settings, connectionsMax: 1 });
    try {
      await migrate(pool, settings);
    } catch (error) {
      await pool.close();
      throw error;
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
      return state.position === null ? undefined : parsePosition(state.position);
    });
  }

  write(table: CopiedTable, rows: readonly CopiedRow[]): Promise<void> {
    const position = printPosition({ table: table.name, after: keyOf(table, rows) });
    return transact(this.#pool, async (client) => {
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
      await client.query(`UPDATE ${STATE_TABLE} SET position = $1`, [position]);
    });
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
