import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OnhandError } from '../../domain/errors.ts';
import type { DatabaseDriver } from '../driver.ts';

const URL_PATTERN = /^sqlite:([^:].*)$/s;

/**
 * One SQLite file, served by one process. URLs are `sqlite:PATH`. Each function loads only the modules that it
 * needs, so that commands start fast.
 */
export const sqliteDriver: DatabaseDriver = {
  urlForm: 'a file as sqlite:PATH, such as sqlite:./onhand.db',
  isShared: false,
  matches: (url) => URL_PATTERN.test(url),
  shown: (url) => url,
  open: async (url, settings, onFatal) => {
    const { SqliteStore } = await import('./store.ts');
    return SqliteStore.open({ ...settings, path: pathOf(url), onFatal });
  },
  migrate: async (url, settings, onMigrated) => {
    const { migrateFile } = await import('./admin.ts');
    migrateFile({ ...settings, path: pathOf(url) }, onMigrated);
  },
  openAdmin: async (url, settings, onFatal) => {
    const { SqliteAdminStore } = await import('./admin.ts');
    return SqliteAdminStore.open({ ...settings, path: pathOf(url), onFatal });
  },
  missingFile: (url) => {
    const path = pathOf(url);
    // A missing folder is an error of its own when the database is opened.
    return existsSync(path) || !existsSync(dirname(path)) ? null : path;
  },
  inspect: async function* (url, settings) {
    const { inspect } = await import('./schema/inspect.ts');
    yield* inspect({ ...settings, path: pathOf(url) });
  },
  pendingMigrations: async (url, settings) => {
    const { pendingMigrations } = await import('./schema/migrations.ts');
    return pendingMigrations({ ...settings, path: pathOf(url) });
  },
  distribute: () => {
    throw new OnhandError(
      'parameter_invalid',
      'An SQLite database is one file and cannot be distributed. Copy it to PostgreSQL with onhand copy.',
    );
  },
  openCopySource: async (url, settings) => {
    const { SqliteCopySource } = await import('./schema/copy.ts');
    return SqliteCopySource.open({ ...settings, path: pathOf(url) });
  },
  openCopyTarget: async (url, settings) => {
    const { SqliteCopyTarget } = await import('./schema/copy.ts');
    return SqliteCopyTarget.open({ ...settings, path: pathOf(url) });
  },
  file: pathOf,
  backUp: async (url, file, onProgress, settings) => {
    const { backupDatabase } = await import('./schema/backup.ts');
    await backupDatabase({ ...settings, path: pathOf(url) }, file, onProgress);
  },
  lock: async (url, holder) => {
    const { takeServeLock } = await import('./lock.ts');
    return takeServeLock(pathOf(url), holder);
  },
  defaultFilesDirectory: (url) => `${pathOf(url)}-files`,
};

function pathOf(url: string): string {
  return resolve(URL_PATTERN.exec(url)?.[1] ?? '');
}
