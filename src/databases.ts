/** The registry of databases: the only file that knows every store. A new store is one more driver here. */
import { OnhandError } from './domain/errors.ts';
import type { CopyProgress, TableCopied } from './store/copy.ts';
import type {
  DatabaseDriver,
  ExclusiveLock,
  StoreSettings,
  PendingMigrations,
  Finding,
  Migration,
} from './store/driver.ts';
import { postgresDriver } from './store/postgres/driver.ts';
import { sqliteDriver } from './store/sqlite/driver.ts';
import type { CatalogueStaging } from './store/staging.ts';
import type { AdminStore, Store } from './store/store.ts';

const DRIVERS: readonly DatabaseDriver[] = [sqliteDriver, postgresDriver];

/** The exit code after a fatal error (EX_SOFTWARE of BSD): a supervisor restarts the process. */
const FATAL_EXIT_CODE = 70;

/**
 * The driver of a database.
 *
 * @param database `sqlite:PATH` or `postgres://…`
 * @throws OnhandError `parameter_invalid` for any other URL
 */
export function driverOf(database: string): DatabaseDriver {
  const driver = DRIVERS.find((candidate) => candidate.matches(database));
  if (driver !== undefined) return driver;
  // What was given may contain a password, or be one: only what looks like a file or a URL without credentials is repeated.
  const isSafe = /^[a-z]+:|\.db$/i.test(database) && !/\/\/|@/.test(database);
  const named = isSafe ? ` "${database}"` : '';
  const forms = DRIVERS.map(({ urlForm }) => urlForm).join(', or ');
  throw new OnhandError('parameter_invalid', `The database${named} cannot be used: name ${forms}.`);
}

/**
 * Opens a database, migrating its schema if necessary. Creates an SQLite file that does not exist.
 *
 * @throws OnhandError `parameter_invalid` for an unknown kind, `store_unavailable` if it cannot be opened
 */
export async function openStore(database: string, settings: StoreSettings): Promise<Store> {
  return driverOf(database).open(database, settings, exitNow);
}

/**
 * Opens a database for a command that only manages organizations, as `openStore` does but much faster: without
 * threads, and without what only servers need.
 *
 * @throws OnhandError as `openStore`
 */
export async function openAdminStore(
  database: string,
  settings: StoreSettings,
): Promise<AdminStore> {
  return driverOf(database).openAdmin(database, settings, exitNow);
}

/** The file that opening a database would create; null if the database exists, or is not a file. */
export function missingDatabaseFile(database: string): string | null {
  return driverOf(database).missingFile(database);
}

/**
 * Checks a database without changing it; yields each finding as its check ends.
 *
 * @throws OnhandError `store_unavailable` if it does not exist or cannot be opened
 */
export function inspectDatabase(database: string, settings: StoreSettings): AsyncIterable<Finding> {
  return driverOf(database).inspect(database, settings);
}

/**
 * The migrations that opening a database would run. Changes nothing.
 *
 * @throws OnhandError `store_unavailable` if it cannot be opened, or needs a newer onhand
 */
export async function pendingMigrations(
  database: string,
  settings: StoreSettings,
): Promise<PendingMigrations> {
  return driverOf(database).pendingMigrations(database, settings);
}

/** The path of a database's file; null if it is not one file. */
export function databaseFile(database: string): string | null {
  return driverOf(database).file(database);
}

/**
 * Distributes a database by supplier over a cluster of machines, or with `dryRun` only returns the statements for it.
 *
 * @throws OnhandError `parameter_invalid` if it cannot be distributed
 */
export async function distributeDatabase(
  database: string,
  settings: StoreSettings,
  options: { readonly dryRun: boolean },
): Promise<readonly string[]> {
  return driverOf(database).distribute(database, settings, options);
}

/**
 * Migrates a database's schema if necessary, each step in its own transaction.
 *
 * @returns the migrations that ran, in order; none for a new SQLite file, which `openStore` creates
 * @throws OnhandError as `openStore`
 */
export async function migrateDatabase(
  database: string,
  settings: StoreSettings,
): Promise<readonly Migration[]> {
  const migrations: Migration[] = [];
  await driverOf(database).migrate(database, settings, (migration) => migrations.push(migration));
  return migrations;
}

/**
 * Copies a database into a new file while it is in use, and checks the copy.
 *
 * @throws OnhandError `parameter_invalid` for a kind of database that onhand does not back up
 */
export async function backUpDatabase(
  database: string,
  file: string,
  onProgress: (copiedPages: number, totalPages: number) => void,
  settings: StoreSettings,
): Promise<void> {
  await driverOf(database).backUp(database, file, onProgress, settings);
}

/** Copies everything from one database to another (see `copyDatabase`), with both locked meanwhile. */
export async function copyDatabases(
  from: string,
  to: string,
  onProgress: (progress: CopyProgress) => void,
  settings: StoreSettings,
): Promise<readonly TableCopied[]> {
  const openSource = () => driverOf(from).openCopySource(from, settings);
  const source = await openSource();
  const locks: ExclusiveLock[] = [];
  try {
    const holder = `onhand copy, process ${process.pid}, since ${new Date().toISOString()}`;
    for (const database of [from, to]) locks.push(await driverOf(database).lock(database, holder));
    const target = await driverOf(to).openCopyTarget(to, settings);
    try {
      const { copyDatabase } = await import('./store/copy.ts');
      return await copyDatabase(source, target, openSource, onProgress);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
    for (const lock of locks) lock.release();
  }
}

/** A database's URL without credentials, for logs and messages. */
export function shownDatabase(database: string): string {
  return driverOf(database).shown(database);
}

/** Opens scratch space on disk for one import; close it afterwards. */
export async function openStaging(): Promise<CatalogueStaging> {
  const { SqliteCatalogueStaging } = await import('./store/sqlite/staging.ts');
  return new SqliteCatalogueStaging();
}

function exitNow(reason: string): void {
  process.stderr.write(`onhand: exiting immediately: ${reason}\n`);
  process.exit(FATAL_EXIT_CODE);
}
