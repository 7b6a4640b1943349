import { randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  opendir,
  readdir,
  realpath,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { syncDirectory } from './storage.ts';

/** The folders for new files: those in `catalogue` are catalogues. */
const NEW_FOLDERS = ['in', 'catalogue'] as const;
export type NewFolder = (typeof NEW_FOLDERS)[number];
/** The folders for new files, for finished and failed ones, and for results. */
export const DROP_FOLDERS = [...NEW_FOLDERS, 'done', 'failed', 'out'] as const;
export type DropFolderName = (typeof DROP_FOLDERS)[number];

/** Names of files that are still being written, and of hidden files. */
const IGNORED = /^\.|\.(?:part|tmp|filepart)$/i;

/**
 * Holds accepted files until their jobs are finished. It is inside `done`, where the supplier cannot write
 * (docs/files.md), so the uuids in their names can be trusted.
 */
const TAKEN_FOLDERS: Readonly<Record<NewFolder, string>> = {
  in: join('done', '.taken'),
  catalogue: join('done', '.taken-catalogue'),
};
const TAKEN = /^([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})-(.+)$/s;
/** How earlier versions of onhand named accepted files, in the supplier's own folder. */
const TAKEN_BEFORE = /^\.taken-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})-(.+)$/s;

const NAME_CHARACTERS_MAX = 60;
/** File systems allow names of 255 bytes; a time or a uuid and endings are added. */
const NAME_BYTES_MAX = 180;

/** The state of a file, which changes while it is being written. */
export interface FileStats {
  readonly folder: NewFolder;
  readonly name: string;
  readonly bytes: bigint;
  readonly modifiedNs: bigint;
  readonly inode: bigint;
}

/** A file that was accepted and whose job is not finished. */
export interface AcceptedFile {
  readonly uuid: string;
  readonly name: string;
  /** Where it came from. */
  readonly folder: NewFolder;
}

/** A new file. */
export type NewFile = Pick<FileStats, 'folder' | 'name'>;

/** One supplier's directory in the drop folder. Links are never followed. */
export class DropFolderLayout {
  readonly #path: string;

  /** @param path of the supplier's directory, which must not be or contain a link */
  constructor(path: string) {
    this.#path = path;
  }

  /** Creates the missing folders. Resolves with false if one of them is a link. */
  async prepare(): Promise<boolean> {
    const root = await realpath(this.#path);
    const takenFolders = Object.values(TAKEN_FOLDERS);
    for (const folder of [...DROP_FOLDERS, ...takenFolders]) {
      const path = join(this.#path, folder);
      // Only the server may use its own folders.
      const mode = takenFolders.includes(folder) ? { mode: 0o700 } : {};
      try {
        await mkdir(path, { recursive: true, ...mode });
      } catch (error) {
        // An operator who made the other folders by hand may not have made this one.
        if (folder === 'catalogue' && isDenied(error)) continue;
        throw error;
      }
      if ((await realpath(path)) !== join(root, folder)) return false;
    }
    return true;
  }

  #pathOf(folder: DropFolderName, name: string = ''): string {
    return join(this.#path, folder, name);
  }

  /** The new files, in no order. */
  async *newFiles(): AsyncGenerator<NewFile> {
    for (const folder of NEW_FOLDERS) {
      if (folder === 'catalogue' && (await lstatOf(this.#pathOf(folder))) === undefined) continue;
      for await (const { name } of await opendir(this.#pathOf(folder))) {
        if (!IGNORED.test(name)) yield { folder, name };
      }
    }
  }

  /** The state of a new file; undefined if it does not exist or must be ignored. */
  async look({ folder, name }: NewFile): Promise<FileStats | undefined> {
    const stats = await lstatOf(this.#pathOf(folder, name));
    // A file with a second name (hard link) may belong to someone else.
    return stats?.isFile() === true && stats.nlink === 1n
      ? statsOf({ folder, name }, stats)
      : undefined;
  }

  /** The files that a stopped process accepted and did not finish. */
  async accepted(): Promise<readonly AcceptedFile[]> {
    const accepted = NEW_FOLDERS.map(async (folder) =>
      (await readdir(join(this.#path, TAKEN_FOLDERS[folder]))).flatMap((file) => {
        const [, uuid, name] = TAKEN.exec(file) ?? [];
        return uuid === undefined || name === undefined ? [] : [{ uuid, name, folder }];
      }),
    );
    return (await Promise.all(accepted)).flat();
  }

  /**
   * The files that an earlier version of onhand accepted. The supplier may have forged them: only the uuid
   * of one of its own jobs may be believed.
   */
  async *acceptedBefore(): AsyncGenerator<AcceptedFile> {
    for await (const { name: file } of await opendir(this.#pathOf('in'))) {
      const [, uuid, name] = TAKEN_BEFORE.exec(file) ?? [];
      if (uuid !== undefined && name !== undefined) yield { uuid, name, folder: 'in' };
    }
  }

  /** Moves such a file to where accepted files are now. */
  async adopt({ uuid, name }: AcceptedFile): Promise<AcceptedFile> {
    const adopted: AcceptedFile = { uuid, name: cleanName(name), folder: 'in' };
    await moved(this.#pathOf('in', `.taken-${uuid}-${name}`), this.#acceptedPath(adopted));
    return adopted;
  }

  /** Makes such a file a new one again. */
  async disown({ uuid, name }: AcceptedFile): Promise<void> {
    const isTaken = (await lstatOf(this.#pathOf('in', name))) !== undefined;
    const newName = isTaken ? `${uuid}-${cleanName(name)}` : name;
    await moved(this.#pathOf('in', `.taken-${uuid}-${name}`), this.#pathOf('in', newName));
  }

  /** Accepts a file by moving it, under a uuid. Resolves with undefined if it no longer exists. */
  async accept({ folder, name }: NewFile, uuid: string): Promise<AcceptedFile | undefined> {
    const file = { uuid, name: cleanName(name), folder };
    if (!(await moved(this.#pathOf(folder, name), this.#acceptedPath(file)))) return undefined;
    // If a power failure undid the renaming, the file would be accepted a second time.
    await syncDirectory(join(this.#path, TAKEN_FOLDERS[folder]));
    await syncDirectory(this.#pathOf(folder));
    return file;
  }

  /** Returns a file that cannot be processed yet. If its name was used again, it gets another one. */
  async release(file: AcceptedFile): Promise<void> {
    const { folder } = file;
    const isTaken = (await lstatOf(this.#pathOf(folder, file.name))) !== undefined;
    const name = isTaken ? `${file.uuid}-${file.name}` : file.name;
    await moved(this.#acceptedPath(file), this.#pathOf(folder, name));
  }

  #acceptedPath({ uuid, name, folder }: AcceptedFile): string {
    return join(this.#path, TAKEN_FOLDERS[folder], `${uuid}-${name}`);
  }

  /** The state of an accepted file; undefined if it no longer exists or is not a file. */
  async stats(file: AcceptedFile): Promise<FileStats | undefined> {
    const stats = await lstatOf(this.#acceptedPath(file));
    return stats?.isFile() === true ? statsOf(file, stats) : undefined;
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

/** The end of a file's name, without control characters, short enough to be extended. */
function cleanName(name: string): string {
  const cleaned = name.toWellFormed().replaceAll(/\p{Cc}/gu, '');
  const characters = Array.from(cleaned).slice(-NAME_CHARACTERS_MAX);
  while (Buffer.byteLength(characters.join('')) > NAME_BYTES_MAX) characters.shift();
  return characters.join('') || 'file';
}

function statsOf({ folder, name }: NewFile, { size, mtimeNs, ino }: BigIntStats): FileStats {
  return { folder, name, bytes: size, modifiedNs: mtimeNs, inode: ino };
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

function isDenied(error: unknown): boolean {
  const codes: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];
  return error instanceof Error && 'code' in error && codes.includes(error.code);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
