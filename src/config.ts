/** The only reader of the environment. Every setting is documented in docs/operations.md (tested). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { OnhandError } from './domain/errors.ts';

interface NumberSetting {
  readonly variable: string;
  readonly fallback: number;
  readonly min: number;
}

const MIB = 1024 * 1024;

/** Settings that are whole numbers; each name ends in its unit. */
export const NUMBER_SETTINGS = {
  /** Largest request body, after any decoding. */
  requestBytesMax: { variable: 'ONHAND_REQUEST_BYTES_MAX', fallback: 32 * MIB, min: 1024 },
  /** Most lines in one request. */
  linesMax: { variable: 'ONHAND_LINES_MAX', fallback: 200_000, min: 1 },
  /** Most requests being answered at once; one more is answered 503. */
  openRequestsMax: { variable: 'ONHAND_OPEN_REQUESTS_MAX', fallback: 1000, min: 1 },
  /** Most bytes of bodies and replies that requests hold at once; a body beyond it is answered 503. */
  openBytesMax: { variable: 'ONHAND_OPEN_BYTES_MAX', fallback: 128 * MIB, min: 1024 },
  /** Most clients that wait for changes at once; one more is answered 503. */
  followersMax: { variable: 'ONHAND_FOLLOWERS_MAX', fallback: 5000, min: 0 },
  /** Most lines waiting to be applied; beyond it a request is answered 503. */
  waitingLinesMax: { variable: 'ONHAND_WAITING_LINES_MAX', fallback: 400_000, min: 1 },
  /** Most lines that share one transaction; a larger request is one of its own. */
  groupLinesMax: { variable: 'ONHAND_GROUP_LINES_MAX', fallback: 50_000, min: 1 },
  /** Requests a second that one token may make; 0 is no limit. */
  requestsPerSecondMax: { variable: 'ONHAND_REQUESTS_PER_SECOND_MAX', fallback: 0, min: 0 },
  /** How long a client may take to send a request. */
  requestTimeoutMs: { variable: 'ONHAND_REQUEST_TIMEOUT_MS', fallback: 120_000, min: 1000 },
  /** How long a stream may stand still: nothing comes from its client, or nothing is taken by it. */
  streamIdleTimeoutMs: { variable: 'ONHAND_STREAM_IDLE_TIMEOUT_MS', fallback: 120_000, min: 1000 },
  /** How long a client may take to send a request's headers. */
  headersTimeoutMs: { variable: 'ONHAND_HEADERS_TIMEOUT_MS', fallback: 20_000, min: 1000 },
  /** How long a connection may stay open with nothing to do. */
  keepAliveTimeoutMs: { variable: 'ONHAND_KEEP_ALIVE_TIMEOUT_MS', fallback: 72_000, min: 1000 },
  /** Failed logins by one name from one address within the window; one more is answered 429. */
  loginAttemptsMax: { variable: 'ONHAND_LOGIN_ATTEMPTS_MAX', fallback: 10, min: 1 },
  loginWindowMs: { variable: 'ONHAND_LOGIN_WINDOW_MS', fallback: 15 * 60_000, min: 1000 },
  /** How long a repeated request with an idempotency key is answered as the first was. */
  idempotencyKeptHours: { variable: 'ONHAND_IDEMPOTENCY_KEPT_HOURS', fallback: 24, min: 1 },
  /** How long the failing lines of a batch are kept; never shorter than idempotency keys. */
  resultsKeptHours: { variable: 'ONHAND_RESULTS_KEPT_HOURS', fallback: 7 * 24, min: 1 },
  /** Largest file that is taken, as it is sent. */
  fileBytesMax: { variable: 'ONHAND_FILE_BYTES_MAX', fallback: 2048 * MIB, min: 1024 },
  /** How long a file in the drop folder must have stayed as it is to be taken. */
  inboxSettleSeconds: { variable: 'ONHAND_INBOX_SETTLE_SECONDS', fallback: 10, min: 0 },
  /** How long changes are kept; 0 keeps them all. */
  changesKeptDays: { variable: 'ONHAND_CHANGES_KEPT_DAYS', fallback: 365, min: 0 },
  /** How far in the future the time of a report may lie. */
  asOfToleranceSeconds: { variable: 'ONHAND_AS_OF_TOLERANCE_SECONDS', fallback: 300, min: 0 },
  /** A snapshot that zeroes or discontinues more than this percentage of the live SKUs ... */
  snapshotBreakerPercent: { variable: 'ONHAND_SNAPSHOT_BREAKER_PERCENT', fallback: 50, min: 0 },
  /** ... and at least this number is refused, if the supplier has no safety limit of its own. */
  snapshotBreakerSkusMin: { variable: 'ONHAND_SNAPSHOT_BREAKER_SKUS_MIN', fallback: 100, min: 1 },
  /** InventoryCache for the database's pages. */
  cacheBytesMax: { variable: 'ONHAND_CACHE_BYTES_MAX', fallback: 256 * MIB, min: MIB },
  /** How long an attempt to deliver a webhook's message may take, all in all. */
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
  /** How long a write waits for another process that is writing the same database. */
  busyTimeoutMs: { variable: 'ONHAND_BUSY_TIMEOUT_MS', fallback: 10_000, min: 0 },
  /** Most connections of this process to a PostgreSQL database. */
  connectionsMax: { variable: 'ONHAND_CONNECTIONS_MAX', fallback: 10, min: 1 },
  /** How long to wait for one of them. */
  connectTimeoutMs: { variable: 'ONHAND_CONNECT_TIMEOUT_MS', fallback: 5000, min: 0 },
  /** How long PostgreSQL may take for one statement; 0 is no limit. */
  statementTimeoutMs: { variable: 'ONHAND_STATEMENT_TIMEOUT_MS', fallback: 60_000, min: 0 },
  /** Largest database file; 0 is no limit. Reaching it is answered like a full disk. */
  databaseBytesMax: { variable: 'ONHAND_DATABASE_BYTES_MAX', fallback: 0, min: 0 },
} as const satisfies Readonly<Record<string, NumberSetting>>;

type NumberSettingName = keyof typeof NUMBER_SETTINGS;

/** Settings that are `true` or `false`; all are false where they are not given. */
export const FLAG_SETTINGS = {
  /** Whether webhooks may go by plain http. */
  webhooksAllowHttp: 'ONHAND_WEBHOOKS_ALLOW_HTTP',
  /** Whether webhooks may go to private and loopback addresses. */
  webhooksAllowPrivateNetworks: 'ONHAND_WEBHOOKS_ALLOW_PRIVATE_NETWORKS',
} as const;

type FlagSettingName = keyof typeof FLAG_SETTINGS;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_DATABASE = 'sqlite:./onhand.db';
export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8080;

/** All settings of a server. */
export interface Settings
  extends Readonly<Record<NumberSettingName, number>>, Readonly<Record<FlagSettingName, boolean>> {
  /** `sqlite:PATH` or `postgres://…`. It may contain a password; show it by `shownDatabase` only. */
  readonly database: string;
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Which proxies' `X-Forwarded-*` headers to trust: all, none, or a list of addresses and ranges. */
  readonly trustProxy: boolean | string;
  readonly logLevel: LogLevel;
  /** Where uploaded files are stored; null means beside the database file, on SQLite only. */
  readonly filesDirectory: string | null;
  /** The drop folder; null means none. */
  readonly inbox: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const PROCESS_ENVIRONMENT: Environment = process.env;

/** The API token of commands that connect to a server. */
export function tokenFromEnvironment(environment: Environment): string | undefined {
  return environment['ONHAND_TOKEN'] || undefined;
}

/** Where commands keep the state from which they resume. */
export function stateFolder(environment: Environment): string {
  const base = environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(base, 'onhand');
}

/** The database that commands use by default. */
export function databaseFromEnvironment(environment: Environment): string {
  return environment['ONHAND_DATABASE'] || DEFAULT_DATABASE;
}

/** Settings by the environment and their defaults; `given` wins over both. Throws `parameter_invalid`. */
export function readSettings(
  given: Partial<Settings> = {},
  environment: Environment = PROCESS_ENVIRONMENT,
): Settings {
  return {
    database: databaseFromEnvironment(environment),
    host: DEFAULT_HOST,
    port: DEFAULT_PORT,
    trustProxy: false,
    logLevel: readLogLevel(environment),
    filesDirectory: environment['ONHAND_FILES_DIRECTORY'] || null,
    inbox: environment['ONHAND_INBOX'] || null,
    ...readNumbers(environment),
    webhooksAllowHttp: readFlag(FLAG_SETTINGS.webhooksAllowHttp, environment),
    webhooksAllowPrivateNetworks: readFlag(FLAG_SETTINGS.webhooksAllowPrivateNetworks, environment),
    ...given,
  };
}

function readNumbers(environment: Environment): Record<NumberSettingName, number> {
  const read = (name: NumberSettingName): number => readNumber(NUMBER_SETTINGS[name], environment);
  return {
    requestBytesMax: read('requestBytesMax'),
    linesMax: read('linesMax'),
    openRequestsMax: read('openRequestsMax'),
    openBytesMax: read('openBytesMax'),
    followersMax: read('followersMax'),
    waitingLinesMax: read('waitingLinesMax'),
    groupLinesMax: read('groupLinesMax'),
    requestsPerSecondMax: read('requestsPerSecondMax'),
    requestTimeoutMs: read('requestTimeoutMs'),
    streamIdleTimeoutMs: read('streamIdleTimeoutMs'),
    headersTimeoutMs: read('headersTimeoutMs'),
    keepAliveTimeoutMs: read('keepAliveTimeoutMs'),
    loginAttemptsMax: read('loginAttemptsMax'),
    loginWindowMs: read('loginWindowMs'),
    idempotencyKeptHours: read('idempotencyKeptHours'),
    resultsKeptHours: read('resultsKeptHours'),
    fileBytesMax: read('fileBytesMax'),
    inboxSettleSeconds: read('inboxSettleSeconds'),
    changesKeptDays: read('changesKeptDays'),
    asOfToleranceSeconds: read('asOfToleranceSeconds'),
    snapshotBreakerPercent: read('snapshotBreakerPercent'),
    snapshotBreakerSkusMin: read('snapshotBreakerSkusMin'),
    cacheBytesMax: read('cacheBytesMax'),
    webhookTimeoutMs: read('webhookTimeoutMs'),
    webhooksMax: read('webhooksMax'),
    webhookActionsPerMinuteMax: read('webhookActionsPerMinuteMax'),
    unverifiedWebhookTestsPerHourMax: read('unverifiedWebhookTestsPerHourMax'),
    webhookSendsMax: read('webhookSendsMax'),
    webhookSendsPerOrganizationMax: read('webhookSendsPerOrganizationMax'),
    busyTimeoutMs: read('busyTimeoutMs'),
    connectionsMax: read('connectionsMax'),
    connectTimeoutMs: read('connectTimeoutMs'),
    statementTimeoutMs: read('statementTimeoutMs'),
    databaseBytesMax: read('databaseBytesMax'),
  };
}

function readNumber({ variable, fallback, min }: NumberSetting, environment: Environment): number {
  const text = environment[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
    throw new OnhandError(
      'parameter_invalid',
      `${variable} is "${text}"; a whole number of at least ${min} is needed.`,
    );
  }
  return value;
}

function readFlag(variable: string, environment: Environment): boolean {
  const text = environment[variable] || 'false';
  if (text !== 'true' && text !== 'false') {
    throw new OnhandError(
      'parameter_invalid',
      `${variable} is "${text}"; true or false is needed.`,
    );
  }
  return text === 'true';
}

function readLogLevel(environment: Environment): LogLevel {
  const text = environment['ONHAND_LOG_LEVEL'] || 'info';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) {
    throw new OnhandError(
      'parameter_invalid',
      `ONHAND_LOG_LEVEL is "${text}"; one of ${LOG_LEVELS.join(', ')} is needed.`,
    );
  }
  return level;
}
