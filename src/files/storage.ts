import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { OnhandError } from '../domain/errors.ts';

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

/** Stores uploaded files in a directory. A file with its final name is complete and durable. */
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

  pathOf(uuid: string, kind: StoredKind = 'file'): string {
    return join(this.directory, uuid + ENDINGS[kind]);
  }

  /**
   * Stores a file durably under its uuid. Rejects with `body_too_large` beyond `bytesMax`, with
   * `store_unavailable` if the disk is full or fails, and as `content` does. Then nothing is left behind.
   */
  async write(
    uuid: string,
    content: AsyncIterable<Uint8Array> | Iterable<string>,
    {
      bytesMax = Infinity,
      kind = 'file',
    }: { readonly bytesMax?: number; readonly kind?: StoredKind },
  ): Promise<WrittenFile> {
    const path = this.pathOf(uuid, kind);
    const part = path + PART;
    await onDisk(() => mkdir(this.directory, { recursive: true, mode: 0o700 }));
    const file = await onDisk(() => open(part, 'w', 0o600));
    try {
      const written = await writeAll(file, content, bytesMax);
      await onDisk(() => file.sync());
      await file.close();
      await onDisk(() => rename(part, path));
      await onDisk(() => syncDirectory(this.directory));
      return written;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw error;
    }
  }

  async has(uuid: string, kind: StoredKind = 'file'): Promise<boolean> {
    try {
      return (await stat(this.pathOf(uuid, kind))).isFile();
    } catch {
      return false;
    }
  }

  read(uuid: string, kind: StoredKind = 'file'): ReadStream {
    return createReadStream(this.pathOf(uuid, kind));
  }

  /** Removes a file and its reports. */
  async remove(uuid: string): Promise<void> {
    for (const ending of Object.values(ENDINGS)) {
      await rm(join(this.directory, uuid + ending), { force: true });
    }
  }

  /** Deletes partial files last written before `beforeMs`. Resolves with the uuids of complete ones. */
  async leftovers(beforeMs: number): Promise<readonly string[]> {
    const uuids: string[] = [];
    for (const name of await this.#names()) {
      const path = join(this.directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs >= beforeMs) continue;
      if (name.endsWith(PART)) await rm(path, { force: true });
      else if (name.endsWith(ENDINGS.file)) uuids.push(name.slice(0, -ENDINGS.file.length));
    }
    return uuids;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.directory);
    } catch {
      return [];
    }
  }
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

async function writeAll(
  file: FileHandle,
  content: AsyncIterable<Uint8Array> | Iterable<string>,
  bytesMax: number,
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
    hash.update(part);
    await onDisk(() => writeWhole(file, part));
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
