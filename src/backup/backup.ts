import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { backUpDatabase } from '../databases.ts';
import { OnhandError } from '../domain/errors.ts';
import type { StoreSettings } from '../store/driver.ts';
import { COMPRESSED, decode, encode, ENCRYPTED, newAgeKeys, recipientProblem } from './encoding.ts';
import { backupName, removeOldBackups, type Kept } from './folder.ts';
import { publishFile } from './published-file.ts';

export interface BackupOrder {
  /** `sqlite:PATH` */
  readonly database: string;
  /** An existing directory, which gets a compressed file with the time in its name, or the file to create. */
  readonly target: string;
  /** Public keys of age, whose owners can decrypt the backup; none for no encryption. */
  readonly recipients: readonly string[];
  /** Which of a directory's backups are kept. */
  readonly kept: Kept;
  /** The time that counts as now, for the name and for what is old. */
  readonly nowMs: number;
  readonly settings: StoreSettings;
}

export interface BackupMade {
  readonly file: string;
  readonly bytes: number;
  /** The names of the earlier backups that were deleted. */
  readonly deleted: readonly string[];
}

/**
 * Backs up a database while it is in use. The copy is opened and checked; a compressed or encrypted one is read back
 * and compared with what was checked. Earlier backups are deleted only afterwards.
 *
 * @param onProgress called with the number of pages copied
 * @throws OnhandError `already_exists` if the file exists, `parameter_invalid` if the database is not SQLite, the
 *   directory does not exist or a recipient is no key, `store_unavailable` if the copy is damaged
 */
export async function backUp(
  { database, target, recipients, kept, nowMs, settings }: BackupOrder,
  onProgress: (copiedPages: number, totalPages: number) => void,
): Promise<BackupMade> {
  for (const recipient of recipients) {
    const problem = await recipientProblem(recipient);
    if (problem !== undefined) throw new OnhandError('parameter_invalid', problem);
  }
  const isDirectory = existsSync(target) && statSync(target).isDirectory();
  const file = isDirectory
    ? join(target, backupName(database, new Date(nowMs), recipients.length > 0))
    : target;
  refuseMismatch(file, recipients.length > 0);
  const copy = (path: string): Promise<void> =>
    backUpDatabase(database, path, onProgress, settings);
  await publishFile(file, (unfinished) => {
    const isCompressed = file.endsWith(COMPRESSED) || file.endsWith(`${COMPRESSED}${ENCRYPTED}`);
    return isCompressed || recipients.length > 0
      ? copyEncoded(copy, unfinished, { isCompressed, recipients })
      : copy(unfinished);
  });
  const { size: bytes } = await stat(file);
  const deleted = isDirectory ? await removeOldBackups(target, database, kept, nowMs) : [];
  return { file, bytes, deleted };
}

function refuseMismatch(file: string, isEncrypted: boolean): void {
  if (file.endsWith(ENCRYPTED) === isEncrypted) return;
  throw new OnhandError(
    'parameter_invalid',
    isEncrypted
      ? `An encrypted backup needs a name that ends in ${ENCRYPTED}: ${file}${ENCRYPTED}.`
      : `The name ${file} ends in ${ENCRYPTED}, but there is no --recipient to encrypt the backup for.`,
  );
}

async function copyEncoded(
  copy: (path: string) => Promise<void>,
  file: string,
  encoding: { readonly isCompressed: boolean; readonly recipients: readonly string[] },
): Promise<void> {
  const plain = `${file}.copy`;
  try {
    await rm(plain, { force: true });
    await copy(plain);
    // Only the recipients can decrypt the backup, so it is encrypted for one more key, which is forgotten after the check.
    const check = encoding.recipients.length > 0 ? await newAgeKeys() : undefined;
    const recipients = [...encoding.recipients, ...(check ? [check.recipient] : [])];
    const hash = createHash('sha256');
    const output = await open(file, 'wx', 0o600);
    try {
      for await (const chunk of encode(hashed(createReadStream(plain), hash), {
        ...encoding,
        recipients,
      }))
        await output.writeFile(chunk);
    } finally {
      await output.close();
    }
    const readBack = createHash('sha256');
    for await (const chunk of decode(file, check ? [check.identity] : [])) readBack.update(chunk);
    if (readBack.digest('hex') !== hash.digest('hex')) {
      throw new OnhandError(
        'store_unavailable',
        'The backup differs from the copy of the database.',
      );
    }
  } finally {
    await rm(plain, { force: true });
  }
}

async function* hashed(
  bytes: AsyncIterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}
