import type { CopySource, CopyTarget } from './copy.ts';
import { OnhandError } from '../domain/errors.ts';
import type { AdminStore, Store } from './store.ts';

/** The settings that stores read; each uses those that apply to it. */
export interface StoreSettings {
  readonly cacheBytesMax: number;
  readonly databaseBytesMax: number;
  /** How many changes may wait to be written to the inventory table (SQLite). */
  readonly recentChangesMax: number;
  /** A batch or undo of more lines is written in slices, with other batches in between (SQLite). */
  readonly largeBatchLines: number;
  /** How long a write waits for a lock that another process holds. */
  readonly busyTimeoutMs: number;
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** A standby of the database that answers reads (PostgreSQL); null if there is none. */
  readonly readDatabase: string | null;
  /** How long such a read waits for the standby before the primary answers it. */
  readonly readWaitMs: number;
  /** The most lines that share one transaction. */
  readonly groupLinesMax: number;
}

/** What a kind of database can do. Each store folder exports one driver; `src/databases.ts` lists them. */
export interface DatabaseDriver {
  /** The form of its URLs, for error messages: `a file as sqlite:PATH, such as …`. */
  readonly urlForm: string;
  /** Whether several servers can use one database at the same time. */
  readonly isShared: boolean;
  /** Whether a URL names a database of this kind; it may still be malformed. */
  matches(url: string): boolean;
  /** The URL without credentials, for logs and messages. */
  shown(url: string): string;
  /**
   * Opens a database and migrates its schema if necessary.
   *
   * @param onFatal called when the store can no longer be trusted and the process must exit
   */
  open(url: string, settings: StoreSettings, onFatal: (reason: string) => void): Promise<Store>;
  /** Migrates the schema, as `open` does, and reports each migration when it has run. */
  migrate(url: string, settings: StoreSettings, onMigrated: OnMigrated): Promise<void>;
  /** As `open`, for commands that only manage organizations: it starts no threads. */
  openAdmin(
    url: string,
    settings: StoreSettings,
    onFatal: (reason: string) => void,
  ): Promise<AdminStore>;
  /** The file that `open` would create; null if the database exists, or is not a file. */
  missingFile(url: string): string | null;
  /** Checks a database without changing it; yields each finding as its check ends. */
  inspect(url: string, settings: StoreSettings): AsyncIterable<Finding>;
  /** The migrations that `open` would run. Changes nothing. */
  pendingMigrations(url: string, settings: StoreSettings): Promise<PendingMigrations>;
  /**
   * Distributes a database over a cluster of machines, or with `dryRun` only returns the statements for it. None if it is
   * distributed already. The schema must be current.
   *
   * @throws OnhandError `parameter_invalid` if it cannot be
   */
  distribute(
    url: string,
    settings: StoreSettings,
    options: { readonly dryRun: boolean },
  ): Promise<readonly string[]>;
  openCopySource(url: string, settings: StoreSettings): Promise<CopySource>;
  openCopyTarget(url: string, settings: StoreSettings): Promise<CopyTarget>;
  /** The path of the database's file; null if it is not one file. */
  file(url: string): string | null;
  /** Copies a database into a new file while it is in use, and checks the copy. Throws `parameter_invalid` if unsupported. */
  backUp(
    url: string,
    file: string,
    onProgress: (copiedPages: number, totalPages: number) => void,
    settings: StoreSettings,
  ): Promise<void>;
  /**
   * Keeps other servers off the database until `release` is called; does nothing where `isShared`.
   *
   * @param holder describes this process to one that finds the lock taken
   * @throws OnhandError `store_unavailable` when another process holds the lock
   */
  lock(url: string, holder: string): Promise<ExclusiveLock>;
  /** Where uploaded files are kept if no setting says; null if that setting is required. */
  defaultFilesDirectory(url: string): string | null;
}

/** The operating system releases it when the process ends, for any reason. */
export interface ExclusiveLock {
  release(): void;
}

/** Throws if a newer onhand has migrated the database: this version does not know its schema. */
export function refuseNewer(version: number, knownVersion: number): void {
  if (version > knownVersion) {
    throw new OnhandError(
      'store_unavailable',
      `The database has schema version ${version}, newer than the ${knownVersion} that this onhand knows. Use a newer onhand.`,
    );
  }
}

/** A migration that has run. */
export interface Migration {
  /** The schema version before; 0 is a new database. */
  readonly from: number;
  readonly to: number;
  readonly durationMs: number;
}

export type OnMigrated = (migration: Migration) => void;

export interface PendingMigrations {
  /** How many migrations have run. */
  readonly version: number;
  /** How many migrations this onhand knows. */
  readonly knownVersion: number;
  /** The SQL of each pending migration, in order. */
  readonly steps: readonly string[];
}

/** The result of one check of a database's integrity. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** What was checked; for a failed check, what is wrong and where. */
  readonly detail: string;
}
