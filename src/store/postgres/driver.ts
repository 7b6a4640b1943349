import { OnhandError } from '../../domain/errors.ts';
import type { DatabaseDriver, StoreSettings } from '../driver.ts';
import { isPostgresUrl, shownUrl } from './connection/url.ts';
import type { PostgresSettings } from './store.ts';

/**
 * A PostgreSQL database, shared by any number of servers. Each function loads only the modules that it needs, so
 * that commands start fast.
 */
export const postgresDriver: DatabaseDriver = {
  urlForm: 'a PostgreSQL database as postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  isShared: true,
  matches: isPostgresUrl,
  shown: shownUrl,
  open: async (url, settings) => {
    const { PostgresStore } = await import('./store.ts');
    return PostgresStore.open(postgresSettings(url, settings));
  },
  migrate: async (url, settings, onMigrated) => {
    const { PostgresStore } = await import('./store.ts');
    await PostgresStore.migrate(postgresSettings(url, settings), onMigrated);
  },
  openAdmin: async (url, settings) => {
    const { PostgresStore } = await import('./store.ts');
    return PostgresStore.open(postgresSettings(url, settings));
  },
  missingFile: () => null,
  inspect: async function* (url, settings) {
    const { inspect } = await import('./schema/inspect.ts');
    yield* inspect(postgresSettings(url, settings));
  },
  pendingMigrations: async (url, settings) => {
    const { pendingMigrations } = await import('./schema/pending.ts');
    return pendingMigrations(postgresSettings(url, settings), { partitions: 0 });
  },
  distribute: async (url, settings, { dryRun }) => {
    const { distributeDatabase } = await import('./schema/pending.ts');
    return distributeDatabase(postgresSettings(url, settings), dryRun);
  },
  openCopySource: async (url, settings) => {
    const { PostgresCopySource } = await import('./schema/copy.ts');
    return PostgresCopySource.open(postgresSettings(url, settings));
  },
  openCopyTarget: async (url, settings) => {
    const { PostgresCopyTarget } = await import('./schema/copy.ts');
    return PostgresCopyTarget.open(postgresSettings(url, settings));
  },
  file: () => null,
  backUp: async () => {
    throw new OnhandError(
      'parameter_invalid',
      'onhand backs up SQLite databases only. For PostgreSQL, use pg_dump for one database, or pg_basebackup and a log archive for a whole server; see docs/operations.md.',
    );
  },
  lock: async () => ({ release: () => undefined }),
  defaultFilesDirectory: () => null,
};

function postgresSettings(url: string, settings: StoreSettings): PostgresSettings {
  return {
    url,
    connectionsMax: settings.connectionsMax,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    lockTimeoutMs: settings.busyTimeoutMs,
    groupLinesMax: settings.groupLinesMax,
    partitions: 0,
    readDatabase: settings.readDatabase,
    readWaitMs: settings.readWaitMs,
  };
}
