import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { OnhandError } from '../domain/errors.ts';

/** What is kept on disk of a feed, by the end of its name: the file itself, and the report of a catalogue. */
const KEPT = { file: '.feed', report: '.report.csv', workbook: '.report.xlsx' } as const;
export type KeptKind = keyof typeof KEPT;

/** What is still being written. A crash leaves it behind, and nobody misses it. */
const PART = '.part';

/** A file as it was written. */
export interface WrittenFile {
  readonly bytes: number;
  /** Of its content. */
  readonly sha256: Uint8Array;
}

/** The files of feeds, in a folder of their own. A file that has its name is complete and durable. */
export class FileStorage {
  readonly #given: string | null;

  /** @param directory made when the first file is written; null is none, and no file is taken */
  constructor(directory: string | null) {
    this.#given = directory;
  }

  get #directory(): string {
    if (this.#given !== null) return this.#given;
    throw new OnhandError(
      'store_unavailable',
      'This server has no folder for files; its operator names one as ONHAND_FILES_DIRECTORY.',
    );
  }

  pathOf(uuid: string, kind: KeptKind = 'file'): string {
    return join(this.#directory, uuid + KEPT[kind]);
  }

  /**
   * Writes a file under its uuid; when it resolves, the file survives power loss. Where it rejects, nothing
   * is left: with `body_too_large` beyond `bytesMax`, with `store_unavailable` where the disk is full or
   * fails, else as `content` does.
   */
  async write(
    uuid: string,
    content: AsyncIterable<Uint8Array> | Iterable<string>,
    {
      bytesMax = Infinity,
      kind = 'file',
    }: { readonly bytesMax?: number; readonly kind?: KeptKind },
  ): Promise<WrittenFile> {
    const path = this.pathOf(uuid, kind);
    const part = path + PART;
    await onDisk(() => mkdir(this.#directory, { recursive: true, mode: 0o700 }));
    const file = await onDisk(() => open(part, 'w', 0o600));
    try {
      const written = await writeAll(file, content, bytesMax);
      await onDisk(() => file.sync());
      await file.close();
      await onDisk(() => rename(part, path));
      await onDisk(() => syncDirectory(this.#directory));
      return written;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw error;
    }
  }

  async has(uuid: string, kind: KeptKind = 'file'): Promise<boolean> {
    try {
      return (await stat(this.pathOf(uuid, kind))).isFile();
    } catch {
      return false;
    }
  }

  read(uuid: string, kind: KeptKind = 'file'): ReadStream {
    return createReadStream(this.pathOf(uuid, kind));
  }

  /** Removes all that is kept of a feed. */
  async remove(uuid: string): Promise<void> {
    for (const kind of Object.values(KEPT)) {
      await rm(join(this.#directory, uuid + kind), { force: true });
    }
  }

  /** Removes parts that were last written before then, and gives the uuids of files that were. */
  async leftovers(beforeMs: number): Promise<readonly string[]> {
    const uuids: string[] = [];
    for (const name of await this.#names()) {
      const path = join(this.#directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs >= beforeMs) continue;
      if (name.endsWith(PART)) await rm(path, { force: true });
      else if (name.endsWith(KEPT.file)) uuids.push(name.slice(0, -KEPT.file.length));
    }
    return uuids;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory);
    } catch {
      return [];
    }
  }
}

/** Makes durable which names a folder holds. */
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
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += piece.length;
    if (bytes > bytesMax) {
      throw new OnhandError(
        'body_too_large',
        `The file is larger than ${bytesMax} bytes; compress it with gzip, or send it in several files.`,
      );
    }
    hash.update(piece);
    await onDisk(() => writeWhole(file, piece));
  }
  return { bytes, sha256: hash.digest() };
}

async function writeWhole(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let from = 0; from < piece.length;) {
    from += (await file.write(piece, from)).bytesWritten;
  }
}

/** Does work on the disk; rejects with `store_unavailable` where that fails. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new OnhandError(
      'store_unavailable',
      'The server cannot keep files now (its disk is full or fails); send this one again later.',
      { cause: error },
    );
  }
}
