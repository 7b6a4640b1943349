import { OnhandError } from '../../domain/errors.ts';
import type { DatabaseDriver, StoreSettings } from '../driver.ts';
import { isPostgresUrl, shownUrl } from './connection/pool.ts';
import { PostgresCopySource, PostgresCopyTarget } from './schema/copy.ts';
import { inspect } from './schema/inspect.ts';
import { pendingMigrations } from './schema/migrations.ts';
import { PostgresStore, type PostgresSettings } from './store.ts';

/** A PostgreSQL database, shared by any number of servers. */
export const postgresDriver: DatabaseDriver = {
  urlForm: 'a PostgreSQL database as postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  isShared: true,
  matches: isPostgresUrl,
  shown: shownUrl,
  open: (url, settings) => PostgresStore.open(postgresSettings(url, settings)),
  inspect: (url, settings) => inspect(postgresSettings(url, settings)),
  pendingMigrations: (url, settings) =>
    pendingMigrations(postgresSettings(url, settings), { partitions: 0 }),
  openCopySource: (url, settings) => PostgresCopySource.open(postgresSettings(url, settings)),
  openCopyTarget: (url, settings) => PostgresCopyTarget.open(postgresSettings(url, settings)),
  backUp: async () => {
    throw new OnhandError(
      'parameter_invalid',
      'onhand backs up SQLite databases only. For PostgreSQL, use pg_dump for one database, or pg_basebackup and a log archive for a whole server; see docs/operations.md.',
    );
  },
  lock: () => ({ release: () => undefined }),
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
  };
}
