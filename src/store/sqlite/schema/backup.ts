import { existsSync } from 'node:fs';
import { link, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import { openForReading, type ConnectionSettings } from '../connection.ts';

const PAGES_PER_STEP = 4096;

/**
 * Copies a database, all of it as it is at this moment, into a new file, which appears when it is whole, has been
 * checked and is on the disk. Whoever serves the database or writes to it goes on meanwhile; its write-ahead log
 * grows until the copy is done.
 *
 * @param onProgress told how many of the database's pages are copied
 * @throws OnhandError `already_exists` where there is such a file, `store_unavailable` where the database cannot be
 *   read or its copy is damaged
 */
export async function backupDatabase(
  settings: ConnectionSettings,
  file: string,
  onProgress: (copiedPages: number, totalPages: number) => void,
): Promise<void> {
  if (existsSync(file)) throw alreadyThere(file);
  const unfinished = `${file}.unfinished`;
  await rm(unfinished, { force: true });
  const db = openForReading(settings);
  try {
    // One state of the database: what is committed from now on would make SQLite begin its copy anew.
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

/** Nobody's file is replaced, whoever made it meanwhile. */
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
    // A file of its own, with no log beside it.
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
    `There is a file ${file} already; name one that is not there, or remove it.`,
  );
}
