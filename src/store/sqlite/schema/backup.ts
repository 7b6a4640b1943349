import { existsSync } from 'node:fs';
import { link, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import { createPrivateFile, openForReading, type ConnectionSettings } from '../connection.ts';

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
  if (existsSync(file)) throw alreadyThere(file);
  const unfinished = `${file}.unfinished`;
  await rm(unfinished, { force: true });
  createPrivateFile(unfinished);
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
    await check(unfinished);
    await sync(unfinished);
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
    if (existsSync(file)) throw alreadyThere(file);
    throw error;
  }
  await unlink(unfinished);
  await sync(dirname(file));
}

async function check(path: string): Promise<void> {
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

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function alreadyThere(file: string): OnhandError {
  return new OnhandError(
    'already_exists',
    `The file ${file} exists already. Name a new file, or remove this one.`,
  );
}
