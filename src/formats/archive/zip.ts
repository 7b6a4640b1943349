import { pipeline, type Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { OnhandError } from '../../domain/errors.ts';
import { Peekable } from '../peekable.ts';

/** Limits of what an archive may unpack to. */
export interface ArchiveLimits {
  /** Bytes after inflation, for everything that is read from the archive. */
  readonly inflatedBytesMax: number;
  /** Compression ratio of files larger than `RATIO_CHECKED_FROM_BYTES`. */
  readonly ratioMax: number;
  /** Files and folders in the archive. */
  readonly entriesMax: number;
}

/** Below this size a high compression ratio does no harm. */
export const RATIO_CHECKED_FROM_BYTES = 8 * 1024 ** 2;

/** Most bytes of names, comments and extra fields in the archive's directory. */
const DIRECTORY_BYTES_MAX = 4 * 1024 ** 2;

/** An open archive. Read its files one at a time, then close it. */
export class Archive {
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #limits: ArchiveLimits;
  readonly #reading = new Set<Readable>();
  #inflatedBytes = 0;

  constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>, limits: ArchiveLimits) {
    this.#zip = zip;
    this.#entries = entries;
    this.#limits = limits;
  }

  /** The paths of the files inside, without folders. */
  get names(): readonly string[] {
    return [...this.#entries.values()].map((entry) => entry.fileName);
  }

  /** Whether the archive contains a file. Case does not matter. */
  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase());
  }

  /**
   * Streams the unpacked bytes of a file. Rejects with `body_malformed` if the archive is damaged or its
   * sizes are wrong, and with `body_too_large` beyond the archive's limits or `bytesMax`.
   */
  async *read(name: string, bytesMax = Infinity): AsyncGenerator<Buffer> {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry === undefined)
      throw new OnhandError('body_malformed', `The archive lacks its part ${quoted(name)}.`);
    refuseUnreadable(entry);
    if (entry.uncompressedSize > bytesMax) {
      throw new OnhandError(
        'body_too_large',
        `${quoted(entry.fileName)} in the archive has more than ${bytesMax} bytes; copy the data you need into a new file.`,
      );
    }
    try {
      yield* this.#unpack(entry, true);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /**
   * Streams a file that will be read as well. Does as `read` does, but its bytes count to the archive's limit
   * only then.
   */
  async *preview(name: string): AsyncGenerator<Buffer> {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry === undefined) return;
    refuseUnreadable(entry);
    try {
      yield* this.#unpack(entry, false);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /** Aborts reads in progress. Idempotent. */
  close(): void {
    if (this.#zip.isOpen) this.#zip.close();
    for (const raw of this.#reading) raw.destroy();
  }

  async *#unpack(entry: Entry, isCounted: boolean): AsyncGenerator<Buffer> {
    const raw = await this.#zip.openReadStreamPromise(entry, { decodeFileData: false });
    this.#reading.add(raw);
    raw.once('close', () => this.#reading.delete(raw));
    const inflated: AsyncIterable<Buffer> = entry.compressionMethod === STORED ? raw : inflate(raw);
    let bytes = 0;
    let sum = 0;
    for await (const chunk of inflated) {
      bytes += chunk.length;
      sum = crc32(chunk, sum);
      if (isCounted) this.#inflatedBytes += chunk.length;
      this.#refuseTooMuch(entry, bytes, this.#inflatedBytes + (isCounted ? 0 : bytes));
      yield chunk;
    }
    if (bytes !== entry.uncompressedSize) throw wrongSize(entry);
    if (sum !== entry.crc32) throw damaged(`the checksum of ${quoted(entry.fileName)} is wrong`);
  }

  /** @param allBytes of the entry and of what was read before */
  #refuseTooMuch(entry: Entry, bytes: number, allBytes: number): void {
    const { inflatedBytesMax, ratioMax } = this.#limits;
    if (bytes > entry.uncompressedSize) throw wrongSize(entry);
    if (allBytes > inflatedBytesMax) throw tooLarge(inflatedBytesMax);
    if (bytes > RATIO_CHECKED_FROM_BYTES && bytes > ratioMax * entry.compressedSize) {
      throw new OnhandError(
        'body_too_large',
        `${quoted(entry.fileName)} in the archive unpacks to more than ${ratioMax} times its size, ` +
          'as archives made to fill a disk do; send the file itself, or compressed with gzip.',
      );
    }
  }
}

/** The contents of a zip archive. The caller closes `archive`. */
export type OpenedArchive =
  | { readonly kind: 'workbook'; readonly archive: Archive }
  | {
      readonly kind: 'file';
      readonly archive: Archive;
      /** The file's path in the archive. */
      readonly name: string;
      /** Can be read once. */
      readonly bytes: AsyncGenerator<Buffer>;
    };

/**
 * Opens a zip archive: a workbook (XLSX, XLSM) or a single packed file. Rejects with `body_malformed` for
 * anything else (several files, an archive in an archive, encryption, damage), and with `body_too_large`
 * if the sizes that the archive states exceed the limits.
 */
export async function openArchive(path: string, limits: ArchiveLimits): Promise<OpenedArchive> {
  const zip = await openPromise(path, { autoClose: false, validateEntrySizes: false }).catch(
    (error: unknown) => {
      throw asRefusal(error);
    },
  );
  // Errors while reading are thrown by the read itself, but without a listener they would be fatal.
  zip.on('error', () => undefined);
  try {
    const archive = new Archive(zip, await listEntries(zip, limits), limits);
    if (archive.has(CONTENT_TYPES)) {
      refuseOtherDocuments(archive);
      return { kind: 'workbook', archive };
    }
    const name = onlyName(archive);
    return { kind: 'file', archive, name, bytes: await readUnlessArchive(archive, name) };
  } catch (error) {
    zip.close();
    throw asRefusal(error);
  }
}

const CONTENT_TYPES = '[Content_Types].xml';

async function listEntries(
  zip: ZipFile,
  limits: ArchiveLimits,
): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  let listed = 0;
  let directoryBytes = 0;
  let declaredBytes = 0;
  for await (const entry of zip.eachEntry()) {
    listed += 1;
    directoryBytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (listed > limits.entriesMax || directoryBytes > DIRECTORY_BYTES_MAX) {
      throw new OnhandError(
        'body_too_large',
        `The archive lists more than ${limits.entriesMax} files, or their names are too long; send one file.`,
      );
    }
    const { fileName } = entry;
    if (fileName.endsWith('/') || isFinderMetadata(fileName)) continue;
    if (entries.has(fileName.toLowerCase())) {
      throw damaged(`it lists ${quoted(fileName)} twice`);
    }
    entries.set(fileName.toLowerCase(), entry);
    declaredBytes += entry.uncompressedSize;
  }
  if (declaredBytes > limits.inflatedBytesMax) throw tooLarge(limits.inflatedBytesMax);
  refuseOverlaps([...entries.values()]);
  return entries;
}

/** Smallest header before the data of a file in an archive, in bytes. */
const LOCAL_HEADER_BYTES = 30;

/** Overlapping files are a zip bomb: together they unpack to far more than their size allows. */
function refuseOverlaps(entries: readonly Entry[]): void {
  const inOrder = entries.toSorted(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  );
  let end = 0;
  for (const { fileName, relativeOffsetOfLocalHeader: start, compressedSize } of inOrder) {
    if (start < end) throw damaged(`${quoted(fileName)} overlaps the file before it`);
    end = start + LOCAL_HEADER_BYTES + compressedSize;
  }
}

/** Files that macOS adds to every archive created in its Finder. */
function isFinderMetadata(name: string): boolean {
  return name.startsWith('__MACOSX/') || name.endsWith('.DS_Store');
}

function onlyName(archive: Archive): string {
  const { names } = archive;
  const [name] = names;
  if (name === undefined) {
    throw new OnhandError(
      'body_malformed',
      'The archive holds no file; put the one to read into it.',
    );
  }
  if (names.length === 1) return name;
  if (archive.has('mimetype') && archive.has('content.xml')) {
    throw new OnhandError(
      'body_malformed',
      'The file is an OpenDocument file (ODS); save it as an Excel workbook (.xlsx) or as CSV.',
    );
  }
  const shown = names.slice(0, NAMES_SHOWN_MAX).map(quoted).join(', ');
  throw new OnhandError(
    'body_malformed',
    `The archive holds ${names.length} files (${shown}${names.length > NAMES_SHOWN_MAX ? ', …' : ''}); ` +
      'send each by itself, or one archive for each.',
  );
}

const NAMES_SHOWN_MAX = 3;

function refuseOtherDocuments(archive: Archive): void {
  if (archive.has('xl/workbook.bin')) {
    throw new OnhandError(
      'body_malformed',
      'The file is a binary workbook (.xlsb); save it as an Excel workbook (.xlsx).',
    );
  }
  if (archive.names.some((name) => /^(?:word|ppt|visio)\//i.test(name))) {
    throw new OnhandError(
      'body_malformed',
      'The file is an Office document, not a workbook; save its table as .xlsx or CSV.',
    );
  }
}

/** The first bytes of archives and compressed files. */
const ARCHIVE_BEGINNINGS: readonly Buffer[] = [
  Buffer.from('PK\u0003\u0004', 'latin1'),
  Buffer.from([0x1f, 0x8b, 0x08]),
  Buffer.from('BZh'),
  Buffer.from('Rar!'),
  Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
];

/** The bytes of the only file, which must not be an archive itself. */
async function readUnlessArchive(archive: Archive, name: string): Promise<AsyncGenerator<Buffer>> {
  const bytes = new Peekable(archive.read(name));
  const head = await bytes.peek(1);
  if (ARCHIVE_BEGINNINGS.some((mark) => mark.equals(head.subarray(0, mark.length)))) {
    await bytes.close();
    throw new OnhandError(
      'body_malformed',
      `The archive holds ${quoted(name)}, which is a workbook or an archive itself; send that file as it is.`,
    );
  }
  return bytes.all();
}

const STORED = 0;
const DEFLATED = 8;

function refuseUnreadable(entry: Entry): void {
  if (entry.isEncrypted()) throw encrypted();
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw new OnhandError(
      'body_malformed',
      `${quoted(entry.fileName)} is compressed by a method (${entry.compressionMethod}) that is not supported; ` +
        'create an ordinary zip (Deflate).',
    );
  }
}

function inflate(raw: Readable): AsyncIterable<Buffer> {
  const inflated = createInflateRaw({ chunkSize: 64 * 1024 });
  // If one stream fails, pipeline destroys the other; the reader gets the error.
  pipeline(raw, inflated, () => undefined);
  return inflated;
}

/** Errors of yauzl and zlib as `body_malformed`. System errors are returned unchanged. */
function asRefusal(error: unknown): unknown {
  if (error instanceof OnhandError || !(error instanceof Error) || 'syscall' in error) return error;
  if (error.message.includes('encrypt')) return encrypted();
  return damaged(error.message, error);
}

function damaged(reason: string, cause?: Error): OnhandError {
  return new OnhandError(
    'body_malformed',
    `The zip archive is damaged or truncated (${reason}); create it again and send the whole file.`,
    { cause },
  );
}

function encrypted(): OnhandError {
  return new OnhandError(
    'body_malformed',
    'The archive is encrypted; send the file without a password.',
  );
}

function wrongSize(entry: Entry): OnhandError {
  return damaged(
    `${quoted(entry.fileName)} does not have the size that the archive states, ${entry.uncompressedSize} bytes`,
  );
}

function tooLarge(bytesMax: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The archive unpacks to more than ${bytesMax} bytes; send it in several files.`,
  );
}

const NAME_SHOWN_CHARACTERS = 80;

/** A file name from an archive: short, and without control characters. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, NAME_SHOWN_CHARACTERS).toWellFormed());
}
