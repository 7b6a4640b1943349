import { resolve, dirname } from 'node:path';
import type { DatabaseDriver, ExclusiveLock } from '../driver.ts';
import { SqliteCopySource, SqliteCopyTarget } from './schema/copy.ts';
import { inspect } from './schema/inspect.ts';
import { pendingMigrations } from './schema/migrations.ts';
import { SqliteStore } from './store.ts';
import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../domain/errors.ts';
import { existsSync } from 'node:fs';
import { link, open, rm, unlink } from 'node:fs/promises';
import { openForReading, type ConnectionSettings } from './connection.ts';

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

/**
 * Takes the lock that permits only one `onhand serve` per database file.
 *
 * The lock is an open write transaction on a small SQLite file beside the database. It cannot go stale as a
 * process ID can, and others can read who holds it.
 *
 * @param holder describes this process to a process that finds the lock taken
 */
export function takeServeLock(databasePath: string, holder: string): ExclusiveLock {
  const db = new Sqlite(`${databasePath}-serve`, { timeout: 0 });
  try {
    // With a rollback journal, a transaction that has written nothing does not block readers.
    db.pragma('journal_mode = DELETE');
    db.exec(
      'BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS holder (name TEXT) STRICT; DELETE FROM holder;',
    );
    db.prepare('INSERT INTO holder VALUES (?)').run(holder);
    db.exec('COMMIT; BEGIN IMMEDIATE');
  } catch (error) {
    const first = holderOf(db);
    db.close();
    if (!(error instanceof Sqlite.SqliteError) || error.code !== 'SQLITE_BUSY') throw error;
    throw new OnhandError(
      'store_unavailable',
      `Another server is running on ${databasePath}${first === undefined ? '' : ` (${first})`}. One database file has one server: stop that one first, or give this one another --database.`,
    );
  }
  return { release: () => db.close() };
}

function holderOf(db: Sqlite.Database): string | undefined {
  try {
    const row = db.prepare<[], [string]>('SELECT name FROM holder').raw().get();
    return row?.[0];
  } catch {
    // The holder is just taking the lock and has not written its description yet.
    return undefined;
  }
}

const PAGES_PER_STEP = 4096;

/**
 * Copies a snapshot of a database into a new file. The file appears only when it is complete, checked and durable.
 * The database can be served and written to during the copy; its write-ahead log grows until the copy is done.
 *
 * @param onProgress called with the number of pages copied
 * @throws OnhandError `already_exists` if the file exists, `store_unavailable` if the database cannot be read or the
 *   copy is damaged
 */
export async function backupDatabase(
  settings: ConnectionSettings,
  file: string,
  onProgress: (copiedPages: number, totalPages: number) => void,
): Promise<void> {
  if (existsSync(file)) throw alreadyExists(file);
  const unfinished = `${file}.unfinished`;
  await rm(unfinished, { force: true });
  const db = openForReading(settings);
  try {
    // Pins one snapshot: without it, each commit would make SQLite restart the copy.
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    await db.backup(unfinished, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
    await checkCopy(unfinished);
    await syncToDisk(unfinished);
    await publish(unfinished, file);
  } finally {
    db.close();
    await rm(unfinished, { force: true });
  }
}

/** Never replaces an existing file, even one that was created during the copy. */
async function publish(unfinished: string, file: string): Promise<void> {
  try {
    await link(unfinished, file);
  } catch (error) {
    if (existsSync(file)) throw alreadyExists(file);
    throw error;
  }
  await unlink(unfinished);
  await syncToDisk(dirname(file));
}

async function checkCopy(path: string): Promise<void> {
  const copy = new Sqlite(path);
  try {
    // Makes the copy a single file without a log.
    copy.pragma('journal_mode = DELETE');
    const problems = copy.pragma('integrity_check(1)', { simple: true });
    if (problems === 'ok') return;
    throw new OnhandError('store_unavailable', `The copy is damaged: ${String(problems)}`);
  } finally {
    copy.close();
  }
}

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function alreadyExists(file: string): OnhandError {
  return new OnhandError(
    'already_exists',
    `The file ${file} exists already. Name a new file, or remove this one.`,
  );
}
