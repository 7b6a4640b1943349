import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../domain/errors.ts';
import type { ExclusiveLock } from '../driver.ts';
import { createPrivateFile } from './connection.ts';

/**
 * Takes the lock that permits only one `onhand serve` per database file.
 *
 * The lock is an open write transaction on a small SQLite file beside the database. It cannot go stale as a
 * process ID can, and others can read who holds it.
 *
 * @param holder describes this process to a process that finds the lock taken
 */
export function takeServeLock(databasePath: string, holder: string): ExclusiveLock {
  createPrivateFile(`${databasePath}-serve`);
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
