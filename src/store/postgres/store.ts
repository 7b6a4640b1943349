import { OnhandError } from '../../domain/errors.ts';
import type { Batch, BatchOutcome } from '../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome, SharedGtin } from '../../domain/catalogue.ts';
import type {
  AccountStore,
  AuditStore,
  BatchStore,
  Grouping,
  ReadSource,
  ChangeStore,
  SkuStore,
  Store,
  FileStore,
  StoreHealth,
  StoreMeasures,
  NotificationStore,
  WebhookStore,
} from '../store.ts';
import type { OnMigrated } from '../driver.ts';
import { SqlFiles } from '../sql/files.ts';
import { SqlNotifications } from '../sql/notifications.ts';
import { SqlWebhooks } from '../sql/webhooks.ts';
import { SqlAudit } from '../sql/audit.ts';
import { SqlAccounts } from '../sql/accounts.ts';
import { PostgresApplier } from './write/apply.ts';
import { SqlBatches } from '../sql/batches.ts';
import { PostgresChanges } from './read/changes.ts';
import {
  ConnectionPool,
  cannotOpen,
  read,
  readSteadily,
  inTransaction,
  type PoolSettings,
} from './connection/pool.ts';
import { shownUrl } from './connection/url.ts';
import { Workers } from './connection/workers.ts';
import { joinSku } from './lookups.ts';
import { refuseUnfinishedCopy } from './schema/copy.ts';
import { PostgresPrincipalCache } from './read/principals.ts';
import { isDistributed } from './schema/distribution.ts';
import { migrate, type SchemaOptions } from './schema/migrations.ts';
import { PostgresSkus } from './read/skus.ts';
import { Standby } from './read/standby.ts';
import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from '../sql/kysely.ts';
import type { PoolClient } from 'pg';
import {
  createQueryBuilder,
  everySupplier,
  type IsReachable,
  type SqlDatabase,
} from '../sql/database.ts';
import type { SqlTables } from '../sql/tables.ts';
import { isForeignKeyViolation, isUniqueViolation } from './connection/errors.ts';

export interface PostgresSettings
  extends Required<Omit<PoolSettings, 'isDistributed' | 'attemptsMax'>>, SchemaOptions {
  /** Maximum lines that share a transaction; a larger batch gets its own. */
  readonly groupLinesMax: number;
  /** The URL of a standby that answers reads; null if there is none. */
  readonly readDatabase: string | null;
  /** How long a read waits for it, in ms, before the primary answers. */
  readonly readWaitMs: number;
}

/** New SKUs after which the statistics are gathered at once, as a share of those that were there. */
const GROWTH_TO_ANALYZE = 0.1;

/** Connections that writes leave free for reads. */
const CONNECTIONS_FOR_READS = 2;

/** The store on PostgreSQL. Any number of nodes can use one database. */
export class PostgresStore implements Store {
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly skus: SkuStore;
  readonly batches: BatchStore;
  readonly changes: ChangeStore;
  readonly webhooks: WebhookStore;
  readonly notifications: NotificationStore;
  readonly files: FileStore;
  readonly grouping: Grouping;
  readonly reads: ReadSource | undefined;
  readonly #pool: ConnectionPool;
  readonly #applier: PostgresApplier;
  readonly #standby: Standby | undefined;
  /** Undefined if the database is not distributed. */
  readonly #workers: Workers | undefined;

  private constructor(pool: ConnectionPool, settings: PostgresSettings, isDistributed: boolean) {
    this.#pool = pool;
    const groupsMax = Math.max(1, settings.connectionsMax - CONNECTIONS_FOR_READS);
    this.grouping = { isShared: false, groupsMax };
    this.#applier = new PostgresApplier(pool, settings.groupLinesMax);
    this.#workers = isDistributed ? new Workers(pool) : undefined;
    const database = new PostgresDatabase(pool, this.#workers);
    this.audit = new SqlAudit(database);
    this.accounts = new SqlAccounts(database, new PostgresPrincipalCache(pool));
    this.skus = new PostgresSkus(pool, isDistributed);
    this.batches = new SqlBatches(database, (request) => this.#applier.revert(request));
    const standby = openStandby(settings, pool, database);
    this.#standby = standby;
    this.reads = standby;
    this.changes = new PostgresChanges(pool, database, {
      workers: this.#workers,
      ...(standby !== undefined && { pageOfStandby: (...page) => standby.page(...page) }),
    });
    this.webhooks = new SqlWebhooks(database);
    this.notifications = new SqlNotifications(database);
    this.files = new SqlFiles(database);
  }

  /** Opens an existing database, and creates or migrates its schema if needed. */
  static async open(settings: PostgresSettings): Promise<PostgresStore> {
    const isDistributed = await PostgresStore.migrate(settings);
    if (isDistributed && settings.readDatabase !== null) throw noStandbyOfDistributed();
    const pool = new ConnectionPool({ ...settings, isDistributed });
    return new PostgresStore(pool, settings, isDistributed);
  }

  /** Creates or migrates the schema of an existing database if needed. Returns whether it is distributed. */
  static async migrate(settings: PostgresSettings, onMigrated?: OnMigrated): Promise<boolean> {
    const { url, connectTimeoutMs, partitions } = settings;
    // Rejects a malformed URL without quoting it, as the driver would.
    shownUrl(url);
    // Without timeouts: a migration may take long, here or on another node that this one waits for.
    const migrationPool = new ConnectionPool({ url, connectTimeoutMs, connectionsMax: 1 });
    try {
      await migrate(migrationPool, { partitions }, onMigrated);
      await refuseUnfinishedCopy(migrationPool);
      return await isDistributed(migrationPool);
    } catch (error) {
      throw cannotOpen(url, error);
    } finally {
      await migrationPool.close();
    }
  }

  apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    return this.#applier.apply(group);
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    return this.#applier.applyCatalogue(batch);
  }

  sharedGtins(
    supplierId: number,
    afterGtin: number,
    limit: number,
  ): Promise<readonly SharedGtin[]> {
    return readSteadily<SharedGtin>(
      this.#pool,
      `SELECT shared.gtin, holders."skuIds" FROM (
          SELECT gtin FROM gtins WHERE supplier_id = $1 AND gtin > $2
          GROUP BY gtin HAVING count(*) > 1 ORDER BY gtin LIMIT $3) AS shared
        CROSS JOIN LATERAL (
          SELECT array_agg(sku_id ORDER BY skus.sku_number) AS "skuIds"
          FROM (SELECT sku_number FROM gtins
              WHERE supplier_id = $1 AND gtin = shared.gtin OFFSET 0) AS holder
            ${joinSku('sku_number', 'holder.sku_number', ['sku_id'])}) AS holders
      ORDER BY shared.gtin`,
      [supplierId, afterGtin, limit],
    );
  }

  async imported(createdCount: number): Promise<void> {
    if (createdCount === 0) return;
    const [skus] = await read<{ readonly count: number }>(
      this.#pool,
      `SELECT reltuples AS count FROM pg_class WHERE oid = 'skus'::regclass`,
    );
    const grewLittle = createdCount < (skus?.count ?? 0) * GROWTH_TO_ANALYZE;
    if (grewLittle) return;
    await this.#pool.track(() => this.#pool.query('ANALYZE skus, gtins, inventory, changes'));
  }

  /** Writes, because a standby would answer reads. */
  async probe(): Promise<StoreHealth> {
    await inTransaction(this.#pool, async (client) => {
      await client.query(`INSERT INTO probes VALUES ('\\x00')`);
      await client.query('DELETE FROM probes');
    });
    return this.#workers === undefined ? {} : { workers: await this.#workers.check() };
  }

  async measure(): Promise<StoreMeasures> {
    const { totalCount, idleCount: idle, waitingCount: waiting } = this.#pool;
    const standby = await this.#standby?.measure();
    return {
      connections: { busy: totalCount - idle, idle, waiting },
      ...(standby !== undefined && { standby }),
    };
  }

  async close(): Promise<void> {
    await this.#applier.drain();
    await this.#standby?.close();
    await this.#pool.close();
  }
}

function openStandby(
  { readDatabase: url, readWaitMs: waitMs, ...settings }: PostgresSettings,
  primary: ConnectionPool,
  database: SqlDatabase,
): Standby | undefined {
  if (url === null) return undefined;
  // Rejects a malformed URL without quoting it, as the driver would.
  shownUrl(url);
  const connectTimeoutMs = Math.max(1, waitMs);
  const standby = new ConnectionPool({ ...settings, url, connectTimeoutMs, attemptsMax: 1 });
  const readsOf = (pool: ConnectionPool) => ({
    skus: new PostgresSkus(pool, false),
    changes: new PostgresChanges(pool, database),
  });
  return new Standby({
    primary,
    standby,
    onPrimary: readsOf(primary),
    onStandby: readsOf(standby),
    waitMs,
  });
}

function noStandbyOfDistributed(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'A distributed database has no single standby that could answer reads: unset ONHAND_READ_DATABASE.',
  );
}

/** Runs everyday statements: reads by themselves, all others in a transaction. */
class PostgresDatabase implements SqlDatabase {
  readonly db: Kysely<SqlTables>;
  readonly hasRowLocks = true;
  readonly #pool: ConnectionPool;
  readonly #workers: Workers | undefined;

  constructor(pool: ConnectionPool, workers: Workers | undefined) {
    this.#pool = pool;
    this.#workers = workers;
    this.db = createQueryBuilder<SqlTables>(
      {
        createAdapter: () => new PostgresAdapter(),
        createQueryCompiler: () => new PostgresQueryCompiler(),
        createIntrospector: (db) => new PostgresIntrospector(db),
      },
      (query) => this.#execute(query),
    );
  }

  transact(
    statements: readonly Compilable[],
    ifChanged: readonly Compilable[] = [],
  ): Promise<readonly number[]> {
    const compiled = statements.map((statement) => statement.compile());
    const conditional = ifChanged.map((statement) => statement.compile());
    return inTransaction(this.#pool, async (client) => {
      const counts: number[] = [];
      for (const statement of compiled) counts.push((await run(client, statement)).changedCount);
      if (counts[0] !== 0) for (const statement of conditional) await run(client, statement);
      return counts;
    });
  }

  readReachable<T>(readRows: (isReachable: IsReachable) => Promise<T>): Promise<T> {
    if (this.#workers === undefined) return readRows(everySupplier);
    return this.#workers.readReachable((ids) =>
      readRows(
        ids === null
          ? everySupplier
          : (supplier) => sql<boolean>`${sql.ref(supplier)} = ANY (${ids}::int[])`,
      ),
    );
  }

  isDuplicate(error: unknown): boolean {
    return isUniqueViolation(error);
  }

  isOrphan(error: unknown): boolean {
    return isForeignKeyViolation(error);
  }

  async #execute<R>(statement: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters, query } = statement;
    if (query.kind === 'SelectQueryNode')
      return { rows: [...(await readSteadily<R & object>(this.#pool, sql, parameters))] };
    const { rows, changedCount } = await inTransaction(this.#pool, (client) =>
      run<R & object>(client, statement),
    );
    return { rows, numAffectedRows: BigInt(changedCount) };
  }
}

async function run<R extends object>(
  client: PoolClient,
  { sql, parameters }: CompiledQuery,
): Promise<{ readonly rows: R[]; readonly changedCount: number }> {
  const { rows, rowCount } = await client.query<R>(sql, [...parameters]);
  return { rows, changedCount: rowCount };
}
