import { randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { syncDirectory } from './storage.ts';

/** The folders for new files, for finished and failed ones, and for results. */
export const DROP_FOLDERS = ['in', 'done', 'failed', 'out'] as const;
export type DropFolderName = (typeof DROP_FOLDERS)[number];

/** Names of files that are still being written, and of hidden files. */
const IGNORED = /^\.|\.(?:part|tmp|filepart)$/i;

/** The name of a file from when it is accepted until its job is finished. */
const ACCEPTED = /^\.taken-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})-(.+)$/s;

/** The state of a file, which changes while it is being written. */
export interface FileStats {
  readonly name: string;
  readonly bytes: bigint;
  readonly modifiedNs: bigint;
  readonly inode: bigint;
}

/** A file that was accepted and whose job is not finished. */
export interface AcceptedFile {
  readonly uuid: string;
  readonly name: string;
}

/** One supplier's directory in the drop folder. Links are never followed. */
export class DropFolderLayout {
  readonly #path: string;

  /** @param path of the supplier's directory, which must not be or contain a link */
  constructor(path: string) {
    this.#path = path;
  }

  /** Creates the missing folders. Resolves with false if one of them is a link. */
  async prepare(): Promise<boolean> {
    for (const folder of DROP_FOLDERS) {
      const path = this.#pathOf(folder);
      await mkdir(path, { recursive: true });
      if ((await realpath(path)) !== join(await realpath(this.#path), folder)) return false;
    }
    return true;
  }

  #pathOf(folder: DropFolderName, name: string = ''): string {
    return join(this.#path, folder, name);
  }

  /** The new files, the oldest first. */
  async waiting(): Promise<readonly FileStats[]> {
    const found: FileStats[] = [];
    for (const name of await readdir(this.#pathOf('in'))) {
      if (IGNORED.test(name)) continue;
      const stats = await lstatOf(this.#pathOf('in', name));
      // A file with a second name (hard link) may belong to someone else.
      if (stats?.isFile() === true && stats.nlink === 1n) found.push(statsOf(name, stats));
    }
    return found.toSorted(
      (a, b) => Number(a.modifiedNs - b.modifiedNs) || (a.name < b.name ? -1 : 1),
    );
  }

  /** The files that a stopped process accepted and did not finish. */
  async accepted(): Promise<readonly AcceptedFile[]> {
    return (await readdir(this.#pathOf('in'))).flatMap((file) => {
      const [, uuid, name] = ACCEPTED.exec(file) ?? [];
      return uuid === undefined || name === undefined ? [] : [{ uuid, name }];
    });
  }

  /** Accepts a file by renaming it. Resolves with whether it still existed. */
  async accept(file: AcceptedFile): Promise<boolean> {
    const isAccepted = await moved(this.#pathOf('in', file.name), this.#acceptedPath(file));
    // If a power failure undid the renaming, the file would be accepted a second time.
    if (isAccepted) await syncDirectory(this.#pathOf('in'));
    return isAccepted;
  }

  /** Returns a file that was still being written. */
  async release(file: AcceptedFile): Promise<void> {
    // If another file has that name by now, that one replaces this.
    if ((await lstatOf(this.#pathOf('in', file.name))) === undefined) {
      await moved(this.#acceptedPath(file), this.#pathOf('in', file.name));
    }
  }

  #acceptedPath({ uuid, name }: AcceptedFile): string {
    return this.#pathOf('in', `.taken-${uuid}-${name}`);
  }

  /** The state of an accepted file; undefined if it no longer exists or is not a file. */
  async stats(file: AcceptedFile): Promise<FileStats | undefined> {
    const stats = await lstatOf(this.#acceptedPath(file));
    return stats?.isFile() === true ? statsOf(file.name, stats) : undefined;
  }

  open(file: AcceptedFile): Promise<FileHandle> {
    return open(this.#acceptedPath(file), constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  /** Writes a results file, replacing one of the same name. */
  async write(name: string, content: AsyncIterable<Uint8Array | string>): Promise<void> {
    const part = this.#pathOf('out', `.${randomUUID()}.part`);
    const file = await open(part, 'wx', 0o664);
    try {
      await pipeline(content, file.createWriteStream({ flush: true }));
      await rename(part, this.#pathOf('out', name));
      await syncDirectory(this.#pathOf('out'));
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#pathOf('out', name), { force: true });
  }

  /** Moves a finished file to its folder. */
  async finish(file: AcceptedFile, folder: 'done' | 'failed', name: string): Promise<void> {
    await moved(this.#acceptedPath(file), this.#pathOf(folder, name));
  }
}

function statsOf(name: string, { size, mtimeNs, ino }: BigIntStats): FileStats {
  return { name, bytes: size, modifiedNs: mtimeNs, inode: ino };
}

export function sameStats(a: FileStats | undefined, b: FileStats | undefined): boolean {
  return a?.bytes === b?.bytes && a?.modifiedNs === b?.modifiedNs && a?.inode === b?.inode;
}

async function lstatOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
