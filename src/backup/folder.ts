/** A directory of backups: their names, and which are deleted. */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { databaseFile } from '../databases.ts';
import { COMPRESSED, ENCRYPTED } from './encoding.ts';
import { UNFINISHED } from './published-file.ts';

/** A backup is kept if either rule keeps it. */
export interface Kept {
  /** How many of the latest are kept; at least 1. */
  readonly count: number;
  /** For how many days each is kept. */
  readonly days: number;
}

export interface StoredBackup {
  readonly name: string;
  readonly atMs: number;
}

const DAY_MS = 86_400_000;
const TIME = /^-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Such as `onhand-20261128T070000Z.db.zst`, for the database file `onhand.db`. */
export function backupName(database: string, at: Date, isEncrypted: boolean): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  return `${nameOf(database)}-${time}.db${COMPRESSED}${isEncrypted ? ENCRYPTED : ''}`;
}

/** The backups of a database in a directory, the latest first. Other files do not count. */
export async function backupsIn(
  directory: string,
  database: string,
): Promise<readonly StoredBackup[]> {
  return (await readdir(directory))
    .flatMap((name) => {
      const atMs = timeIn(name, database);
      return atMs === undefined ? [] : [{ name, atMs }];
    })
    .toSorted((one, other) => other.atMs - one.atMs);
}

/**
 * Deletes the backups of a database that no rule keeps, and what interrupted backups left a day ago.
 *
 * @returns the names of the deleted backups
 */
export async function removeOldBackups(
  directory: string,
  database: string,
  { count, days }: Kept,
  nowMs: number,
): Promise<readonly string[]> {
  const stored = await backupsIn(directory, database);
  const old = stored.slice(Math.max(1, count)).filter(({ atMs }) => atMs < nowMs - days * DAY_MS);
  for (const { name } of old) await rm(join(directory, name), { force: true });
  for (const name of await readdir(directory)) {
    const [complete = ''] = name.split(UNFINISHED);
    if (complete === name || timeIn(complete, database) === undefined) continue;
    const path = join(directory, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs < nowMs - DAY_MS) await rm(path, { force: true });
  }
  return old.map(({ name }) => name);
}

/** Deletes what an interrupted backup left, of which `file` is the path that it would have had. */
export async function removeUnfinished(file: string): Promise<void> {
  const directory = dirname(file);
  const left = (await readdir(directory)).filter((name) =>
    name.startsWith(`${basename(file)}${UNFINISHED}`),
  );
  for (const name of left) await rm(join(directory, name), { force: true });
}

/** When a file's name says that it was begun; undefined if it is no backup of the database. */
function timeIn(name: string, database: string): number | undefined {
  const prefix = nameOf(database);
  const ending = [`.db${COMPRESSED}`, `.db${COMPRESSED}${ENCRYPTED}`].find((one) =>
    name.endsWith(one),
  );
  if (ending === undefined || !name.startsWith(prefix)) return undefined;
  const [, year, month, day, hour, minute, second] =
    TIME.exec(name.slice(prefix.length, -ending.length)) ?? [];
  if (year === undefined) return undefined;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function nameOf(database: string): string {
  return basename(databaseFile(database) ?? 'onhand', '.db');
}
