/** The input of a push: files, and stdin as a stream or spooled to a file. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, ReadStream, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { STDIN_PATH } from './options.ts';

const CHUNK_BYTES = 256 * 1024;

/** A file as it was when it was opened: exactly that content is sent, or nothing. */
export interface PushSource {
  /** As named on the command line. */
  readonly path: string;
  /** The filename to send; null for stdin. */
  readonly filename: string | null;
  /** Where its bytes are. */
  readonly contentPath: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
  readonly sha256: string;
}

/** Reads a file once to compute its hash. Rejects with `parameter_invalid` if it cannot be read. */
export async function openSource(path: string): Promise<PushSource> {
  const contentPath = resolve(path);
  return { ...(await metadataOf(path, contentPath)), path, filename: basename(path), contentPath };
}

/** Writes stdin to a temporary file, because it may have to be sent twice. `remove` deletes the file. */
export async function spoolStdin(
  content: AsyncIterable<Uint8Array>,
): Promise<{ readonly source: PushSource; readonly remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'onhand-push-'));
  const remove = removeOnExit(folder);
  const contentPath = join(folder, 'stdin');
  await pipeline(content, createWriteStream(contentPath, { mode: 0o600 }));
  const metadata = await metadataOf('stdin', contentPath);
  return { source: { ...metadata, path: STDIN_PATH, filename: null, contentPath }, remove };
}

/** Deletes a path when the process exits, or earlier when the returned function is called. */
export function removeOnExit(path: string): () => void {
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return remove;
}

async function metadataOf(
  name: string,
  contentPath: string,
): Promise<Pick<PushSource, 'bytes' | 'modifiedAtMs' | 'sha256'>> {
  try {
    const { mtimeMs } = await stat(contentPath);
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunksOf(contentPath)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { bytes, modifiedAtMs: Math.floor(mtimeMs), sha256: hash.digest('hex') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OnhandError('parameter_invalid', `The file ${name} cannot be read: ${reason}`);
  }
}

/**
 * The bytes of a file. The last chunk is yielded only if the content still has the hash computed by
 * `openSource`; otherwise this rejects with `parameter_invalid`. The upload is then incomplete and the
 * server discards it.
 */
export async function* contentOf(
  source: PushSource,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let previous: Uint8Array | undefined;
  for await (const chunk of chunksOf(source.contentPath)) {
    if (previous !== undefined) yield previous;
    onBytes(chunk.length);
    hash.update(chunk);
    previous = chunk;
  }
  if (hash.digest('hex') !== source.sha256) {
    throw new OnhandError(
      'parameter_invalid',
      `The file ${source.path} changed while it was sent. Nothing of it was applied; send it again when it is complete.`,
    );
  }
  if (previous !== undefined) yield previous;
}

function chunksOf(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

const LINE_FEED = 0x0a;
/** A longer first line is not an NDJSON row. */
const HEAD_BYTES_MAX = 64 * 1024;

/** Stdin after its first bytes were inspected. */
export interface Stdin {
  /** Whether another program pipes NDJSON rows, which may never end. */
  readonly isStream: boolean;
  /** All bytes, including those inspected. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Inspects stdin. Resolves when the first line has arrived. */
export async function openStdin({ stdin }: CommandContext): Promise<Stdin> {
  const input: AsyncIterator<Uint8Array, undefined> = stdin[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { value, done } = await input.next();
    if (done === true) break;
    chunks.push(value);
    bytes += value.length;
    if (value.includes(LINE_FEED) || bytes > HEAD_BYTES_MAX) break;
  }
  // Stdin redirected from a file is an `fs.ReadStream`; a pipe is a socket.
  const isPipe = !(stdin instanceof ReadStream) && stdin.isTTY !== true;
  const isStream = isPipe && startsWithRow(Buffer.concat(chunks).toString());
  return { isStream, content: concat(chunks, input) };
}

async function* concat(
  chunks: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array, undefined>,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  yield* { [Symbol.asyncIterator]: () => rest };
}

function startsWithRow(head: string): boolean {
  const [row = ''] = head.split('\n', 1);
  if (!row.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(row);
    return true;
  } catch {
    return false;
  }
}
