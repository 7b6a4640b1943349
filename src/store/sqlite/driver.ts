import { resolve } from 'node:path';
import type { DatabaseDriver } from '../driver.ts';
import { takeServeLock } from './lock.ts';
import { backupDatabase } from './schema/backup.ts';
import { SqliteCopySource, SqliteCopyTarget } from './schema/copy.ts';
import { inspect } from './schema/inspect.ts';
import { pendingMigrations } from './schema/migrations.ts';
import { SqliteStore } from './store.ts';

const URL_PATTERN = /^sqlite:([^:].*)$/s;

/** One SQLite file, served by one process. URLs are `sqlite:PATH`. */
export const sqliteDriver: DatabaseDriver = {
  urlForm: 'a file as sqlite:PATH, such as sqlite:./onhand.db',
  isShared: false,
  matches: (url) => URL_PATTERN.test(url),
  shown: (url) => url,
  open: (url, settings, onFatal) => SqliteStore.open({ ...settings, path: pathOf(url), onFatal }),
  inspect: (url, settings) => inspect({ ...settings, path: pathOf(url) }),
  pendingMigrations: async (url, settings) => pendingMigrations({ ...settings, path: pathOf(url) }),
  openCopySource: async (url, settings) =>
    SqliteCopySource.open({ ...settings, path: pathOf(url) }),
  openCopyTarget: async (url, settings) =>
    SqliteCopyTarget.open({ ...settings, path: pathOf(url) }),
  backUp: (url, file, onProgress, settings) =>
    backupDatabase({ ...settings, path: pathOf(url) }, file, onProgress),
  lock: (url, holder) => takeServeLock(pathOf(url), holder),
  defaultFilesDirectory: (url) => `${pathOf(url)}-files`,
};

function pathOf(url: string): string {
  return resolve(URL_PATTERN.exec(url)?.[1] ?? '');
}
