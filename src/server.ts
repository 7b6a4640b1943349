/** Starts a server: creates each room's parts and connects them. Production and tests start here. */
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { BackupSchedule } from './backup/schedule.ts';
import { ChangeFeed } from './changes/change-feed.ts';
import { LateSuppliers } from './changes/late-suppliers.ts';
import type { ExpectedReport } from './domain/changes.ts';
import type { Settings } from './config.ts';
import { databaseFile, driverOf, migrateDatabase, openStore, shownDatabase } from './databases.ts';
import { OnhandError } from './domain/errors.ts';
import { ENDED_STATES, type FileRecord } from './domain/files.ts';
import type { DemoLogin, Organization } from './domain/parties.ts';
import { DiskQuota } from './files/disk-quota.ts';
import { DropFolder } from './files/drop-folder.ts';
import { FileService } from './files/service.ts';
import { FileStorage } from './files/storage.ts';
import type { BodyTasks } from './http/inventory/bulk-task.ts';
import type { FileTasks, FileWorkers } from './files/tasks.ts';
import { drainConnections } from './http/request/draining.ts';
import type { HttpState } from './http/server.ts';
import { Intake } from './intake/intake.ts';
import { logEvent, type Logger } from './logging/event-log.ts';
import type { FailureName, FieldsOf } from './logging/events.ts';
import { measuredStore } from './metrics/measured-store.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';
import { mailSettingsOf, operatorChannels, type Channel } from './notifications/channels.ts';
import { Notifier } from './notifications/notifier.ts';
import { RecipientNotifier } from './notifications/recipient-notifier.ts';
import { recordingTrips } from './notifications/trips.ts';
import { RepeatedCheck } from './repeated-check.ts';
import { RetentionSweeper } from './intake/retention.ts';
import type { Migration } from './store/driver.ts';
import type { AccountStore, Store } from './store/store.ts';
import { recordBatch, traceIdOf } from './tracing/spans.ts';
import { version } from './version.ts';
import type { DeliverOptions } from './webhooks/attempt.ts';
import { dnsResolve } from './webhooks/http-post.ts';
import { WebhookSender } from './webhooks/sender.ts';
import { printWouldChange } from './wire/lines/results.ts';
import { WorkerPool } from './workers/pool.ts';

/** The operator gets a notification below this many times the free space that uploads need. */
const DISK_WARNING_FACTOR = 2;
/** How often a server that is shutting down closes connections that have become idle. */
const IDLE_SWEEP_MS = 50;
/** How long a server that is shutting down continues to send the results of files. */
const DOWNLOADS_END_WITHIN_MS = 2000;

export interface RunningServer {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly store: Store;
  /** Where the dashboard is, such as `http://127.0.0.1:8080/`; null if it is not served. */
  readonly dashboardUrl: string | null;
  /** Where the metrics are by themselves, such as `http://127.0.0.1:9464/metrics`; null if they are not. */
  readonly metricsUrl: string | null;
  /** The secret with which the first user is created; null if there is a user already. */
  readonly setupSecret: string | null;
  /** Finishes the requests and batches it has accepted, then releases everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves when it listens.
 *
 * @param log where to write log entries, instead of stdout
 * @param demoLogins the users of a demo, which the dashboard offers
 * @param socket the file descriptor of a socket that listens already and stays open when the server closes; the host
 *   and port of the settings are not used then
 * @throws OnhandError `store_unavailable` if another server runs on the same database file; Node's own
 *   error (`EADDRINUSE` etc.) if it cannot listen on the address
 */
export async function startServer(
  settings: Settings,
  log?: { write(entry: string): void },
  demoLogins?: readonly DemoLogin[],
  socket?: number,
): Promise<RunningServer> {
  checkInbox(settings);
  checkBackupDirectory(settings);
  checkReadDatabase(settings);
  const channels = operatorChannels(settings, webhookOptionsOf(settings));
  const { database, host, port } = settings;
  const holder = `process ${process.pid} on ${host}:${port}, since ${new Date().toISOString()}`;
  const lock = await driverOf(database).lock(database, holder);
  try {
    const migrations = await migrateDatabase(database, settings);
    const store = await openStore(database, settings);
    try {
      const unlock = () => lock.release();
      return await serve(settings, store, {
        unlock,
        log,
        demoLogins,
        migrations,
        channels,
        socket,
      });
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface ServeOptions {
  readonly unlock: () => void;
  readonly log: { write(entry: string): void } | undefined;
  readonly demoLogins: readonly DemoLogin[] | undefined;
  readonly channels: readonly Channel[];
  /** Those that ran when the database was opened. */
  readonly migrations: readonly Migration[];
  readonly socket: number | undefined;
}

async function serve(
  settings: Settings,
  opened: Store,
  { unlock, log, demoLogins, migrations, channels, socket }: ServeOptions,
): Promise<RunningServer> {
  // Loaded on demand: commands that do not serve start in half the time.
  const { buildServer } = await import('./http/server.ts');
  const { listen } = await import('./http/listen.ts');
  const { probeOf } = await import('./http/health.ts');
  const { Dashboard, DASHBOARD_FOLDER } = await import('./http/dashboard.ts');
  const { FirstSetup } = await import('./accounts/first-setup.ts');
  const metrics = ServerMetrics.for(settings);
  const store = metrics === undefined ? opened : measuredStore(opened, metrics.record);
  const report = (what: FailureName) => (error: unknown) => logEvent(app.log, what, { err: error });
  const applying = recordingTrips(store, Date.now, report('safety limit not recorded'));
  const intake = new Intake(applying, settings, undefined, (batch, times, error) => {
    metrics?.record.waited(times.takenMs - times.queuedMs);
    recordBatch(batch, times, error);
  });
  const feed = new ChangeFeed(store.changes, store.accounts);
  const webhookOptions = webhookOptionsOf(settings);
  const onEnded = async (file: FileRecord): Promise<void> => {
    const [supplier] = await store.accounts.findOrganizationsById([file.supplierId]);
    logFile(app.log, file, supplier);
    metrics?.record.fileEnded(file.state, file.found?.format ?? null);
  };
  const onFailure = report('files failed');
  const files = fileServiceOf({ store, intake, settings, onEnded, onFailure });
  const bodyWorkers = bodyWorkersOf(settings);
  const setup = new FirstSetup(store.accounts);
  const http = Promise.withResolvers<HttpState>();
  const parts = {
    store,
    intake,
    feed,
    files,
    bodyWorkers,
    webhookOptions,
    settings,
    version: version(),
    setup,
    demoLogins,
    onResultsStored: (supplierId: number, bytes: number) => sweeper.noteStored(supplierId, bytes),
    metrics,
    onState: http.resolve,
    ...(log !== undefined && { log }),
  };
  const app = await buildServer(parts);
  const database = shownDatabase(settings.database);
  logEvent(app.log, 'starting', { version: version(), database });
  // A new database is created, not migrated.
  if (migrations[0]?.from !== 0) {
    for (const { from, to, durationMs } of migrations) {
      logEvent(app.log, 'database migrated', { from, to, ms: Math.round(durationMs) });
    }
  }
  const { host, port } = settings;
  const closeApp = await listen(app, { host, port, socket });

  const dropFolder = dropFolderOf(settings, {
    service: files,
    accounts: store.accounts,
    onIgnored: (folder, reason) =>
      logEvent(app.log, 'drop folder: files are ignored', { folder, reason }),
    onFailure: report('drop folder failed'),
  });
  const sweeper = new RetentionSweeper({
    accounts: store.accounts,
    batches: store.batches,
    changes: store.changes,
    files,
    kept: settings,
    onFailure: report('sweep failed'),
  });
  const late = new LateSuppliers({
    batches: store.batches,
    now: Date.now,
    onLate: (supplier) => logEvent(app.log, 'supplier late', lateEntryOf(supplier)),
    onHeard: (supplier) => logEvent(app.log, 'supplier no longer late', lateEntryOf(supplier)),
    onFailure: report('check for late suppliers failed'),
  });
  const nodeId = randomUUID();
  const sender = new WebhookSender({
    webhooks: store.webhooks,
    changes: store.changes,
    accounts: store.accounts,
    feed,
    options: webhookOptions,
    limits: settings,
    nodeId,
    onFailure: report('webhooks failed'),
    onAttempt: (result) => metrics?.record.attempted(result),
    onPaused: () => metrics?.record.webhookPaused(),
  });
  const recipients = new RecipientNotifier({
    store,
    nodeId,
    mail: mailSettingsOf(settings),
    webhookOptions,
    now: Date.now,
    onFailure: report('notification failed'),
  });
  const backups = backupScheduleOf(settings, {
    now: Date.now,
    onMade: (made) => logEvent(app.log, 'backed up', made),
    onFailure: report('backup failed'),
  });
  const notifier = new Notifier({
    store,
    channels,
    probe: probeOf(store),
    freeDiskBytes: () => files.files.freeBytes(),
    freeDiskBytesMin: DISK_WARNING_FACTOR * settings.freeDiskBytesMin,
    backups: () => backups?.state,
    now: Date.now,
    onFailure: (error, channel) =>
      logEvent(app.log, 'notification failed', { err: error, channel }),
  });
  if (metrics !== undefined) {
    const state = await http.promise;
    const sources = {
      ...state,
      store,
      waitingLines: () => intake.waitingLines,
      budgets: () => ({ ...state.budgets(), waiting_lines: intake.usage() }),
      expectedSuppliers: () => late.expected,
      feedLagsMs: () => ({ ...feed.lagsMs(), webhook: sender.lagsMs() }),
      freeDiskBytes: () => files.files.freeBytes(),
      backups: () => backups?.state,
      isPerSupplier: settings.metricsPerSupplier,
      isPerReader: settings.metricsPerReader,
    };
    try {
      await metrics.start(sources, report('a scrape of the metrics failed'));
    } catch (error) {
      await closeApp();
      throw error;
    }
  }
  files.start();
  dropFolder?.start();
  sweeper.start();
  sender.start();
  const checks = [
    late,
    ...(backups === undefined ? [] : [backups]),
    ...(channels.length > 0 ? [notifier] : []),
    recipients,
  ].map((each) => new RepeatedCheck((signal) => each.check(signal)));

  const close = async (): Promise<void> => {
    logEvent(app.log, 'closing: accepted requests are finished first', {});
    // Those who connect from now on are answered by the next server on the same socket.
    if (socket !== undefined) await drainConnections(app.server, settings.drainMs);
    // A connection becomes idle only after its response is sent. Nothing else would close it before
    // its keep-alive timeout.
    const sweep = setInterval(() => app.server.closeIdleConnections(), IDLE_SWEEP_MS);
    // A download may last as long as its client likes.
    const cut = setTimeout(() => files.stopDownloads(), DOWNLOADS_END_WITHIN_MS);
    try {
      await closeApp();
    } finally {
      clearInterval(sweep);
      clearTimeout(cut);
    }
    await dropFolder?.stop();
    await files.stop();
    bodyWorkers.close();
    await sender.stop();
    await sweeper.stop();
    await backups?.stop();
    for (const check of checks) await check.stop();
    await metrics?.stop();
    await store.close();
    unlock();
    logEvent(app.log, 'closed', {});
  };
  let closed: Promise<void> | undefined;
  const url = urlOf(app.server.address());
  const dashboard = Dashboard.in(DASHBOARD_FOLDER, settings.dashboardPath);
  return {
    url,
    store,
    metricsUrl: metrics?.url ?? null,
    dashboardUrl: dashboard === undefined ? null : `${url}${dashboard.path}`,
    setupSecret: await setup.begin(settings.setupMinutes * 60_000),
    close: () => (closed ??= close()),
  };
}

/** Logs that a file was processed. */
function logFile(log: Logger, file: FileRecord, supplier: Organization | undefined): void {
  const { uuid, filename, rowCount, statusCounts, problem } = file;
  // A held file may have been confirmed by now.
  const state = ENDED_STATES.find((ended) => ended === file.state) ?? 'held';
  logEvent(log, `file ${state}`, {
    organization: supplier?.name,
    file: uuid,
    filename,
    lines: rowCount,
    failed: rowCount - (statusCounts['200'] ?? 0),
    ...(problem !== null && { error: problem.code }),
    ...traceIdOf(file.traceparent),
  });
}

/** The fields of a log entry about a supplier that is or was late. */
function lateEntryOf({
  name,
  intervalMinutes,
  lastHeardAtMs,
}: ExpectedReport): FieldsOf<'supplier late'> {
  return {
    organization: name,
    expected_interval_minutes: intervalMinutes,
    last_heard: lastHeardAtMs === null ? null : new Date(lastHeardAtMs).toISOString(),
  };
}

/** How webhooks are delivered under these settings. */
export function webhookOptionsOf(settings: Settings): DeliverOptions {
  return {
    policy: {
      allowHttp: settings.webhooksAllowHttp,
      allowPrivateNetworks: settings.webhooksAllowPrivateNetworks,
    },
    timeoutMs: settings.webhookTimeoutMs,
    excerptBytesMax: settings.webhookExcerptBytesMax,
    resolve: dnsResolve(),
    userAgent: `onhand/${version()}`,
    now: Date.now,
  };
}

interface FileServiceParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly settings: Settings;
  readonly onEnded: (file: FileRecord) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** The service that accepts files and processes them. */
export function fileServiceOf({ settings, ...parts }: FileServiceParts): FileService {
  const files = new FileStorage(filesDirectoryOf(settings));
  return new FileService({
    ...parts,
    settings,
    files,
    quota: new DiskQuota({
      store: parts.store.files,
      files,
      limits: {
        bytesMax: settings.supplierFileBytesMax,
        filesMax: settings.supplierFilesMax,
        queuedMax: settings.supplierQueuedFilesMax,
        freeBytesMin: settings.freeDiskBytesMin,
      },
    }),
    workers: fileWorkersOf(settings),
    printWouldChange,
    isAlone: !driverOf(settings.database).isShared,
  });
}

/** The worker threads that read and print files. They are started when there is work. */
export function fileWorkersOf(settings: Settings): FileWorkers {
  const pool = (size: number): WorkerPool<FileTasks> =>
    new WorkerPool({ program: workerProgram(), size, budget: settings });
  return { readers: pool(settings.readWorkersMax), printers: pool(settings.printWorkersMax) };
}

/** The worker threads that parse large bodies. */
export function bodyWorkersOf(settings: Settings): WorkerPool<BodyTasks> {
  return new WorkerPool({
    program: workerProgram(),
    size: settings.bodyWorkersMax,
    budget: settings,
  });
}

/** The program of worker threads, which is TypeScript in a checkout. */
function workerProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
}

interface DropFolderParts {
  readonly service: FileService;
  readonly accounts: AccountStore;
  readonly onIgnored: (folder: string, reason: string) => void;
  readonly onFailure: (error: unknown) => void;
}

function dropFolderOf(settings: Settings, parts: DropFolderParts): DropFolder | undefined {
  const { inbox, inboxSettleSeconds, fileBytesMax } = settings;
  if (inbox === null) return undefined;
  return new DropFolder({
    ...parts,
    directory: resolve(inbox),
    settleSeconds: inboxSettleSeconds,
    fileBytesMax,
  });
}

/** Throws `parameter_invalid` if the drop folder does not exist or there is nowhere to store files. */
function checkInbox(settings: Settings): void {
  const { inbox } = settings;
  if (inbox === null) return;
  if (!existsSync(inbox) || !statSync(inbox).isDirectory()) {
    throw new OnhandError('parameter_invalid', `The drop folder ${inbox} does not exist.`);
  }
  if (filesDirectoryOf(settings) === null) {
    throw new OnhandError(
      'parameter_invalid',
      'A drop folder needs a directory for files: set ONHAND_FILES_DIRECTORY.',
    );
  }
}

/** Throws `parameter_invalid` if a standby is named for a database that has none. */
function checkReadDatabase({ database, readDatabase }: Settings): void {
  if (readDatabase === null || databaseFile(database) === null) return;
  throw new OnhandError(
    'parameter_invalid',
    'ONHAND_READ_DATABASE names a standby of PostgreSQL, and ONHAND_DATABASE is SQLite: unset it.',
  );
}

/** Throws `parameter_invalid` if backups are wanted and cannot be made. */
function checkBackupDirectory({ database, backupDirectory }: Settings): void {
  if (backupDirectory === null) return;
  if (databaseFile(database) === null) {
    throw new OnhandError(
      'parameter_invalid',
      'ONHAND_BACKUP_DIRECTORY is for SQLite. Back up PostgreSQL with its own tools, such as pg_dump or pgBackRest, and unset it.',
    );
  }
  if (!existsSync(backupDirectory) || !statSync(backupDirectory).isDirectory()) {
    throw new OnhandError(
      'parameter_invalid',
      `The directory ${backupDirectory} (ONHAND_BACKUP_DIRECTORY) does not exist.`,
    );
  }
}

type ScheduleParts = Pick<
  ConstructorParameters<typeof BackupSchedule>[0],
  'now' | 'onMade' | 'onFailure'
>;

function backupScheduleOf(settings: Settings, parts: ScheduleParts): BackupSchedule | undefined {
  const { database, backupDirectory, backupRecipients: recipients } = settings;
  if (backupDirectory === null) return undefined;
  const kept = { count: settings.backupsKept, days: settings.backupsKeptDays };
  const target = resolve(backupDirectory);
  return new BackupSchedule({
    ...parts,
    order: { database, target, recipients, kept, settings },
    everyMs: settings.backupEveryHours * 3_600_000,
  });
}

function filesDirectoryOf({ database, filesDirectory }: Settings): string | null {
  if (filesDirectory !== null) return resolve(filesDirectory);
  return driverOf(database).defaultFilesDirectory(database);
}

function urlOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
