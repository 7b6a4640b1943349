import { existsSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import {
  databaseFile,
  driverOf,
  inspectDatabase,
  openAdminStore,
  pendingMigrations,
} from '../databases.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Finding, StoreSettings } from '../store/driver.ts';
import { decode, PRIVATE_KEY } from './encoding.ts';
import { publishFile } from './published-file.ts';

export interface RestoreOrder {
  /** The backup to read. */
  readonly backup: string;
  /** `sqlite:PATH`; nothing may be there. */
  readonly database: string;
  /** A file with private keys of age, one a line, as `age-keygen` writes it. */
  readonly identityFile: string | undefined;
  readonly settings: StoreSettings;
  /** Called with the result of each check. */
  readonly onFinding: (finding: Finding) => void;
}

export interface Restored {
  readonly file: string;
  readonly backupBytes: number;
  readonly bytes: number;
  /** The schema version of the backup, and the one that the database was migrated to. */
  readonly fromVersion: number;
  readonly toVersion: number;
}

/**
 * Restores a backup: decodes it beside the database, migrates it if this onhand is newer, and checks it as `onhand doctor` does. The
 * database appears only when all checks passed.
 *
 * @throws OnhandError `already_exists` if there is a database, or a log of one; `store_unavailable` if a server uses
 *   the place, the backup needs a newer onhand, or a check fails; `parameter_invalid` if the backup cannot be read
 */
export async function restoreBackup(order: RestoreOrder): Promise<Restored> {
  const { backup, database, identityFile, settings, onFinding } = order;
  const file = databaseFile(database);
  if (file === null) {
    throw new OnhandError(
      'parameter_invalid',
      'onhand restores SQLite databases only. For PostgreSQL, use pg_restore, or the tool that made the backup; see docs/operations.md.',
    );
  }
  refuseExisting(file);
  const { size: backupBytes } = await stat(backup).catch((error: unknown) => {
    throw new OnhandError('parameter_invalid', `There is no backup ${backup}.`, { cause: error });
  });
  const identities = identityFile === undefined ? [] : await identitiesIn(identityFile);
  const holder = `onhand restore, process ${process.pid}, since ${new Date().toISOString()}`;
  const lock = await driverOf(database).lock(database, holder);
  let versions = { version: 0, knownVersion: 0 };
  try {
    await publishFile(file, async (unfinished) => {
      try {
        await write(decode(backup, identities), unfinished);
        versions = await upgradeAndCheck(`sqlite:${unfinished}`, settings, onFinding);
      } finally {
        for (const suffix of LOG_SUFFIXES) await rm(`${unfinished}${suffix}`, { force: true });
      }
    });
  } finally {
    lock.release();
  }
  const { size: bytes } = await stat(file);
  const { version: fromVersion, knownVersion: toVersion } = versions;
  return { file, backupBytes, bytes, fromVersion, toVersion };
}

/** A log that is left of another database would be applied to the restored one. */
const LOG_SUFFIXES = ['-wal', '-shm', '-journal'];

function refuseExisting(file: string): void {
  const existing = ['', ...LOG_SUFFIXES].map((suffix) => `${file}${suffix}`).find(existsSync);
  if (existing === undefined) return;
  throw new OnhandError(
    'already_exists',
    `${existing} exists, and a restore never overwrites. Stop the server, move ${file} and the files ${file}-wal and ${file}-shm away, then run the command again.`,
  );
}

async function upgradeAndCheck(
  database: string,
  settings: StoreSettings,
  onFinding: (finding: Finding) => void,
): Promise<{ readonly version: number; readonly knownVersion: number }> {
  const { version, knownVersion } = await pendingMigrations(database, settings);
  if (version === 0) {
    throw new OnhandError('parameter_invalid', 'The backup holds no database of onhand.');
  }
  if (version < knownVersion) await (await openAdminStore(database, settings)).close();
  let failures = 0;
  for await (const finding of inspectDatabase(database, settings)) {
    if (!finding.ok) failures += 1;
    onFinding(finding);
  }
  if (failures > 0) {
    throw new OnhandError(
      'store_unavailable',
      `Nothing was restored: ${failures} of the checks failed. Restore an earlier backup.`,
    );
  }
  return { version, knownVersion };
}

async function write(bytes: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  const output = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of bytes) await output.writeFile(chunk);
  } finally {
    await output.close();
  }
}

async function identitiesIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new OnhandError('parameter_invalid', `The identity file ${file} cannot be read.`, {
      cause: error,
    });
  });
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length > 0 && identities.every((one) => one.startsWith(PRIVATE_KEY)))
    return identities;
  throw new OnhandError(
    'parameter_invalid',
    `${file} has no private keys of age; these are lines that begin with ${PRIVATE_KEY}.`,
  );
}
