import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../domain/errors.ts';
import type { ExclusiveLock } from '../driver.ts';

/**
 * Takes the lock that makes one `onhand serve` the only one on a database file.
 *
 * The lock is a tiny SQLite file beside the database, on which a write transaction is kept open: no
 * process id to go stale, and who holds it can be read meanwhile.
 *
 * @param holder who we are, in words that help the one who finds the lock taken
 */
export function takeServeLock(databasePath: string, holder: string): ExclusiveLock {
  const db = new Sqlite(`${databasePath}-serve`, { timeout: 0 });
  try {
    // A rollback journal: with it, readers are not held up by a transaction that is only begun.
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
    // The other is just taking it: that it is taken is all that can be told.
    return undefined;
  }
}
