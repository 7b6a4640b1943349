import type { Database } from 'better-sqlite3';
import type { OnMigrated } from '../driver.ts';
import type { AccountStore, AdminStore, AuditStore } from '../store.ts';
import { SqlAudit } from '../sql/audit.ts';
import { SqlAccounts } from '../sql/accounts.ts';
import { safetyLimitOf, setSafetyLimit } from '../sql/safety-limits.ts';
import { isFailedSync, openForWriting, type ConnectionSettings } from './connection.ts';
import { expectedIntervals, setExpectedInterval } from '../sql/expected-intervals.ts';
import { SqliteDatabase } from './database.ts';
import { SqlitePrincipalCache } from './read/principals.ts';
import { refuseUnfinishedCopy } from './schema/copy.ts';
import { migrate, pendingMigrations } from './schema/migrations.ts';
import { queryRows, runStatements } from './statements.ts';
import { asError, asFailure } from './threads.ts';

interface AdminSettings extends Omit<ConnectionSettings, 'cacheBytesMax'> {
  /** Called when the store can no longer be trusted and the process must exit. */
  readonly onFatal: (reason: string) => void;
}

/** The tables of organizations are small. */
const CACHE_BYTES_MAX = 1 << 20;

/** Runs the pending migrations of a database file in the calling thread. A file that has no schema yet is left alone. */
export function migrateFile(settings: ConnectionSettings, onMigrated: OnMigrated): void {
  // Closing a connection that writes copies the whole log, which takes time: only if there is something to do.
  const { version, steps } = pendingMigrations(settings);
  if (version === 0 || steps.length === 0) return;
  const db = openForWriting(settings);
  try {
    migrate(db, onMigrated);
  } catch (error) {
    throw asError(asFailure(error));
  } finally {
    db.close();
  }
}

/** Organizations on one connection in the calling thread, which waits for the disk: for commands, not for servers. */
export class SqliteAdminStore implements AdminStore {
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly batches: AdminStore['batches'];
  readonly changes: AdminStore['changes'];
  readonly #db: Database;

  private constructor(db: Database, onFatal: AdminSettings['onFatal']) {
    this.#db = db;
    const attempt = async <T>(work: () => T): Promise<T> => {
      try {
        return work();
      } catch (error) {
        if (isFailedSync(error)) onFatal('a sync of the database to the disk failed');
        throw asError(asFailure(error));
      }
    };
    const database = new SqliteDatabase({
      query: (statement) => attempt(() => queryRows(db, statement)),
      run: (statements) =>
        attempt(() => db.transaction(() => runStatements(db, statements)).immediate()),
    });
    this.audit = new SqlAudit(database);
    this.accounts = new SqlAccounts(database, new SqlitePrincipalCache(db));
    this.batches = {
      safetyLimitOf: (supplierId) => safetyLimitOf(database, supplierId),
      setSafetyLimit: (supplierId, limit, author) =>
        setSafetyLimit(database, supplierId, limit, author),
    };
    this.changes = {
      expectedIntervals: () => expectedIntervals(database),
      setExpectedInterval: (supplierId, minutes, author) =>
        setExpectedInterval(database, supplierId, minutes, author),
    };
  }

  /** Opens a database file; creates and migrates it if needed. */
  static open({ onFatal, ...settings }: AdminSettings): SqliteAdminStore {
    const db = openForWriting({ ...settings, cacheBytesMax: CACHE_BYTES_MAX });
    try {
      migrate(db);
      refuseUnfinishedCopy(db);
      return new SqliteAdminStore(db, onFatal);
    } catch (error) {
      db.close();
      throw asError(asFailure(error));
    }
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }
}
