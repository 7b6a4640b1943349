/**
 * The checkpointer: a thread of its own that copies the write-ahead log back into the database file, so
 * that no commit has to. Measured at 1.2 to 1.4 times the lines a second, and a tenth of the longest
 * wait (docs/decisions/0007).
 */
import type { Statement } from 'better-sqlite3';
import { openForCheckpoints, type ConnectionSettings } from '../connection.ts';
import { serveThread } from '../threads.ts';

/**
 * Length of the log, in pages (160 MB), from which it is copied back. Long, since a page that changed
 * often meanwhile is copied once.
 */
const LOG_PAGES_LONG = 80_000;

/** So few pages (8 MB) are left for the writer to copy: some hundredths of a second. */
const LAST_PAGES_MAX = 4000;

/** A pass copies what was there when it began; what came meanwhile is less, so that soon little is left. */
const PASSES_MAX = 6;

/** What the checkpointer can be asked. */
export interface CheckpointerCalls {
  /**
   * Where the log is long, copies it but for the last pages, and says so: the writer, who alone can see to
   * it that none are added, is then to copy those.
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
  return { calls: { copyLongLog }, close: () => db.close() };
});
