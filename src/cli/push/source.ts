import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OnhandError } from '../../domain/errors.ts';

/** How stdin is named. */
export const STDIN_PATH = '-';

const CHUNK_BYTES = 256 * 1024;

/** A file as it was when it was looked at: exactly that is sent, or nothing. */
export interface PushSource {
  /** As it was named on the command line. */
  readonly path: string;
  /** What the server is told that it is called; null for stdin. */
  readonly filename: string | null;
  /** Where its bytes are. */
  readonly contentPath: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
  readonly sha256: string;
}

/** Reads a file once, to know it again. Rejects with `parameter_invalid` where it cannot be read. */
export async function openSource(path: string): Promise<PushSource> {
  const contentPath = resolve(path);
  return { ...(await known(path, contentPath)), path, filename: basename(path), contentPath };
}

/** Keeps what comes from stdin in a file until the process ends: it may have to be sent twice. */
export async function spoolStdin(content: AsyncIterable<Uint8Array>): Promise<PushSource> {
  const folder = mkdtempSync(join(tmpdir(), 'onhand-push-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const contentPath = join(folder, 'stdin');
  await pipeline(content, createWriteStream(contentPath, { mode: 0o600 }));
  return { ...(await known('stdin', contentPath)), path: STDIN_PATH, filename: null, contentPath };
}

async function known(
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
 * The bytes of a file, of which the last are given only once all are known to be those that were looked
 * at. Rejects with `parameter_invalid` where they are not: what was sent then breaks off, and the server
 * keeps nothing of it.
 */
export async function* contentOf(
  source: PushSource,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const chunk of chunksOf(source.contentPath)) {
    if (held !== undefined) yield held;
    onBytes(chunk.length);
    hash.update(chunk);
    held = chunk;
  }
  if (hash.digest('hex') !== source.sha256) {
    throw new OnhandError(
      'parameter_invalid',
      `The file ${source.path} changed while it was sent, and nothing of it was applied; send it when it is complete.`,
    );
  }
  if (held !== undefined) yield held;
}

function chunksOf(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}
