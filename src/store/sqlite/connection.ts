import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { OnhandError } from '../../domain/errors.ts';
import { addAuditHash } from './schema/audit.ts';

/** Settings of every connection to the database file, in every thread. */
export interface ConnectionSettings {
  readonly path: string;
  /** The page cache of this connection, in bytes. */
  readonly cacheBytesMax: number;
  /** How long to wait while another process writes, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** Maximum size of the database file in bytes; 0 is no limit. Reaching it is treated as a full disk. */
  readonly databaseBytesMax: number;
}

/**
 * Half of SQLite's default, since writing the page dominates the cost of a random update. Measured at 1.3
 * to 1.5 times the lines per second (docs/decisions/0003).
 */
const PAGE_BYTES = 2048;

/** The only connection that writes. A commit is durable when it returns (`synchronous=FULL`). */
export function openForWriting(settings: ConnectionSettings): Database {
  createPrivateFile(settings.path);
  const db = open(settings, false);
  // Has an effect only on a new file.
  db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  // The checkpointer thread does this.
  db.pragma('wal_autocheckpoint = 0');
  if (settings.databaseBytesMax > 0) {
    db.pragma(`max_page_count = ${Math.floor(settings.databaseBytesMax / PAGE_BYTES)}`);
  }
  return db;
}

/**
 * Stores what the log contains. A process that was killed during a commit may have left a batch in the log that was not
 * synced. The process that opens the database next shows it, and answers a repeated request with it: then it must be durable.
 * Copying the log into the database syncs it first, which needs no space.
 */
export function syncLog(db: Database): void {
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    // The copy may need space.
    if (primaryCodeOf(error) !== 'SQLITE_FULL') throw error;
  }
}

/** A connection for checkpoints: pages are synced before the log restarts. */
export function openForCheckpoints(settings: ConnectionSettings): Database {
  const db = open(settings, false);
  db.pragma('synchronous = FULL');
  return db;
}

export function openForReading(settings: ConnectionSettings): Database {
  return open(settings, true);
}

/** Only its owner may read a new database. SQLite gives the log and the shared memory the same mode. */
const PRIVATE_MODE = 0o600;

/** Creates an empty file that only its owner may read, unless the file exists already. */
export function createPrivateFile(path: string): void {
  if (existsSync(path) || !existsSync(dirname(path))) return;
  closeSync(openSync(path, 'a', PRIVATE_MODE));
}

function open(settings: ConnectionSettings, readonly: boolean): Database {
  try {
    const db = new Sqlite(settings.path, {
      readonly,
      fileMustExist: readonly,
      timeout: settings.busyTimeoutMs,
    });
    db.pragma('foreign_keys = ON');
    addAuditHash(db);
    db.pragma(`cache_size = -${Math.floor(settings.cacheBytesMax / 1024)}`);
    return db;
  } catch (error) {
    throw cannotOpen(settings.path, error) ?? error;
  }
}

/** Why a database cannot be opened. Contains its path: only the operator sees this error, no client. */
function cannotOpen(path: string, error: unknown): OnhandError | undefined {
  const because = existsSync(path) ? reasonOf(error) : reasonOfMissing(path);
  if (because === undefined) return undefined;
  return new OnhandError('store_unavailable', `The database ${path} cannot be opened. ${because}`, {
    cause: error,
  });
}

function reasonOfMissing(path: string): string {
  return existsSync(dirname(path)) ? 'There is no such file.' : 'There is no such folder.';
}

const BUSY_RETRY_SECONDS = 1;
const FULL_RETRY_SECONDS = 30;

/**
 * The error that a client gets for an SQLite failure; undefined if the failure is a bug and not the
 * environment's. It contains no path.
 */
export function unavailable(error: unknown): OnhandError | undefined {
  const because = reasonOf(error);
  if (because === undefined) return undefined;
  return new OnhandError(
    'store_unavailable',
    `${because} Nothing of this request was applied; send it again later.`,
    {
      retryAfterSeconds:
        primaryCodeOf(error) === 'SQLITE_BUSY' ? BUSY_RETRY_SECONDS : FULL_RETRY_SECONDS,
      cause: error,
    },
  );
}

/** The cause of an SQLite failure, without any path; undefined if it is not the environment's. */
export function reasonOf(error: unknown): string | undefined {
  return REASONS[primaryCodeOf(error)];
}

/** The primary result code of an SQLite failure; empty for any other error. */
function primaryCodeOf(error: unknown): string {
  return error instanceof Sqlite.SqliteError ? (/^SQLITE_[A-Z]+/.exec(error.code)?.[0] ?? '') : '';
}

const REASONS: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'The database is being written by another process.',
  SQLITE_LOCKED: 'The database is locked.',
  SQLITE_FULL: 'The disk that holds the database is full.',
  SQLITE_IOERR: 'The disk that holds the database failed.',
  SQLITE_READONLY: 'The database cannot be written.',
  SQLITE_CANTOPEN: 'The database cannot be opened.',
  SQLITE_CORRUPT: 'The database is damaged.',
  SQLITE_NOTADB: 'The file is not a database.',
  SQLITE_PERM: 'The database may not be accessed.',
};

/**
 * Whether an fsync failed. The page cache can no longer be trusted then, and the only sound recovery is a
 * new process.
 */
export function isFailedSync(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && /^SQLITE_IOERR_(DIR_)?FSYNC$/.test(error.code);
}
