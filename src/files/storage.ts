import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, type Dirent, type ReadStream } from 'node:fs';
import {
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  utimes,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OnhandError } from '../domain/errors.ts';
import type { StoredFile } from '../domain/files.ts';

/** The files on disk by their name's ending: the upload itself, and the reports of a catalogue import. */
const ENDINGS = { file: '.feed', report: '.report.csv', workbook: '.report.xlsx' } as const;
export type StoredKind = keyof typeof ENDINGS;

/** The ending of a file that is still being written. After a crash it can be deleted. */
const PART = '.part';

/** The size and hash of a stored file. */
export interface WrittenFile {
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** Checks, before bytes are written, whether there is room for them. */
export interface StorageRoom {
  /** Rejects if there is none. */
  take(bytes: number): Promise<void>;
}

/** A complete file that was found on disk. */
export interface FoundFile {
  /** Null for a file of an earlier version of onhand, which did not store files by supplier. */
  readonly supplierId: number | null;
  readonly uuid: string;
}

interface WriteOptions {
  readonly bytesMax?: number;
  readonly kind?: StoredKind;
  readonly room?: StorageRoom;
}

/**
 * Stores uploaded files in a directory, each in the folder of its supplier's number. A file with its final
 * name is complete and durable.
 */
export class FileStorage {
  readonly #configured: string | null;

  /** @param directory created with the first file; null if none is configured, then no file is accepted */
  constructor(directory: string | null) {
    this.#configured = directory;
  }

  /** Throws `store_unavailable` if none is configured. */
  get directory(): string {
    if (this.#configured !== null) return this.#configured;
    throw new OnhandError(
      'store_unavailable',
      'This server has no directory for files; its operator must set ONHAND_FILES_DIRECTORY.',
    );
  }

  pathOf(file: StoredFile, kind: StoredKind = 'file'): string {
    const path = this.#newPathOf(file, kind);
    if (existsSync(path)) return path;
    const earlier = join(this.directory, file.uuid + ENDINGS[kind]);
    return existsSync(earlier) ? earlier : path;
  }

  #newPathOf({ supplierId, uuid }: StoredFile, kind: StoredKind): string {
    return join(this.directory, String(supplierId), uuid + ENDINGS[kind]);
  }

  /**
   * Stores a file durably. Rejects with `body_too_large` beyond `bytesMax`, with `store_unavailable` if the
   * disk is full or fails or the file exists already, and as `content` and `room` do. Then nothing is left
   * behind. Reports replace earlier ones.
   */
  async write(
    stored: StoredFile,
    content: AsyncIterable<Uint8Array> | Iterable<string>,
    { bytesMax = Infinity, kind = 'file', room }: WriteOptions,
  ): Promise<WrittenFile> {
    const path = this.#newPathOf(stored, kind);
    const folder = dirname(path);
    await onDisk(() => makeDirectory(folder));
    const part = `${path}.${randomUUID()}${PART}`;
    const file = await onDisk(() => open(part, 'wx', 0o600));
    try {
      const written = await writeAll(file, content, { bytesMax, room });
      await onDisk(() => file.sync());
      await file.close();
      await onDisk(() => (kind === 'file' ? publish(part, path) : rename(part, path)));
      await onDisk(() => syncDirectory(folder));
      return written;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw error;
    }
  }

  /**
   * Stores a file a second time, without copying its bytes where the file system can do that. Rejects with
   * `store_unavailable` if the disk is full or fails, the file is missing, or the copy exists already.
   */
  async copy(from: StoredFile, to: StoredFile): Promise<void> {
    const path = this.#newPathOf(to, 'file');
    const folder = dirname(path);
    await onDisk(() => makeDirectory(folder));
    const isLinked = await onDisk(() => tryLink(this.pathOf(from), path, new Date()));
    if (isLinked) await onDisk(() => syncDirectory(folder));
    else await this.write(to, this.read(from), {});
  }

  /** Opens an empty file that only the server can read, and that is gone when it is closed. */
  async openTemporary(): Promise<FileHandle> {
    return onDisk(async () => {
      await makeDirectory(this.directory);
      const path = join(this.directory, randomUUID() + PART);
      const file = await open(path, 'wx+', 0o600);
      await rm(path);
      return file;
    });
  }

  /** The free space of the disk, in bytes. */
  async freeBytes(): Promise<number> {
    return onDisk(async () => {
      await makeDirectory(this.directory);
      const { bavail, bsize } = await statfs(this.directory);
      return bavail * bsize;
    });
  }

  async has(file: StoredFile, kind: StoredKind = 'file'): Promise<boolean> {
    try {
      return (await stat(this.pathOf(file, kind))).isFile();
    } catch {
      return false;
    }
  }

  read(file: StoredFile, kind: StoredKind = 'file'): ReadStream {
    return createReadStream(this.pathOf(file, kind));
  }

  /** Removes a file and its reports. */
  async remove({ supplierId, uuid }: StoredFile): Promise<void> {
    await this.removeFound({ supplierId, uuid });
    await this.removeFound({ supplierId: null, uuid });
  }

  async removeFound({ supplierId, uuid }: FoundFile): Promise<void> {
    const folder = supplierId === null ? '' : String(supplierId);
    for (const ending of Object.values(ENDINGS)) {
      await rm(join(this.directory, folder, uuid + ending), { force: true });
    }
  }

  /** Deletes partial files last written before `beforeMs`. Resolves with the complete ones. */
  async leftovers(beforeMs: number): Promise<readonly FoundFile[]> {
    const found: FoundFile[] = [];
    if (this.#configured === null) return found;
    for (const entry of await entriesOf(this.directory)) {
      if (entry.isFile()) found.push(...(await this.#leftover(null, entry.name, beforeMs)));
      if (!entry.isDirectory() || !SUPPLIER_FOLDER.test(entry.name)) continue;
      for (const inner of await entriesOf(join(this.directory, entry.name))) {
        if (!inner.isFile()) continue;
        found.push(...(await this.#leftover(Number(entry.name), inner.name, beforeMs)));
      }
    }
    return found;
  }

  async #leftover(
    supplierId: number | null,
    name: string,
    beforeMs: number,
  ): Promise<readonly FoundFile[]> {
    const path = join(this.directory, supplierId === null ? '' : String(supplierId), name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs >= beforeMs) return [];
    if (name.endsWith(PART)) await rm(path, { force: true });
    if (!name.endsWith(ENDINGS.file)) return [];
    return [{ supplierId, uuid: name.slice(0, -ENDINGS.file.length) }];
  }
}

const SUPPLIER_FOLDER = /^[1-9][0-9]{0,15}$/;

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Creates a directory that only the server can read, and makes its name durable. */
async function makeDirectory(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode: 0o700 });
  if (created !== undefined) await syncDirectory(dirname(path));
}

/** Gives a complete file its name. Unlike renaming, it never replaces another file. */
async function publish(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    if (!hasNoLinks(error) || existsSync(path)) throw error;
    return rename(part, path);
  }
  await rm(part);
}

/**
 * Gives a file another name. Resolves with whether the file system can do that.
 *
 * @param now both names get this time: by an old one, the new file would be taken for one that a crash left behind
 */
async function tryLink(from: string, to: string, now: Date): Promise<boolean> {
  try {
    await utimes(from, now, now);
    await link(from, to);
    return true;
  } catch (error) {
    if (hasNoLinks(error)) return false;
    throw error;
  }
}

/** Some file systems have no hard links. */
function hasNoLinks(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS';
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The size and hash of a file that is not stored. Rejects as `FileStorage.write` does beyond `bytesMax`. */
export function measure(
  content: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<WrittenFile> {
  return readAll(content, bytesMax, () => Promise.resolve());
}

function writeAll(
  file: FileHandle,
  content: AsyncIterable<Uint8Array> | Iterable<string>,
  { bytesMax, room }: { readonly bytesMax: number; readonly room: StorageRoom | undefined },
): Promise<WrittenFile> {
  return readAll(content, bytesMax, async (part) => {
    await room?.take(part.length);
    await onDisk(() => writeWhole(file, part));
  });
}

async function readAll(
  content: AsyncIterable<Uint8Array> | Iterable<string>,
  bytesMax: number,
  write: (part: Uint8Array) => Promise<void>,
): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of content) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += part.length;
    if (bytes > bytesMax) {
      throw new OnhandError(
        'body_too_large',
        `The file is larger than ${bytesMax} bytes; compress it with gzip, or send it in several files.`,
      );
    }
    await write(part);
    hash.update(part);
  }
  return { bytes, sha256: hash.digest() };
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    from += (await file.write(bytes, from)).bytesWritten;
  }
}

/** Runs a disk operation. Rejects with `store_unavailable` if it fails. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new OnhandError(
      'store_unavailable',
      'The server cannot store files now (its disk is full or fails); send this file again later.',
      { cause: error },
    );
  }
}
