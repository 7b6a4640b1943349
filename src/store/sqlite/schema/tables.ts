import {
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type Compilable,
  type CompiledQuery,
  type DatabaseConnection,
  type Generated,
  type QueryResult,
} from 'kysely';
import type { OrganizationType } from '../../../domain/parties.ts';
import type { Condition } from '../../../domain/sku.ts';
import type { FileTables } from '../../sql/file-record.ts';
import type { WebhookTables } from '../../sql/webhooks.ts';
import type { ReaderCalls } from '../read/reader-thread.ts';
import type { Thread } from '../threads.ts';
import type { StatementResult, WriterCalls } from '../write/writer-thread.ts';

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
    last_sequence: Generated<number>;
    dropped_sequence: Generated<number>;
    expected_interval_minutes: Generated<number | null>;
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
  skus: {
    key: number;
    supplier_id: number;
    sku_id: string;
    uuid: string;
    item_uuid: string;
    item_id: string | null;
    title: string | null;
    condition: Condition | null;
    units_bundled: number | null;
    upca: string | null;
    ean13: string | null;
    gtin14: string | null;
    isbn: string | null;
    asin: string | null;
    mpn: string | null;
    created_at_ms: number;
  };
  gtins: { supplier_id: number; gtin: number; sku_number: number };
  inventory: {
    key: number;
    quantity_in_stock: number | null;
    quantity_on_backorder: number | null;
    backorder_date: number | null;
    restrictions: number | null;
    last_sequence: number;
    updated_at_ms: number;
  };
  baselines: {
    supplier_id: number;
    sku_number: number;
    sequence: number;
    changed_at_ms: number;
    quantity_in_stock: number | null;
    quantity_on_backorder: number | null;
    backorder_date: number | null;
    restrictions: number | null;
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
    rowid: Generated<number>;
    supplier_id: number;
    batch_number: number;
    applied_at_ms: number;
    failures: Uint8Array;
  };
  idempotency_keys: { rowid: Generated<number>; expires_at_ms: number };
  confirmations: {
    rowid: Generated<number>;
    supplier_id: number;
    code: string;
    fingerprint: Uint8Array;
    expires_at_ms: number;
  };
}

/** Everyday queries: reads go to the reader's thread, everything else to the writer's. */
export class Queries {
  readonly db: Kysely<Tables>;
  readonly #writer: Thread<WriterCalls>;

  constructor(reader: Thread<ReaderCalls>, writer: Thread<WriterCalls>) {
    this.#writer = writer;
    const connection = new ThreadConnection(reader, writer);
    this.db = new Kysely<Tables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createIntrospector: (db) => new SqliteIntrospector(db),
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

  /** Runs statements in one transaction. */
  transact(statements: readonly Compilable[]): Promise<readonly StatementResult[]> {
    return this.#writer.call(
      'run',
      statements.map((statement) => {
        const { sql, parameters } = statement.compile();
        return { sql, parameters };
      }),
    );
  }
}

const nothing = (): Promise<void> => Promise.resolve();
const noTransactions = (): Promise<never> =>
  Promise.reject(
    new Error(
      'a transaction across threads would hold up every other writer: use Queries.transact',
    ),
  );

class ThreadConnection implements DatabaseConnection {
  readonly #reader: Thread<ReaderCalls>;
  readonly #writer: Thread<WriterCalls>;

  constructor(reader: Thread<ReaderCalls>, writer: Thread<WriterCalls>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const statement = { sql, parameters };
    // What is written by hand is a read too: the reader's connection can do nothing else.
    if (query.kind === 'SelectQueryNode' || query.kind === 'RawNode') {
      return { rows: await this.#reader.call('query', statement) };
    }
    const [result] = await this.#writer.call('run', [statement]);
    if (result === undefined) throw new Error('a statement was left unanswered');
    return {
      rows: result.rows,
      numAffectedRows: BigInt(result.changes),
      insertId: BigInt(result.lastInsertRowid),
    };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('rows are read in pages, not streamed');
  }
}
