import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { sql } from '../sql/kysely.ts';
import { OnhandError } from '../../domain/errors.ts';
import { textSlices, type TextSlice } from '../../domain/line-texts.ts';
import type { Batch, BatchOutcome } from '../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome, SharedGtin } from '../../domain/catalogue.ts';
import type {
  AccountStore,
  AuditStore,
  BatchStore,
  ChangeStore,
  SkuStore,
  Store,
  FileStore,
  StoreHealth,
  StoreMeasures,
  NotificationStore,
  WebhookStore,
} from '../store.ts';
import { SqlFiles } from '../sql/files.ts';
import { SqlNotifications } from '../sql/notifications.ts';
import { SqlWebhooks } from '../sql/webhooks.ts';
import { SqlAudit } from '../sql/audit.ts';
import { SqlAccounts } from '../sql/accounts.ts';
import { SqlBatches } from '../sql/batches.ts';
import { SqliteChanges } from './read/changes.ts';
import type { CheckpointerCalls } from './write/checkpointer-thread.ts';
import { openForReading, type ConnectionSettings } from './connection.ts';
import { unpackOutcomes } from './outcomes.ts';
import { packGroup, textsOfGroup, type PackedOutcomes } from './write/group.ts';
import { SqlitePrincipalCache } from './read/principals.ts';
import type { ReaderCalls } from './read/reader-thread.ts';
import { SqliteSkus } from './read/skus.ts';
import { SqliteDatabase } from './database.ts';
import { LogState } from './log-state.ts';
import { LOOKS_AT_MANY_SKUS } from './statements.ts';
import { LazyThread, Thread } from './threads.ts';
import type { WriterCalls } from './write/writer-thread.ts';

export interface SqliteSettings extends ConnectionSettings {
  /** How many changes the inventory table may lack. Opening the database after a crash replays them. */
  readonly recentChangesMax: number;
  /** A batch or undo of more lines is written in slices, between which other suppliers' batches are committed. */
  readonly largeBatchLines: number;
  /** Called when the store can no longer be trusted and the process must exit. */
  readonly onFatal: (reason: string) => void;
}

function at(file: string): URL {
  return new URL(file, import.meta.url);
}

const MINIMAL_CACHE_BYTES = 1 << 20;
/**
 * How the cache is divided. `readerPages` counts twice, for two threads. So does `recent`, for the writer and the reader
 * (docs/durability.md). The scanner takes both once more, from its first read on.
 */
const CACHE_SHARES = { writerPages: 0.2, writerMemory: 0.4, recent: 0.1, readerPages: 0.1 };

interface Threads {
  readonly writer: Thread<WriterCalls>;
  readonly reader: Thread<ReaderCalls>;
  readonly checkpointer: Thread<CheckpointerCalls>;
  readonly scanner: LazyThread<ReaderCalls>;
}

/** The embedded store: one SQLite file with a writer, a reader, a scanner and a checkpointer thread. */
export class SqliteStore implements Store {
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly skus: SkuStore;
  readonly batches: BatchStore;
  readonly changes: ChangeStore;
  readonly webhooks: WebhookStore;
  readonly notifications: NotificationStore;
  readonly files: FileStore;
  /** One group is written while the next is sent to the writer. */
  readonly grouping = { isShared: true, groupsMax: 2 };
  readonly #writer: Thread<WriterCalls>;
  readonly #reader: Thread<ReaderCalls>;
  /** A second reader, for what looks at many SKUs: on a large catalogue that takes seconds, for which no other read waits. */
  readonly #scanner: LazyThread<ReaderCalls>;
  readonly #checkpointer: Thread<CheckpointerCalls>;
  #isCheckpointing = false;
  #checkpointedAtMs = Date.now();
  readonly #logPath: string;
  readonly #logState: LogState;
  /** Resolves when the latest group is sent to the writer. */
  #sending: Promise<void> = Promise.resolve();
  readonly #database: SqliteDatabase;
  /** A connection on the calling thread, to look up tokens. */
  readonly #here: Database;
  /** Whether the last write failed because of the environment, such as a full disk. */
  #isUnhealthy = false;
  #closed: Promise<void> | undefined;

  private constructor(
    { writer, reader, scanner, checkpointer }: Threads,
    here: Database,
    { path, logState }: { readonly path: string; readonly logState: LogState },
  ) {
    this.#logPath = `${path}-wal`;
    this.#logState = logState;
    this.#writer = writer;
    this.#reader = reader;
    this.#scanner = scanner;
    this.#checkpointer = checkpointer;
    this.#here = here;
    this.#database = new SqliteDatabase({
      query: async (statement) => {
        const isScan = statement.sql.includes(LOOKS_AT_MANY_SKUS);
        return (isScan ? await scanner.started() : reader).call('query', statement);
      },
      run: (statements) => writer.call('run', statements),
    });
    this.audit = new SqlAudit(this.#database);
    this.accounts = new SqlAccounts(this.#database, new SqlitePrincipalCache(here));
    this.skus = new SqliteSkus(this.#database);
    this.batches = new SqlBatches(this.#database, (request) =>
      this.#watched(this.#writer.call('revert', request)),
    );
    this.changes = new SqliteChanges(this.#database, { reader, scanner, writer });
    this.webhooks = new SqlWebhooks(this.#database);
    this.notifications = new SqlNotifications(this.#database);
    this.files = new SqlFiles(this.#database);
  }

  /** Opens a database file; creates and migrates it if needed. */
  static async open(settings: SqliteSettings): Promise<SqliteStore> {
    const { path, busyTimeoutMs, databaseBytesMax, onFatal } = settings;
    const shared = { path, busyTimeoutMs, databaseBytesMax, cacheBytesMax: MINIMAL_CACHE_BYTES };
    const share = (part: number): number => Math.floor(settings.cacheBytesMax * part);
    const forWriting = {
      ...shared,
      cacheBytesMax: share(CACHE_SHARES.writerPages),
      inventoryCacheBytesMax: share(CACHE_SHARES.writerMemory),
      recentBytesMax: share(CACHE_SHARES.recent),
      recentChangesMax: settings.recentChangesMax,
      largeBatchLines: settings.largeBatchLines,
    };
    const forReading = { ...shared, cacheBytesMax: share(CACHE_SHARES.readerPages) };
    const writer = Thread.load<WriterCalls>(at('./write/writer-thread'), onFatal);
    const reader = Thread.load<ReaderCalls>(at('./read/reader-thread'), onFatal);
    const checkpointer = Thread.load<CheckpointerCalls>(at('./write/checkpointer-thread'), onFatal);
    try {
      const { port1: sending, port2: receiving } = new MessageChannel();
      // The writer creates and migrates the database that the other threads open.
      const logState = new LogState();
      await writer.start({ ...forWriting, feed: sending, logState: logState.memory }, [sending]);
      await Promise.all([
        reader.start({ ...forReading, feed: receiving }, [receiving]),
        checkpointer.start(shared),
      ]);
      const scanner = new LazyThread<ReaderCalls>(async () => {
        const thread = Thread.load<ReaderCalls>(at('./read/reader-thread'), onFatal);
        try {
          await thread.start(forReading);
        } catch (error) {
          await thread.close();
          throw error;
        }
        return thread;
      });
      const threads = { writer, reader, scanner, checkpointer };
      return new SqliteStore(threads, openForReading(forReading), { path, logState });
    } catch (error) {
      for (const thread of [checkpointer, reader, writer]) await thread.close();
      throw error;
    }
  }

  async apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    const outcomes = await unpackOutcomes(await this.#watched(this.#send(group)));
    for (const outcome of outcomes) {
      if (outcome instanceof OnhandError && outcome.code === 'store_unavailable')
        this.#isUnhealthy = true;
    }
    return outcomes;
  }

  /** Sends one group after another to the writer, the texts of a large one in slices. */
  async #send(group: readonly Batch[]): Promise<PackedOutcomes> {
    const earlier = this.#sending;
    const { promise, resolve: sent } = Promise.withResolvers<void>();
    this.#sending = promise;
    await earlier;
    let texts: TextSlice;
    try {
      texts = await this.#sendTexts(group);
    } finally {
      sent();
    }
    // The next group is sent after this one: it waits for a promise, and this call does not.
    return this.#writer.call('apply', { ...packGroup(group), texts });
  }

  /** Sends the texts of a group, except the last slice, which it returns. */
  async #sendTexts(group: readonly Batch[]): Promise<TextSlice> {
    const slices = textSlices(textsOfGroup(group));
    for (;;) {
      const { value: slice, done } = slices.next();
      if (done === true) return slice;
      // If it fails, so does the call that follows.
      this.#writer.call('texts', slice).catch(() => undefined);
      await nextTurn();
    }
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    return this.#watched(this.#writer.call('applyCatalogue', batch));
  }

  async sharedGtins(
    supplierId: number,
    afterGtin: number,
    limit: number,
  ): Promise<readonly SharedGtin[]> {
    const { db } = this.#database;
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

  /** SQLite plans without statistics. */
  imported(): Promise<void> {
    return Promise.resolve();
  }

  async probe(): Promise<StoreHealth> {
    await this.#watched(this.#writer.call('probe', this.#isUnhealthy));
    return {};
  }

  async measure(): Promise<StoreMeasures> {
    const { tailChanges, sweptAtMs } = this.#logState;
    // There is no such file until something is written.
    const bytes = await stat(this.#logPath).then(
      ({ size }) => size,
      () => 0,
    );
    return {
      threadsActiveMs: {
        writer: this.#writer.activeMs,
        reader: this.#reader.activeMs,
        scanner: this.#scanner.activeMs,
        checkpointer: this.#checkpointer.activeMs,
      },
      log: { tailChanges, sweptAtMs, checkpointedAtMs: this.#checkpointedAtMs, bytes },
    };
  }

  /** Checkpoints a long log while writes continue. */
  async #keepLogShort(): Promise<void> {
    if (this.#isCheckpointing) return;
    this.#isCheckpointing = true;
    try {
      const isNearlyCopied = await this.#checkpointer.call('copyLongLog', undefined);
      if (!isNearlyCopied) return;
      await this.#writer.call('finishCheckpoint', undefined);
      this.#checkpointedAtMs = Date.now();
    } catch {
      // The log is durable; the next checkpoint can copy it.
    } finally {
      this.#isCheckpointing = false;
    }
  }

  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      const value = await work;
      this.#isUnhealthy = false;
      void this.#keepLogShort();
      return value;
    } catch (error) {
      this.#isUnhealthy = true;
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
    await this.#scanner.close();
    await this.#checkpointer.close();
    await this.#writer.close();
  }
}
