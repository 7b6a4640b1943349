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

/** Where files come, where they go, and where their results are written. */
export const DROP_FOLDERS = ['in', 'done', 'failed', 'out'] as const;
export type DropFolderName = (typeof DROP_FOLDERS)[number];

/** Names of files that are still being written, or are nobody's business. */
const PASSED_OVER = /^\.|\.(?:part|tmp|filepart)$/i;

/** How a file is called from when it is taken until it is over. */
const TAKEN = /^\.taken-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})-(.+)$/s;

/** A file as it lies there: what changes while it is being written. */
export interface Seen {
  readonly name: string;
  readonly bytes: bigint;
  readonly modifiedNs: bigint;
  readonly inode: bigint;
}

/** A file that was taken, and is not over yet. */
export interface Taken {
  readonly uuid: string;
  readonly name: string;
}

/** The folder of one supplier in the drop folder. Nothing in it is followed that leads out of it. */
export class DropFolderLayout {
  readonly #path: string;

  /** @param path of the supplier's folder, which is no link and stands below no link of a supplier's */
  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the folders that are missing; says whether each is a folder and no link. */
  async prepare(): Promise<boolean> {
    for (const folder of DROP_FOLDERS) {
      const path = this.#in(folder);
      await mkdir(path, { recursive: true });
      if ((await realpath(path)) !== join(await realpath(this.#path), folder)) return false;
    }
    return true;
  }

  #in(folder: DropFolderName, name: string = ''): string {
    return join(this.#path, folder, name);
  }

  /** The files that have come, those that lie longest first. */
  async waiting(): Promise<readonly Seen[]> {
    const seen: Seen[] = [];
    for (const name of await readdir(this.#in('in'))) {
      if (PASSED_OVER.test(name)) continue;
      const stats = await statsOf(this.#in('in', name));
      // A link is not followed; a file of two names may be somebody else's.
      if (stats?.isFile() === true && stats.nlink === 1n) seen.push(seenOf(name, stats));
    }
    return seen.toSorted(
      (a, b) => Number(a.modifiedNs - b.modifiedNs) || (a.name < b.name ? -1 : 1),
    );
  }

  /** The files that were taken by a process that is gone. */
  async taken(): Promise<readonly Taken[]> {
    return (await readdir(this.#in('in'))).flatMap((file) => {
      const [, uuid, name] = TAKEN.exec(file) ?? [];
      return uuid === undefined || name === undefined ? [] : [{ uuid, name }];
    });
  }

  /** Takes a file out of the way of others, for good; says whether it was there. */
  async take(taken: Taken): Promise<boolean> {
    const isTaken = await moved(this.#in('in', taken.name), this.#taken(taken));
    // Were the name forgotten in a power failure, the file would come a second time.
    if (isTaken) await syncDirectory(this.#in('in'));
    return isTaken;
  }

  /** Gives a file back that was still being written. */
  async giveBack(taken: Taken): Promise<void> {
    // Whoever sent another by that name meanwhile meant that one.
    if ((await statsOf(this.#in('in', taken.name))) === undefined) {
      await moved(this.#taken(taken), this.#in('in', taken.name));
    }
  }

  #taken({ uuid, name }: Taken): string {
    return this.#in('in', `.taken-${uuid}-${name}`);
  }

  /** How a taken file looks now; undefined where it is gone, or is no file any more. */
  async look(taken: Taken): Promise<Seen | undefined> {
    const stats = await statsOf(this.#taken(taken));
    return stats?.isFile() === true ? seenOf(taken.name, stats) : undefined;
  }

  open(taken: Taken): Promise<FileHandle> {
    return open(this.#taken(taken), constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  /** Writes a file of results; one that is there is replaced. */
  async write(name: string, content: AsyncIterable<Uint8Array | string>): Promise<void> {
    const part = this.#in('out', `.${randomUUID()}.part`);
    const file = await open(part, 'wx', 0o664);
    try {
      await pipeline(content, file.createWriteStream({ flush: true }));
      await rename(part, this.#in('out', name));
      await syncDirectory(this.#in('out'));
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#in('out', name), { force: true });
  }

  /** Puts a file that is over away. */
  async putAway(taken: Taken, folder: 'done' | 'failed', name: string): Promise<void> {
    await moved(this.#taken(taken), this.#in(folder, name));
  }
}

function seenOf(name: string, { size, mtimeNs, ino }: BigIntStats): Seen {
  return { name, bytes: size, modifiedNs: mtimeNs, inode: ino };
}

export function sameSeen(a: Seen | undefined, b: Seen | undefined): boolean {
  return a?.bytes === b?.bytes && a?.modifiedNs === b?.modifiedNs && a?.inode === b?.inode;
}

async function statsOf(path: string): Promise<BigIntStats | undefined> {
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
