/**
 * The one table of settings, each documented in docs/operations.md (tested), and how their values are read. `settings/`
 * finds the values in the environment, the configuration file and credentials.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FORMAT_SETTINGS, type NumberSetting } from './format-settings.ts';

export { FORMAT_SETTINGS, type NumberSetting };

const MIB = 1024 * 1024;

/** Integer settings. Each name ends in its unit. */
export const NUMBER_SETTINGS = {
  /** The port to listen on; 0 means any free port. */
  port: { variable: 'ONHAND_PORT', fallback: 8080, min: 0, max: 65_535 },
  /** The largest request body, after decompression. */
  requestBytesMax: { variable: 'ONHAND_REQUEST_BYTES_MAX', fallback: 32 * MIB, min: 1024 },
  /** The largest body of a request that is not bulk, a stream or an upload, after decoding. */
  smallRequestBytesMax: {
    variable: 'ONHAND_SMALL_REQUEST_BYTES_MAX',
    fallback: 64 * 1024,
    min: 1024,
  },
  /** The largest body in the form encoding `data=<json>`. */
  formBytesMax: { variable: 'ONHAND_FORM_BYTES_MAX', fallback: MIB, min: 1024 },
  /** The most lines in one request. */
  linesMax: { variable: 'ONHAND_LINES_MAX', fallback: 200_000, min: 1 },
  /** The most members of one object, and different member names, in a body of more than 64 KiB. */
  membersMax: { variable: 'ONHAND_MEMBERS_MAX', fallback: 64, min: 20 },
  /** The longest text in quotes in a body of more than 64 KiB. */
  textBytesMax: { variable: 'ONHAND_TEXT_BYTES_MAX', fallback: 64 * 1024, min: 1024 },
  /** The most requests in progress. Further requests are answered 503. */
  openRequestsMax: { variable: 'ONHAND_OPEN_REQUESTS_MAX', fallback: 1000, min: 1 },
  /** The most requests in progress of one organization. Further requests are answered 429. */
  organizationOpenRequestsMax: {
    variable: 'ONHAND_ORGANIZATION_OPEN_REQUESTS_MAX',
    fallback: 500,
    min: 1,
  },
  /** The most memory for request bodies and replies in progress. A body that exceeds it is answered 503. */
  openBytesMax: { variable: 'ONHAND_OPEN_BYTES_MAX', fallback: 128 * MIB, min: 1024 },
  /** The most such memory for one organization. A request that exceeds it is answered 429. */
  organizationOpenBytesMax: {
    variable: 'ONHAND_ORGANIZATION_OPEN_BYTES_MAX',
    fallback: 96 * MIB,
    min: 1024,
  },
  /** The most clients that wait for changes. Further clients are answered 503. */
  followersMax: { variable: 'ONHAND_FOLLOWERS_MAX', fallback: 5000, min: 0 },
  /** The most of them of one organization. Further clients are answered 429. */
  organizationFollowersMax: {
    variable: 'ONHAND_ORGANIZATION_FOLLOWERS_MAX',
    fallback: 2000,
    min: 0,
  },
  /** The most uploads in progress. Further uploads are answered 503. */
  uploadsMax: { variable: 'ONHAND_UPLOADS_MAX', fallback: 200, min: 1 },
  /** The most uploads in progress of one organization. Further uploads are answered 429. */
  organizationUploadsMax: { variable: 'ONHAND_ORGANIZATION_UPLOADS_MAX', fallback: 50, min: 1 },
  /** The most lines in the write queues. A request that exceeds it is answered 503. */
  waitingLinesMax: { variable: 'ONHAND_WAITING_LINES_MAX', fallback: 400_000, min: 1 },
  /** The most lines of one supplier in the write queues. A request that exceeds it is answered 429. */
  organizationWaitingLinesMax: {
    variable: 'ONHAND_ORGANIZATION_WAITING_LINES_MAX',
    fallback: 300_000,
    min: 1,
  },
  /** The most lines in one group commit. A larger request gets a transaction of its own. */
  groupLinesMax: { variable: 'ONHAND_GROUP_LINES_MAX', fallback: 50_000, min: 1 },
  /** The most requests per second and token; 0 means no limit. */
  requestsPerSecondMax: { variable: 'ONHAND_REQUESTS_PER_SECOND_MAX', fallback: 0, min: 0 },
  /** How long a client may take to send a request. */
  requestTimeoutMs: { variable: 'ONHAND_REQUEST_TIMEOUT_MS', fallback: 120_000, min: 1000 },
  /** How long a stream may be idle: its client neither sends nor reads anything. */
  streamIdleTimeoutMs: { variable: 'ONHAND_STREAM_IDLE_TIMEOUT_MS', fallback: 120_000, min: 1000 },
  /** How long a client may take to send the headers of a request. */
  headersTimeoutMs: { variable: 'ONHAND_HEADERS_TIMEOUT_MS', fallback: 20_000, min: 1000 },
  /** The least that a client must send of a request, in bytes per second; 0 means no limit. Slower ones get 408. */
  receiveBytesPerSecondMin: {
    variable: 'ONHAND_RECEIVE_BYTES_PER_SECOND_MIN',
    fallback: 1024,
    min: 0,
  },
  /** The least that a client must read of a reply, in bytes per second; 0 means no limit. Slower ones are cut off. */
  sendBytesPerSecondMin: {
    variable: 'ONHAND_SEND_BYTES_PER_SECOND_MIN',
    fallback: 1024,
    min: 0,
  },
  /** The time over which both are measured. */
  slowPeerGraceMs: { variable: 'ONHAND_SLOW_PEER_GRACE_MS', fallback: 20_000, min: 100 },
  /** The most that is read of a body after its response was sent; then the connection is closed. */
  discardedBytesMax: { variable: 'ONHAND_DISCARDED_BYTES_MAX', fallback: 64 * MIB, min: 0 },
  /** The longest time that is spent on that. */
  discardedMsMax: { variable: 'ONHAND_DISCARDED_MS_MAX', fallback: 30_000, min: 0 },
  /** The most connections of clients. Further ones are closed. */
  clientConnectionsMax: { variable: 'ONHAND_CLIENT_CONNECTIONS_MAX', fallback: 10_000, min: 1 },
  /** The most connections of one client address; 0 means no limit. Further ones are answered 503. */
  clientConnectionsPerAddressMax: {
    variable: 'ONHAND_CLIENT_CONNECTIONS_PER_ADDRESS_MAX',
    fallback: 2000,
    min: 0,
  },
  /** The most requests of a connection that wait for the response to an earlier one. With more, it is closed. */
  pipelinedRequestsMax: { variable: 'ONHAND_PIPELINED_REQUESTS_MAX', fallback: 64, min: 0 },
  /** The least mean size of the chunks of a body, in bytes, if a thousand arrive at once; 0 means no limit. Else it is refused. */
  chunkBytesMin: { variable: 'ONHAND_CHUNK_BYTES_MIN', fallback: 16, min: 0 },
  /** How long an idle connection stays open. */
  keepAliveTimeoutMs: { variable: 'ONHAND_KEEP_ALIVE_TIMEOUT_MS', fallback: 72_000, min: 1000 },
  /** How long a server with an inherited socket lets clients close their connections before it closes. */
  drainMs: { variable: 'ONHAND_DRAIN_MS', fallback: 2000, min: 0 },
  /** The most failed logins per user name and client address within the window. Further attempts are answered 429. */
  loginAttemptsMax: { variable: 'ONHAND_LOGIN_ATTEMPTS_MAX', fallback: 10, min: 1 },
  /** The most failed logins per user name from all networks; each further one doubles a wait, up to a minute. */
  loginAttemptsPerNameMax: { variable: 'ONHAND_LOGIN_ATTEMPTS_PER_NAME_MAX', fallback: 50, min: 1 },
  /** The most logins that wait for their password to be checked; half of them from one network. */
  loginQueueMax: { variable: 'ONHAND_LOGIN_QUEUE_MAX', fallback: 16, min: 1 },
  /** How long the link is valid by which the first user is created. */
  setupMinutes: { variable: 'ONHAND_SETUP_MINUTES', fallback: 60, min: 1 },
  /** How long a browser session lasts without a request. */
  sessionIdleMinutes: { variable: 'ONHAND_SESSION_IDLE_MINUTES', fallback: 720, min: 1 },
  /** How long a browser session lasts at most, in use or not. */
  sessionHoursMax: { variable: 'ONHAND_SESSION_HOURS_MAX', fallback: 168, min: 1 },
  /** The most open requests of one client address to log in or to change a password. Further ones are answered 429. */
  openLoginsPerAddressMax: {
    variable: 'ONHAND_OPEN_LOGINS_PER_ADDRESS_MAX',
    fallback: 100,
    min: 1,
  },
  loginWindowMs: { variable: 'ONHAND_LOGIN_WINDOW_MS', fallback: 15 * 60_000, min: 1000 },
  /** How long idempotency keys are kept: a request repeated within this time gets the first reply again. */
  idempotencyKeptHours: { variable: 'ONHAND_IDEMPOTENCY_KEPT_HOURS', fallback: 24, min: 1 },
  /** How long the failed results of a batch are kept; at least as long as idempotency keys. */
  resultsKeptHours: { variable: 'ONHAND_RESULTS_KEPT_HOURS', fallback: 7 * 24, min: 1 },
  /** The largest uploaded file, before decompression. */
  fileBytesMax: { variable: 'ONHAND_FILE_BYTES_MAX', fallback: 2048 * MIB, min: 1024 },
  /** Most files that are read at once, each in a thread of its own; one more waits. */
  readWorkersMax: { variable: 'ONHAND_READ_WORKERS_MAX', fallback: 2, min: 1 },
  /** Most results of files that are printed at once, each in a thread of its own; one more waits. */
  printWorkersMax: { variable: 'ONHAND_PRINT_WORKERS_MAX', fallback: 4, min: 1 },
  /** The most disk space for results that were printed and not read yet. Further downloads are answered 503. */
  resultSpoolBytesMax: {
    variable: 'ONHAND_RESULT_SPOOL_BYTES_MAX',
    fallback: 1024 * MIB,
    min: MIB,
  },
  /** The most such space of one organization. Its further downloads are answered 429. */
  organizationResultSpoolBytesMax: {
    variable: 'ONHAND_ORGANIZATION_RESULT_SPOOL_BYTES_MAX',
    fallback: 512 * MIB,
    min: MIB,
  },
  /** Stored failed lines, and effects kept with keys, of one supplier's batches, except those of files. The oldest are deleted early. */
  organizationFailedResultsBytesMax: {
    variable: 'ONHAND_ORGANIZATION_FAILED_RESULTS_BYTES_MAX',
    fallback: 256 * MIB,
    min: MIB,
  },
  /** How long a thread that prints waits for a client, while that space is used up, before it ends the download. */
  resultSpoolWaitMs: { variable: 'ONHAND_RESULT_SPOOL_WAIT_MS', fallback: 2000, min: 1 },
  /** Most large bodies that are parsed at once, each in a thread of its own; one more waits. */
  bodyWorkersMax: { variable: 'ONHAND_BODY_WORKERS_MAX', fallback: 2, min: 1 },
  /** How long a thread may work on a file or a body without getting on. */
  workerStallMs: { variable: 'ONHAND_WORKER_STALL_MS', fallback: 30_000, min: 100 },
  /** The heap of a thread that reads or prints, in MiB. */
  workerHeapMib: { variable: 'ONHAND_WORKER_HEAP_MIB', fallback: 256, min: 32 },
  /** The most bytes of stored files per supplier. An upload beyond it is answered 429. */
  supplierFileBytesMax: {
    variable: 'ONHAND_SUPPLIER_FILE_BYTES_MAX',
    fallback: 4096 * MIB,
    min: 1024,
  },
  /** The most stored files per supplier. An upload beyond it is answered 429. */
  supplierFilesMax: { variable: 'ONHAND_SUPPLIER_FILES_MAX', fallback: 10_000, min: 1 },
  /** The most files per supplier that wait to be applied. An upload beyond it is answered 429. */
  supplierQueuedFilesMax: {
    variable: 'ONHAND_SUPPLIER_QUEUED_FILES_MAX',
    fallback: 1000,
    min: 1,
  },
  /** Uploads are answered 503 while the disk of the files has less free space; 0 means no limit. */
  freeDiskBytesMin: { variable: 'ONHAND_FREE_DISK_BYTES_MIN', fallback: 512 * MIB, min: 0 },
  /** SKUs of a file that are remembered to find those with several rows: 37 bytes each, in up to four times as many places. */
  inspectedSkusMax: { variable: 'ONHAND_INSPECTED_SKUS_MAX', fallback: 2_000_000, min: 1 },
  /** How long refused files are kept, if that is shorter than results are kept. */
  refusedFilesKeptHours: { variable: 'ONHAND_REFUSED_FILES_KEPT_HOURS', fallback: 24, min: 0 },
  /** How long a file in the drop folder must be unchanged before it is processed. */
  inboxSettleSeconds: { variable: 'ONHAND_INBOX_SETTLE_SECONDS', fallback: 10, min: 0 },
  /** How long changes are kept; 0 means forever. */
  changesKeptDays: { variable: 'ONHAND_CHANGES_KEPT_DAYS', fallback: 365, min: 0 },
  statisticsKeptDays: { variable: 'ONHAND_STATISTICS_KEPT_DAYS', fallback: 400, min: 0 },
  /** Most SKUs that are read to sort a list of SKUs in an order that no index has. Larger lists are answered 400. */
  sortedSkusMax: { variable: 'ONHAND_SORTED_SKUS_MAX', fallback: 2_000_000, min: 1 },
  /** How far in the future `as_of` may be. */
  asOfToleranceSeconds: { variable: 'ONHAND_AS_OF_TOLERANCE_SECONDS', fallback: 300, min: 0 },
  /**
   * The default safety limit of snapshots, for suppliers without one of their own. A snapshot is refused if it zeroes
   * or discontinues more than this percentage of the live SKUs …
   */
  snapshotBreakerPercent: { variable: 'ONHAND_SNAPSHOT_BREAKER_PERCENT', fallback: 50, min: 0 },
  /** … and at least this number of them. */
  snapshotBreakerSkusMin: { variable: 'ONHAND_SNAPSHOT_BREAKER_SKUS_MIN', fallback: 100, min: 1 },
  /** The memory of SQLite's caches and recent inventory. */
  cacheBytesMax: { variable: 'ONHAND_CACHE_BYTES_MAX', fallback: 256 * MIB, min: MIB },
  /** How many changes SQLite's inventory table may lack. A start after a crash replays them, some hundred thousand a second. */
  recentChangesMax: { variable: 'ONHAND_RECENT_CHANGES_MAX', fallback: 2_000_000, min: 1 },
  /** SQLite writes a batch of more lines, or an undo of more SKUs, in slices of a fifth of this, others' batches between. */
  largeBatchLines: { variable: 'ONHAND_LARGE_BATCH_LINES', fallback: 10_000, min: 1 },
  /** How long one attempt to deliver a webhook message may take in total. */
  webhookTimeoutMs: { variable: 'ONHAND_WEBHOOK_TIMEOUT_MS', fallback: 10_000, min: 100 },
  /** Most webhooks of one organization. */
  webhooksMax: { variable: 'ONHAND_WEBHOOKS_MAX', fallback: 20, min: 0 },
  /** Registrations, resumptions, new URLs and tests of webhooks, per organization and minute. */
  webhookActionsPerMinuteMax: {
    variable: 'ONHAND_WEBHOOK_ACTIONS_PER_MINUTE_MAX',
    fallback: 60,
    min: 1,
  },
  /** Tests of webhooks whose URL has never answered 2xx, per organization and hour. */
  unverifiedWebhookTestsPerHourMax: {
    variable: 'ONHAND_UNVERIFIED_WEBHOOK_TESTS_PER_HOUR_MAX',
    fallback: 10,
    min: 1,
  },
  /** Most messages that a node sends to webhooks at once: in all, … */
  webhookSendsMax: { variable: 'ONHAND_WEBHOOK_SENDS_MAX', fallback: 128, min: 1 },
  /** … and for one organization. */
  webhookSendsPerOrganizationMax: {
    variable: 'ONHAND_WEBHOOK_SENDS_PER_ORGANIZATION_MAX',
    fallback: 16,
    min: 1,
  },
  /** Most recipients of notifications of one organization. */
  recipientsMax: { variable: 'ONHAND_RECIPIENTS_MAX', fallback: 20, min: 0 },
  /** Emails in any day that ask for a confirmation: of one organization, … */
  confirmationEmailsPerDayMax: {
    variable: 'ONHAND_CONFIRMATION_EMAILS_PER_DAY_MAX',
    fallback: 20,
    min: 0,
  },
  /** … and to one mailbox. */
  confirmationEmailsPerMailboxPerDayMax: {
    variable: 'ONHAND_CONFIRMATION_EMAILS_PER_MAILBOX_PER_DAY_MAX',
    fallback: 3,
    min: 0,
  },
  /** Delivery attempts that are kept per webhook. */
  webhookAttemptsKept: { variable: 'ONHAND_WEBHOOK_ATTEMPTS_KEPT', fallback: 100, min: 1 },
  /** How much of each request and of each response is stored with an attempt. */
  webhookExcerptBytesMax: {
    variable: 'ONHAND_WEBHOOK_EXCERPT_BYTES_MAX',
    fallback: 4096,
    min: 0,
    max: 64 * 1024,
  },
  /** How long a write waits for another process that holds the write lock of the SQLite database. */
  busyTimeoutMs: { variable: 'ONHAND_BUSY_TIMEOUT_MS', fallback: 10_000, min: 0 },
  /** The most connections of this process to PostgreSQL. */
  connectionsMax: { variable: 'ONHAND_CONNECTIONS_MAX', fallback: 10, min: 1 },
  /** How long to wait for a connection from the pool. */
  connectTimeoutMs: { variable: 'ONHAND_CONNECT_TIMEOUT_MS', fallback: 5000, min: 0 },
  /** How long a read waits for the standby of PostgreSQL that answers reads, before the primary answers. */
  readWaitMs: { variable: 'ONHAND_READ_WAIT_MS', fallback: 100, min: 0 },
  /** How long one PostgreSQL statement may run; 0 means no limit. */
  statementTimeoutMs: { variable: 'ONHAND_STATEMENT_TIMEOUT_MS', fallback: 60_000, min: 0 },
  /** The largest SQLite database file; 0 means no limit. Reaching it has the effects of a full disk. */
  databaseBytesMax: { variable: 'ONHAND_DATABASE_BYTES_MAX', fallback: 0, min: 0 },
  /** How long after a scheduled backup the next one is made. */
  backupEveryHours: { variable: 'ONHAND_BACKUP_EVERY_HOURS', fallback: 24, min: 1 },
  /** How many of the latest backups are kept in the directory. */
  backupsKept: { variable: 'ONHAND_BACKUPS_KEPT', fallback: 7, min: 1 },
  /** For how many days all of them are kept, beyond that number. */
  backupsKeptDays: { variable: 'ONHAND_BACKUPS_KEPT_DAYS', fallback: 0, min: 0 },
} as const satisfies Readonly<Record<string, NumberSetting>>;

type NumberSettingName = keyof typeof NUMBER_SETTINGS;

/** Boolean settings; the default is `false`. */
export const FLAG_SETTINGS = {
  /** Whether session cookies are for TLS only even if requests seem to come without it. */
  secureCookies: 'ONHAND_SECURE_COOKIES',
  /** Whether `onhand_supplier_late` has a series per supplier. */
  metricsPerSupplier: 'ONHAND_METRICS_PER_SUPPLIER',
  /** Whether `onhand_change_feed_lag_seconds` has a series per organization. */
  metricsPerReader: 'ONHAND_METRICS_PER_READER',
  /** Whether emails may be handed without TLS to a mail server on a loopback address. */
  smtpAllowPlain: 'ONHAND_SMTP_ALLOW_PLAIN',
  /** Whether webhooks may use plain http. */
  webhooksAllowHttp: 'ONHAND_WEBHOOKS_ALLOW_HTTP',
  /** Whether webhooks may call private and loopback addresses. */
  webhooksAllowPrivateNetworks: 'ONHAND_WEBHOOKS_ALLOW_PRIVATE_NETWORKS',
} as const;

type FlagSettingName = keyof typeof FLAG_SETTINGS;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_DATABASE = 'sqlite:./onhand.db';
export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = NUMBER_SETTINGS.port.fallback;

/** Integer settings that have no value by default. */
export const OPTIONAL_NUMBER_SETTINGS = {
  /** Where `/metrics` is served by itself; without it nowhere. 0 means any free port. */
  metricsPort: { variable: 'ONHAND_METRICS_PORT', min: 0, max: 65_535 },
} as const satisfies Readonly<Record<string, Omit<NumberSetting, 'fallback'>>>;

interface TextSetting {
  readonly variable: string;
  readonly fallback: string | null;
  /** What a value may be, for people. */
  readonly allowed: string;
  /** Whether it is or contains a secret: it may be in a file of its own, and is masked where it is shown. */
  readonly isSecret?: true;
}

/** Settings that are texts. */
export const TEXT_SETTINGS = {
  database: {
    variable: 'ONHAND_DATABASE',
    fallback: DEFAULT_DATABASE,
    allowed: 'sqlite:PATH or postgres://…',
    isSecret: true,
  },
  readDatabase: {
    variable: 'ONHAND_READ_DATABASE',
    fallback: null,
    allowed: 'a standby of ONHAND_DATABASE, as postgres://…',
    isSecret: true,
  },
  host: { variable: 'ONHAND_HOST', fallback: DEFAULT_HOST, allowed: 'an address or host name' },
  trustProxy: {
    variable: 'ONHAND_TRUST_PROXY',
    fallback: 'false',
    allowed: 'true, false, or addresses and CIDR ranges, comma-separated',
  },
  logLevel: { variable: 'ONHAND_LOG_LEVEL', fallback: 'info', allowed: LOG_LEVELS.join(', ') },
  filesDirectory: { variable: 'ONHAND_FILES_DIRECTORY', fallback: null, allowed: 'a path' },
  inbox: { variable: 'ONHAND_INBOX', fallback: null, allowed: 'a path' },
  backupDirectory: { variable: 'ONHAND_BACKUP_DIRECTORY', fallback: null, allowed: 'a path' },
  backupRecipients: {
    variable: 'ONHAND_BACKUP_RECIPIENTS',
    fallback: null,
    allowed: 'public keys of age, which begin with age1, comma-separated',
  },
  notifyUrl: {
    variable: 'ONHAND_NOTIFY_URL',
    fallback: null,
    allowed: 'an address that starts with https://',
    isSecret: true,
  },
  notifyEmail: { variable: 'ONHAND_NOTIFY_EMAIL', fallback: null, allowed: 'email addresses' },
  notifyFrom: { variable: 'ONHAND_NOTIFY_FROM', fallback: null, allowed: 'an email address' },
  smtpUrl: {
    variable: 'ONHAND_SMTP_URL',
    fallback: null,
    allowed: 'smtp://USER:PASSWORD@HOST:PORT or smtps://…',
    isSecret: true,
  },
  dashboardPath: {
    variable: 'ONHAND_DASHBOARD_PATH',
    fallback: '/',
    allowed: 'off, /, or a path such as /dashboard/',
  },
  metricsHost: {
    variable: 'ONHAND_METRICS_HOST',
    fallback: DEFAULT_HOST,
    allowed: 'an address or host name',
  },
  metricsToken: {
    variable: 'ONHAND_METRICS_TOKEN',
    fallback: null,
    allowed: 'at least 16 characters, without spaces; `openssl rand -hex 20` prints one',
    isSecret: true,
  },
  /** The server that commands such as `push` connect to. */
  url: {
    variable: 'ONHAND_URL',
    fallback: `http://${DEFAULT_HOST}:${DEFAULT_PORT}`,
    allowed: 'an address that starts with http:// or https://',
  },
  /** Their API token. */
  token: { variable: 'ONHAND_TOKEN', fallback: null, allowed: 'a token', isSecret: true },
} as const satisfies Readonly<Record<string, TextSetting>>;

/** One setting, whatever its kind. */
export interface SettingDefinition {
  readonly variable: string;
  readonly kind: 'number' | 'flag' | 'text';
  /** As a value is written in the environment; null means none. */
  readonly fallback: string | null;
  /** What a value may be, for people. */
  readonly allowed: string;
  readonly isSecret: boolean;
}

/** Every setting. */
export const SETTINGS: readonly SettingDefinition[] = [
  ...Object.values<TextSetting>(TEXT_SETTINGS).map((setting) => ({
    ...setting,
    kind: 'text' as const,
    isSecret: setting.isSecret ?? false,
  })),
  ...Object.values<NumberSetting>({ ...NUMBER_SETTINGS, ...FORMAT_SETTINGS }).map((setting) => ({
    variable: setting.variable,
    kind: 'number' as const,
    fallback: String(setting.fallback),
    allowed: numbersAllowed(setting),
    isSecret: false,
  })),
  ...Object.values<Omit<NumberSetting, 'fallback'>>(OPTIONAL_NUMBER_SETTINGS).map((setting) => ({
    variable: setting.variable,
    kind: 'number' as const,
    fallback: null,
    allowed: numbersAllowed(setting),
    isSecret: false,
  })),
  ...Object.values(FLAG_SETTINGS).map((variable) => ({
    variable,
    kind: 'flag' as const,
    fallback: 'false',
    allowed: 'true or false',
    isSecret: false,
  })),
];

/** All settings of a server. */
export interface Settings
  extends Readonly<Record<NumberSettingName, number>>, Readonly<Record<FlagSettingName, boolean>> {
  /** `sqlite:PATH` or `postgres://…`. It may contain a password: print it with `shownDatabase` only. */
  readonly database: string;
  /** A standby of PostgreSQL that answers reads; null means none. */
  readonly readDatabase: string | null;
  readonly host: string;
  /** The proxies whose `X-Forwarded-*` headers are trusted: all, none, or a list of addresses and ranges. */
  readonly trustProxy: boolean | string;
  readonly logLevel: LogLevel;
  /** Where uploaded files are stored. null means next to the database file (SQLite only). */
  readonly filesDirectory: string | null;
  /** The drop folder; null means none. */
  readonly inbox: string | null;
  /** Where scheduled backups are stored; null means that there are none. */
  readonly backupDirectory: string | null;
  /** Public keys of age for which backups are encrypted; none means no encryption. */
  readonly backupRecipients: readonly string[];
  /** Where notifications are posted, who gets them as emails, from whom, and the server that sends them. */
  readonly notifyUrl: string | null;
  readonly notifyEmail: string | null;
  readonly notifyFrom: string | null;
  readonly smtpUrl: string | null;
  /** Where the dashboard is served, with a slash at both ends; null means nowhere. */
  readonly dashboardPath: string | null;
  /** Where `/metrics` is served by itself; null means nowhere, port 0 any free one. */
  readonly metricsHost: string;
  readonly metricsPort: number | null;
  /** What guards the metrics. Without it they are not served beside the API. */
  readonly metricsToken: string | null;
  /** How much of a file is read. */
  readonly formatLimits: Readonly<Record<keyof typeof FORMAT_SETTINGS, number>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const PROCESS_ENVIRONMENT: Environment = process.env;

/** Where commands keep the state from which they resume. */
export function stateFolder(environment: Environment): string {
  const base = environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(base, 'onhand');
}

/** What a number setting may be, for people. */
export function numbersAllowed({ min, max }: Omit<NumberSetting, 'fallback'>): string {
  return max === undefined
    ? `a whole number of at least ${min}`
    : `a whole number from ${min} to ${max}`;
}
