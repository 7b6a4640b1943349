/** The composition root: the only place that knows every room. Production and tests start here. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { DeliverOptions } from './webhooks/attempt.ts';
import { ChangeFeed } from './changes/change-feed.ts';
import { dnsResolve } from './webhooks/http-post.ts';
import { WebhookSender } from './webhooks/sender.ts';
import { readSettings, type Settings } from './config.ts';
import { OnhandError } from './domain/errors.ts';
import { FileStorage } from './files/storage.ts';
import { FileService } from './files/service.ts';
import { DropFolder } from './files/drop-folder.ts';
import { Intake } from './intake/intake.ts';
import { RetentionSweeper } from './intake/retention.ts';
import {
  copyDatabase,
  type CopyProgress,
  type CopySource,
  type CopyTarget,
  type TableCopied,
} from './store/copy.ts';
import { isPostgresUrl, shownUrl } from './store/postgres/connection/pool.ts';
import { PostgresCopySource, PostgresCopyTarget } from './store/postgres/schema/copy.ts';
import { inspect as inspectPostgres } from './store/postgres/schema/inspect.ts';
import { pendingMigrations as pendingOnPostgres } from './store/postgres/schema/migrate.ts';
import { PostgresStore } from './store/postgres/store.ts';
import type { PendingMigrations } from './store/schema-version.ts';
import { backupDatabase } from './store/sqlite/schema/backup.ts';
import { SqliteCopySource, SqliteCopyTarget } from './store/sqlite/schema/copy.ts';
import { inspect as inspectSqlite } from './store/sqlite/schema/inspect.ts';
import { takeServeLock } from './store/sqlite/lock.ts';
import { pendingMigrations as pendingOnSqlite } from './store/sqlite/schema/migrations.ts';
import { SqliteCatalogueStaging } from './store/sqlite/staging.ts';
import { SqliteStore } from './store/sqlite/store.ts';
import type { CatalogueStaging } from './store/staging.ts';
import type { AccountStore, Finding, Store } from './store/store.ts';
import { jsonLineReader } from './wire/lines/lines.ts';
import { printFailureMessage, printWouldChange } from './wire/results/results.ts';

/** The exit code of a process that must not go on (BSD's EX_SOFTWARE): a supervisor starts another. */
const FATAL_EXIT_CODE = 70;

/**
 * Opens a database, migrated when needed; a file is made where there is none.
 *
 * @param database `sqlite:PATH` or `postgres://…`
 * @throws OnhandError `parameter_invalid` for another kind, `store_unavailable` where it cannot be opened
 */
export async function openStore(
  database: string,
  settings: Settings = readSettings(),
): Promise<Store> {
  if (isPostgresUrl(database)) return PostgresStore.open(postgresSettings(database, settings));
  return SqliteStore.open({ ...settings, path: sqlitePath(database), onFatal: exitNow });
}

/**
 * Checks a database without changing it; yields each check as it ends.
 *
 * @throws OnhandError `store_unavailable` where there is none or it cannot be opened
 */
export function inspectDatabase(
  database: string,
  settings: Settings = readSettings(),
): AsyncIterable<Finding> {
  return isPostgresUrl(database)
    ? inspectPostgres(postgresSettings(database, settings))
    : inspectSqlite({ ...settings, path: sqlitePath(database) });
}

/**
 * What opening a database would do to its schema. Changes nothing.
 *
 * @throws OnhandError `store_unavailable` where it cannot be opened, or is newer than this onhand
 */
export async function pendingMigrations(
  database: string,
  settings: Settings = readSettings(),
): Promise<PendingMigrations> {
  return isPostgresUrl(database)
    ? pendingOnPostgres(postgresSettings(database, settings), { partitions: 0 })
    : pendingOnSqlite({ ...settings, path: sqlitePath(database) });
}

/**
 * Copies an SQLite database into a new file, while it is served.
 *
 * @throws OnhandError `parameter_invalid` for PostgreSQL, and as `backupDatabase` does
 */
export async function backUpDatabase(
  database: string,
  file: string,
  onProgress: (copiedPages: number, totalPages: number) => void,
  settings: Settings = readSettings(),
): Promise<void> {
  if (isPostgresUrl(database)) {
    throw new OnhandError(
      'parameter_invalid',
      'onhand backs up SQLite databases. PostgreSQL has tools of its own: pg_dump for one database, pg_basebackup and a log archive for a whole server; docs/operations.md says how.',
    );
  }
  await backupDatabase({ ...settings, path: sqlitePath(database) }, file, onProgress);
}

/**
 * Carries everything from one database to another, as `copyDatabase` has it. No server can run on an SQLite
 * file meanwhile.
 */
export async function copyDatabases(
  from: string,
  to: string,
  onProgress: (progress: CopyProgress) => void,
  settings: Settings = readSettings(),
): Promise<readonly TableCopied[]> {
  const source = await openCopySource(from, settings);
  const held: (() => void)[] = [];
  try {
    for (const database of [from, to]) held.push(holdWhileCopied(database));
    const target = await openCopyTarget(to, settings);
    try {
      const again = (): Promise<CopySource> => openCopySource(from, settings);
      return await copyDatabase(source, target, again, onProgress);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
    for (const letGo of held) letGo();
  }
}

function holdWhileCopied(database: string): () => void {
  if (isPostgresUrl(database)) return () => undefined;
  const holder = `onhand copy, process ${process.pid}, since ${new Date().toISOString()}`;
  const lock = takeServeLock(sqlitePath(database), holder);
  return () => lock.release();
}

async function openCopySource(database: string, settings: Settings): Promise<CopySource> {
  return isPostgresUrl(database)
    ? PostgresCopySource.open(postgresSettings(database, settings))
    : SqliteCopySource.open({ ...settings, path: sqlitePath(database) });
}

async function openCopyTarget(database: string, settings: Settings): Promise<CopyTarget> {
  return isPostgresUrl(database)
    ? PostgresCopyTarget.open(postgresSettings(database, settings))
    : SqliteCopyTarget.open({ ...settings, path: sqlitePath(database) });
}

/** A database as it may be shown, in logs and to those who look over a shoulder: without a password. */
export function shownDatabase(database: string): string {
  return isPostgresUrl(database) ? shownUrl(database) : database;
}

function postgresSettings(url: string, settings: Settings) {
  return {
    url,
    connectionsMax: settings.connectionsMax,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    lockTimeoutMs: settings.busyTimeoutMs,
    groupLinesMax: settings.groupLinesMax,
    partitions: 0,
  };
}

/** Scratch space for one import; to be closed after it. */
export function openStaging(): CatalogueStaging {
  return new SqliteCatalogueStaging();
}

function sqlitePath(database: string): string {
  const path = /^sqlite:(.+)$/s.exec(database)?.[1];
  if (path === undefined || path.startsWith(':')) {
    // A URL that is almost one of PostgreSQL's may hold a password, and is not repeated.
    const named = /\/\/|@/.test(database) ? '' : ` "${database}"`;
    throw new OnhandError(
      'parameter_invalid',
      `The database${named} cannot be used: name a file as sqlite:PATH, such as sqlite:./onhand.db, or a PostgreSQL database as postgres://USER:PASSWORD@HOST:PORT/DATABASE.`,
    );
  }
  return resolve(path);
}

function exitNow(reason: string): void {
  process.stderr.write(`onhand: exiting at once: ${reason}\n`);
  process.exit(FATAL_EXIT_CODE);
}

const WEBHOOK_RESPONSE_BYTES_MAX = 4096;

export function webhookOptionsOf(settings: Settings): DeliverOptions {
  return {
    policy: {
      allowHttp: settings.webhooksAllowHttp,
      allowPrivateNetworks: settings.webhooksAllowPrivateNetworks,
    },
    timeoutMs: settings.webhookTimeoutMs,
    responseBytesMax: WEBHOOK_RESPONSE_BYTES_MAX,
    resolve: dnsResolve(),
    userAgent: `onhand/${version()}`,
    now: Date.now,
  };
}

/** How often a server that is closing lets go of connections that have become idle. */
const IDLE_SWEEP_MS = 50;

export interface RunningServer {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly store: Store;
  /** Finishes what was accepted, then lets go of everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves when it listens.
 *
 * @throws OnhandError `store_unavailable` where another server runs on the same database file, and
 *   Node's own error (`EADDRINUSE` and the like) where the address cannot be had
 */
export async function startServer(settings: Settings): Promise<RunningServer> {
  checkInbox(settings);
  const letGo = holdAlone(settings);
  try {
    const store = await openStore(settings.database, settings);
    try {
      const intake = new Intake(store, settings);
      // Loaded when it is needed: the commands that do not serve start in half the time.
      const { buildServer } = await import('./http/server.ts');
      const feed = new ChangeFeed(store.changes, store.accounts);
      const webhookOptions = webhookOptionsOf(settings);
      const report = (what: string) => (error: unknown) => app.log.error({ err: error }, what);
      const feeds = fileServiceOf({ store, intake, settings, onFailure: report('files failed') });
      const parts = { store, intake, feed, feeds, webhookOptions, settings, version: version() };
      const app = await buildServer(parts);
      const database = shownDatabase(settings.database);
      app.log.info({ version: version(), database }, 'starting');
      await app.listen({ host: settings.host, port: settings.port });
      feeds.start();
      const inbox = inboxOf(settings, { service: feeds, accounts: store.accounts }, app.log);
      inbox?.start();
      const sweeper = new RetentionSweeper({
        batches: store.batches,
        changes: store.changes,
        files: feeds,
        kept: settings,
        onFailure: report('sweep failed'),
      });
      sweeper.start();
      const sender = new WebhookSender({
        webhooks: store.webhooks,
        changes: store.changes,
        accounts: store.accounts,
        feed,
        options: webhookOptions,
        nodeId: randomUUID(),
        onFailure: report('webhooks failed'),
      });
      sender.start();
      let closed: Promise<void> | undefined;
      const close = async (): Promise<void> => {
        app.log.info('closing: what was accepted is finished first');
        // A connection whose answer is still being sent becomes idle only after it: nothing else
        // would close it before its keep-alive time is over.
        const sweep = setInterval(() => app.server.closeIdleConnections(), IDLE_SWEEP_MS);
        try {
          await app.close();
        } finally {
          clearInterval(sweep);
        }
        await inbox?.stop();
        await feeds.stop();
        await sender.stop();
        await sweeper.stop();
        await store.close();
        letGo();
        app.log.info('closed');
      };
      return {
        url: urlOf(app.server.address()),
        store,
        close: () => (closed ??= close()),
      };
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    letGo();
    throw error;
  }
}

interface FeedServiceParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly settings: Settings;
  readonly onFailure: (error: unknown) => void;
}

/** What takes files in and works on them. */
export function fileServiceOf({ settings, ...parts }: FeedServiceParts): FileService {
  const { asOfToleranceSeconds } = settings;
  return new FileService({
    ...parts,
    settings,
    files: new FileStorage(filesDirectoryOf(settings)),
    language: {
      newJsonLineReader: (nowMs) =>
        jsonLineReader({ nowMs, asOfToleranceSeconds, asOfUs: undefined }),
      printFailure: printFailureMessage,
      printWouldChange,
    },
    openStaging,
    isAlone: !isPostgresUrl(settings.database),
  });
}

/** The drop folder, if there is one. */
function inboxOf(
  { inbox, inboxSettleSeconds, fileBytesMax }: Settings,
  parts: { readonly service: FileService; readonly accounts: AccountStore },
  log: { error(what: object, text: string): void },
): DropFolder | undefined {
  if (inbox === null) return undefined;
  return new DropFolder({
    ...parts,
    directory: resolve(inbox),
    settleSeconds: inboxSettleSeconds,
    fileBytesMax,
    onFailure: (error) => log.error({ err: error }, 'drop folder failed'),
  });
}

/** Throws `parameter_invalid` where files cannot be taken as the settings have it. */
function checkInbox(settings: Settings): void {
  const { inbox } = settings;
  if (inbox === null) return;
  if (!existsSync(inbox) || !statSync(inbox).isDirectory()) {
    throw new OnhandError('parameter_invalid', `The drop folder ${inbox} is not there.`);
  }
  if (filesDirectoryOf(settings) === null) {
    throw new OnhandError(
      'parameter_invalid',
      'A drop folder needs a folder for files; name one as ONHAND_FILES_DIRECTORY.',
    );
  }
}

function filesDirectoryOf({ database, filesDirectory }: Settings): string | null {
  if (filesDirectory !== null) return resolve(filesDirectory);
  return isPostgresUrl(database) ? null : `${sqlitePath(database)}-files`;
}

/** Makes this the only server on a database file; on PostgreSQL there may be any number. */
function holdAlone({ database, host, port }: Settings): () => void {
  if (isPostgresUrl(database)) return () => undefined;
  const holder = `process ${process.pid} on ${host}:${port}, since ${new Date().toISOString()}`;
  const lock = takeServeLock(sqlitePath(database), holder);
  return () => lock.release();
}

function urlOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** The version of this package. */
export function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest && manifest.version;
  return typeof found === 'string' ? found : 'unknown';
}
