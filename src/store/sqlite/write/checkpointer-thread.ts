/**
 * The checkpointer thread, which copies the write-ahead log into the database file, so that no commit has to.
 * Measured at 1.2 to 1.4 times the lines per second, and a tenth of the longest wait (docs/decisions/0007).
 */
import type { Statement } from 'better-sqlite3';
import { openForCheckpoints, type ConnectionSettings } from '../connection.ts';
import { serveThread } from '../threads.ts';

/**
 * The length in pages (160 MB) from which the log is copied. It is large, since a page that changed several
 * times is copied only once.
 */
const LOG_PAGES_LONG = 80_000;

/** The most pages (8 MB) left for the writer to copy, in some hundredths of a second. */
const LAST_PAGES_MAX = 4000;

/** Each pass copies the pages added during the previous one, so that few are left soon. */
const PASSES_MAX = 6;

/** The calls of the checkpointer thread. */
export interface CheckpointerCalls {
  /**
   * Copies a long log except for its last pages; returns whether it did. The writer must then copy the
   * rest, since only it can prevent new pages.
   */
  readonly copyLongLog: () => boolean;
}

type Row = [busy: number, logPages: number, copiedPages: number];

serveThread<ConnectionSettings, CheckpointerCalls>((settings) => {
  const db = openForCheckpoints(settings);
  const checkpoint = (mode: 'NOOP' | 'PASSIVE'): Statement<[], Row> =>
    db.prepare<[], Row>(`PRAGMA wal_checkpoint(${mode})`).raw();
  const [look, copy] = [checkpoint('NOOP'), checkpoint('PASSIVE')];
  const copyLongLog = (): boolean => {
    for (let pass = 0; ; pass += 1) {
      const [, logPages, copiedPages] = look.get() ?? [0, 0, 0];
      if (pass === 0 && logPages < LOG_PAGES_LONG) return false;
      if (logPages - copiedPages <= LAST_PAGES_MAX || pass === PASSES_MAX) return true;
      copy.get();
    }
  };
  return { calls: { copyLongLog }, close: () => void db.close() };
});
