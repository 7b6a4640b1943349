import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { OnhandError } from '../../domain/errors.ts';
import type {
  AccountStore,
  Batch,
  BatchOutcome,
  CatalogueBatch,
  CatalogueOutcome,
  SharedGtin,
  SkuStore,
  Store,
} from '../store.ts';
import { SqliteAccounts } from './accounts.ts';
import { openForReading, type ConnectionSettings } from './connection.ts';
import type { ReaderCalls } from './reader.ts';
import { SqliteSkus } from './skus.ts';
import { Queries } from './tables.ts';
import { Thread, asError } from './threads.ts';
import type { WriterCalls } from './writer.ts';

export interface SqliteSettings extends ConnectionSettings {
  /** Told when the store can no longer be trusted and the process has to end. */
  readonly onFatal: (reason: string) => void;
}

/** Of the cache, so much is the writer's; the rest is shared by the connections that read. */
const WRITER_SHARE_OF_CACHE = 3 / 4;

/** The embedded store: one SQLite file, a thread that writes it, a thread that reads it. */
export class SqliteStore implements Store {
  readonly accounts: AccountStore;
  readonly skus: SkuStore;
  readonly #writer: Thread<WriterCalls>;
  readonly #reader: Thread<ReaderCalls>;
  readonly #queries: Queries;
  /** On the calling thread, for look-ups that every request needs. */
  readonly #here: Database;
  /** Whether the last write failed for want of disk or the like, and none has succeeded since. */
  #isAiling = false;
  #closed: Promise<void> | undefined;

  private constructor(writer: Thread<WriterCalls>, reader: Thread<ReaderCalls>, here: Database) {
    this.#writer = writer;
    this.#reader = reader;
    this.#here = here;
    this.#queries = new Queries(reader, writer);
    this.accounts = new SqliteAccounts(this.#queries, here);
    this.skus = new SqliteSkus(this.#queries);
  }

  /** Opens a database file, made and migrated when needed. */
  static async open(settings: SqliteSettings): Promise<SqliteStore> {
    const { path, busyTimeoutMs, databaseBytesMax, onFatal } = settings;
    const shared = { path, busyTimeoutMs, databaseBytesMax };
    const writerBytes = Math.floor(settings.cacheBytesMax * WRITER_SHARE_OF_CACHE);
    const readerBytes = Math.floor((settings.cacheBytesMax - writerBytes) / 2);
    const writer = await Thread.start<WriterCalls>(
      new URL('writer', import.meta.url),
      { ...shared, cacheBytesMax: writerBytes },
      onFatal,
    );
    try {
      const forReading = { ...shared, cacheBytesMax: readerBytes };
      const reader = await Thread.start<ReaderCalls>(
        new URL('reader', import.meta.url),
        forReading,
        onFatal,
      );
      return new SqliteStore(writer, reader, openForReading(forReading));
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  async apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    const answers = await this.#watched(this.#writer.call('apply', group));
    return answers.map((answer) => {
      if (!('failure' in answer)) return answer;
      const error = asError(answer);
      if (!(error instanceof OnhandError)) throw error;
      this.#isAiling = true;
      return error;
    });
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    return this.#watched(this.#writer.call('applyCatalogue', batch));
  }

  async sharedGtins(
    supplierId: number,
    afterGtin: number,
    limit: number,
  ): Promise<readonly SharedGtin[]> {
    const { db } = this.#queries;
    const shared = await db
      .selectFrom('gtins')
      .select('gtin')
      .where('supplier_id', '=', supplierId)
      .where('gtin', '>', afterGtin)
      .groupBy('gtin')
      .having((having) => having.fn.countAll(), '>', 1)
      .orderBy('gtin')
      .limit(limit)
      .execute();
    if (shared.length === 0) return [];
    const gtins = shared.map(({ gtin }) => gtin);
    const holders = await db
      .selectFrom('gtins')
      .innerJoin('skus', (join) =>
        join.on(sql<boolean>`key = (gtins.supplier_id << 32) + sku_number`),
      )
      .select(['gtin', 'sku_id'])
      .where('gtins.supplier_id', '=', supplierId)
      .where('gtin', 'in', gtins)
      .orderBy('gtin')
      .orderBy('sku_number')
      .execute();
    const skuIdsOf = Map.groupBy(holders, ({ gtin }) => gtin);
    return gtins.map((gtin) => ({
      gtin,
      skuIds: (skuIdsOf.get(gtin) ?? []).map((holder) => holder.sku_id),
    }));
  }

  probe(): Promise<void> {
    return this.#watched(this.#writer.call('probe', this.#isAiling));
  }

  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      const value = await work;
      this.#isAiling = false;
      return value;
    } catch (error) {
      this.#isAiling = true;
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#here.close();
    await this.#reader.close();
    await this.#writer.close();
  }
}
