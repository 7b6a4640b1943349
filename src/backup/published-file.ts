import { existsSync } from 'node:fs';
import { link, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnhandError } from '../domain/errors.ts';

/** What the name of a file that is not complete ends in. */
export const UNFINISHED = '.unfinished';

/**
 * Creates a file that appears only when it is complete and durable.
 *
 * @param write writes the unfinished file, whose name it gets; nothing has that name yet
 * @throws OnhandError `already_exists` if the file exists, even if it was created meanwhile: nothing is overwritten
 */
export async function publishFile(
  file: string,
  write: (unfinished: string) => Promise<void>,
): Promise<void> {
  if (existsSync(file)) throw alreadyThere(file);
  const unfinished = `${file}${UNFINISHED}`;
  await rm(unfinished, { force: true });
  try {
    await write(unfinished);
    await sync(unfinished);
    try {
      await link(unfinished, file);
    } catch (error) {
      if (existsSync(file)) throw alreadyThere(file);
      throw error;
    }
    await unlink(unfinished);
    await sync(dirname(file));
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function alreadyThere(file: string): OnhandError {
  return new OnhandError(
    'already_exists',
    `The file ${file} exists already. Name a new file, or remove this one.`,
  );
}
