/** Reads the values of settings. `sources.ts` finds where they were given. */
import {
  DEFAULT_DATABASE,
  DEFAULT_HOST,
  FLAG_SETTINGS,
  FORMAT_SETTINGS,
  LOG_LEVELS,
  NUMBER_SETTINGS,
  numbersAllowed,
  OPTIONAL_NUMBER_SETTINGS,
  PROCESS_ENVIRONMENT,
  TEXT_SETTINGS,
  type Environment,
  type LogLevel,
  type NumberSetting,
  type Settings,
} from '../config.ts';
import { OnhandError } from '../domain/errors.ts';

/** The values of settings as texts, by variable; a missing or empty one was not given. */
export interface GivenSettings {
  readonly values: Environment;
  /** What complaints call a setting: its variable, or its key in a file and the line. */
  nameOf(variable: string): string;
}

/** Settings from the environment only. */
export function givenIn(environment: Environment): GivenSettings {
  return { values: environment, nameOf: (variable) => variable };
}

/** Reads the settings: `overrides` first, then what was given, then the defaults. Throws `parameter_invalid`. */
export function readSettings(
  overrides: Partial<Settings> = {},
  environment: Environment = PROCESS_ENVIRONMENT,
): Settings {
  return readGivenSettings(givenIn(environment), overrides);
}

/** Does the same as `readSettings` for settings from any source. */
export function readGivenSettings(
  given: GivenSettings,
  overrides: Partial<Settings> = {},
): Settings {
  const text = (name: keyof typeof TEXT_SETTINGS): string | null =>
    given.values[TEXT_SETTINGS[name].variable] || TEXT_SETTINGS[name].fallback;
  return {
    database: text('database') ?? DEFAULT_DATABASE,
    readDatabase: text('readDatabase'),
    host: text('host') ?? DEFAULT_HOST,
    trustProxy: readTrustProxy(given),
    logLevel: readLogLevel(given),
    filesDirectory: text('filesDirectory'),
    inbox: text('inbox'),
    backupDirectory: text('backupDirectory'),
    notifyUrl: text('notifyUrl'),
    notifyEmail: text('notifyEmail'),
    notifyFrom: text('notifyFrom'),
    smtpUrl: readSmtpUrl(given),
    backupRecipients: readBackupRecipients(given),
    dashboardPath: readDashboardPath(given),
    metricsHost: text('metricsHost') ?? DEFAULT_HOST,
    metricsPort: readMetricsPort(given),
    metricsToken: readMetricsToken(given),
    formatLimits: mapValues(FORMAT_SETTINGS, (setting) => readNumber(setting, given)),
    ...mapValues(NUMBER_SETTINGS, (setting) => readNumber(setting, given)),
    ...mapValues(FLAG_SETTINGS, (variable) => readFlag(variable, given)),
    ...overrides,
  };
}

/** What is wrong with each value that was given, one sentence per setting. */
export function complaintsAbout(given: GivenSettings): readonly string[] {
  const readers: readonly (() => unknown)[] = [
    () => readTrustProxy(given),
    () => readLogLevel(given),
    () => readDashboardPath(given),
    () => readMetricsPort(given),
    () => readMetricsToken(given),
    () => readBackupRecipients(given),
    () => readSmtpUrl(given),
    ...Object.values<NumberSetting>({ ...NUMBER_SETTINGS, ...FORMAT_SETTINGS }).map(
      (setting) => () => readNumber(setting, given),
    ),
    ...Object.values(FLAG_SETTINGS).map((variable) => () => readFlag(variable, given)),
  ];
  return readers.flatMap((read) => {
    try {
      read();
      return [];
    } catch (error) {
      if (error instanceof OnhandError) return [error.message];
      throw error;
    }
  });
}

/** Maps the values of a record, and keeps its keys. */
function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  map: (value: A) => B,
): Record<K, B>;
function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function invalid(given: GivenSettings, variable: string, must: string): OnhandError {
  const text = given.values[variable] ?? '';
  return new OnhandError(
    'parameter_invalid',
    `${given.nameOf(variable)} is "${text}"; it must be ${must}.`,
  );
}

function readNumber(setting: NumberSetting, given: GivenSettings): number {
  const { variable, fallback, min, max = Number.MAX_SAFE_INTEGER } = setting;
  const text = given.values[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw invalid(given, variable, numbersAllowed(setting));
}

function readFlag(variable: string, given: GivenSettings): boolean {
  const text = given.values[variable] || 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(given, variable, 'true or false');
}

function readTrustProxy(given: GivenSettings): boolean | string {
  const { variable, fallback, allowed } = TEXT_SETTINGS.trustProxy;
  const text = given.values[variable] || fallback;
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^[\w.:/]+(?: *, *[\w.:/]+)*$/.test(text)) return text;
  throw invalid(given, variable, allowed);
}

function readDashboardPath(given: GivenSettings): string | null {
  const { variable, fallback } = TEXT_SETTINGS.dashboardPath;
  const text = given.values[variable] || fallback;
  if (text === 'off') return null;
  const path = text.endsWith('/') ? text : `${text}/`;
  if (/^\/(?:[\w-]+\/)*$/.test(path) && !/^\/(?:timp|docs|download)\//.test(path)) return path;
  throw invalid(
    given,
    variable,
    'off, /, or a path such as /dashboard/, outside of /timp, /docs and /download',
  );
}

function readMetricsPort(given: GivenSettings): number | null {
  const setting = OPTIONAL_NUMBER_SETTINGS.metricsPort;
  return given.values[setting.variable] ? readNumber({ ...setting, fallback: 0 }, given) : null;
}

/** The complaint does not repeat the value, which may be a private key in the wrong place. */
function readBackupRecipients(given: GivenSettings): readonly string[] {
  const { variable, allowed } = TEXT_SETTINGS.backupRecipients;
  const keys = (given.values[variable] ?? '').split(',').map((key) => key.trim());
  const recipients = keys.filter((key) => key !== '');
  if (recipients.every((key) => /^age1[0-9a-z]+$/.test(key))) return recipients;
  throw new OnhandError('parameter_invalid', `${given.nameOf(variable)} must be ${allowed}.`);
}

/** The complaint does not repeat the URL, which may contain a password. */
function readSmtpUrl(given: GivenSettings): string | null {
  const { variable, allowed } = TEXT_SETTINGS.smtpUrl;
  const text = given.values[variable] || null;
  const url = text === null ? null : URL.parse(text);
  if (text === null || (url !== null && /^smtps?:$/.test(url.protocol) && url.hostname !== ''))
    return text;
  throw new OnhandError('parameter_invalid', `${given.nameOf(variable)} must be ${allowed}.`);
}

/** The complaint does not repeat the token. */
function readMetricsToken(given: GivenSettings): string | null {
  const { variable, allowed } = TEXT_SETTINGS.metricsToken;
  const token = given.values[variable] || null;
  if (token === null || /^[!-~]{16,}$/.test(token)) return token;
  throw new OnhandError('parameter_invalid', `${given.nameOf(variable)} must have ${allowed}.`);
}

function readLogLevel(given: GivenSettings): LogLevel {
  const { variable, fallback, allowed } = TEXT_SETTINGS.logLevel;
  const text = given.values[variable] || fallback;
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw invalid(given, variable, `one of ${allowed}`);
  return level;
}
