import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Compilable,
  type CompiledQuery,
  type DatabaseConnection,
  type Generated,
  type QueryResult,
} from 'kysely';
import type { PoolClient } from 'pg';
import type { OrganizationType } from '../../../domain/parties.ts';
import type { FileTables } from '../../sql/file-record.ts';
import type { WebhookTables } from '../../sql/webhooks.ts';
import { read, transact, type ConnectionPool } from '../connection/pool.ts';

/** The tables that everyday queries touch, for the query builder (`schema.ts` says what they are). */
export interface Tables extends WebhookTables, FileTables {
  organizations: {
    id: Generated<number>;
    uuid: string;
    name: string;
    type: OrganizationType;
    created_at_ms: number;
  };
  suppliers: {
    id: number;
    sku_count: Generated<number>;
    last_batch_number: Generated<number>;
    breaker_percent_max: Generated<number | null>;
    breaker_skus_min: Generated<number | null>;
  };
  connections: { retailer_id: number; supplier_id: number; created_at_ms: number };
  users: {
    id: Generated<number>;
    uuid: string;
    organization_id: number;
    username: string | null;
    password_hash: string | null;
    permissions: string;
    created_at_ms: number;
  };
  tokens: {
    id: Generated<number>;
    token_hash: Uint8Array;
    user_id: number;
    permissions: string;
    created_at_ms: number;
    expires_at_ms: number | null;
    revoked_at_ms: number | null;
  };
  batches: {
    supplier_id: number;
    number: number;
    uuid: string;
    source: string;
    user_id: number | null;
    applied_at_ms: number;
    duration_ms: number;
    line_count: number;
    status_counts: string | null;
    changed_count: number;
    first_sequence: number | null;
    zeroed_count: number;
    reason: string | null;
    reference: string | null;
    reverts_number: number | null;
  };
  batch_failures: {
    supplier_id: number;
    batch_number: number;
    applied_at_ms: number;
    failures: Uint8Array;
  };

  confirmations: {
    supplier_id: number;
    code: string;
    fingerprint: Uint8Array;
    expires_at_ms: number;
  };
}

/** Everyday queries: reads run as they are, everything else in a transaction. */
export class Queries {
  readonly db: Kysely<Tables>;
  readonly pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.pool = pool;
    const connection = new PoolConnection(pool);
    this.db = new Kysely<Tables>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createQueryCompiler: () => new PostgresQueryCompiler(),
        createIntrospector: (db) => new PostgresIntrospector(db),
        createDriver: () => ({
          init: nothing,
          acquireConnection: () => Promise.resolve(connection),
          releaseConnection: nothing,
          beginTransaction: noTransactions,
          commitTransaction: noTransactions,
          rollbackTransaction: noTransactions,
          destroy: nothing,
        }),
      },
    });
  }

  /** Runs statements in one transaction; gives how many rows each changed. */
  transact(statements: readonly Compilable[]): Promise<readonly number[]> {
    const compiled = statements.map((statement) => statement.compile());
    return transact(this.pool, async (client) => {
      const counts: number[] = [];
      for (const statement of compiled) counts.push((await run(client, statement)).changedCount);
      return counts;
    });
  }
}

const nothing = (): Promise<void> => Promise.resolve();
const noTransactions = (): Promise<never> =>
  Promise.reject(new Error('a transaction may have to be run anew: use Queries.transact'));

async function run<R extends object>(
  client: PoolClient,
  { sql, parameters }: CompiledQuery,
): Promise<{ readonly rows: R[]; readonly changedCount: number }> {
  const { rows, rowCount } = await client.query<R>(sql, [...parameters]);
  return { rows, changedCount: rowCount };
}

/** Stands for the pool: each statement gets a connection that is free. */
class PoolConnection implements DatabaseConnection {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async executeQuery<R>(statement: CompiledQuery): Promise<QueryResult<R>> {
    if (statement.query.kind === 'SelectQueryNode') {
      return {
        rows: [...(await read<R & object>(this.#pool, statement.sql, statement.parameters))],
      };
    }
    const { rows, changedCount } = await transact(this.#pool, (client) =>
      run<R & object>(client, statement),
    );
    return { rows, numAffectedRows: BigInt(changedCount) };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('rows are read in pages, not streamed');
  }
}
