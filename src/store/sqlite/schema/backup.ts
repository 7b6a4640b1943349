import Sqlite from 'better-sqlite3';
import { OnhandError } from '../../../domain/errors.ts';
import { createPrivateFile, openForReading, type ConnectionSettings } from '../connection.ts';

const PAGES_PER_STEP = 4096;

/**
 * Copies a snapshot of a database into a new file, and checks the copy. The database can be served and written to
 * meanwhile; its write-ahead log grows until the copy is done.
 *
 * @param file must not exist
 * @param onProgress called with the number of pages copied
 * @throws OnhandError `store_unavailable` if the database cannot be read or the copy is damaged
 */
export async function backupDatabase(
  settings: ConnectionSettings,
  file: string,
  onProgress: (copiedPages: number, totalPages: number) => void,
): Promise<void> {
  createPrivateFile(file);
  const db = openForReading(settings);
  try {
    // Pins one snapshot: without it, each commit would make SQLite restart the copy.
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    await db.backup(file, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
    check(file);
  } finally {
    db.close();
  }
}

function check(path: string): void {
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
