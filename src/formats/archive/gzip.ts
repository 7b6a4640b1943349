import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OnhandError } from '../../domain/errors.ts';
import { RATIO_CHECKED_FROM_BYTES, type ArchiveLimits } from './zip.ts';

/**
 * Decompresses gzip while it is read. Rejects with `body_malformed` if it is damaged or truncated, and
 * with `body_too_large` if it decompresses to more than the limits.
 */
export async function* gunzip(
  packed: AsyncIterable<Uint8Array>,
  { inflatedBytesMax, ratioMax }: ArchiveLimits,
): AsyncGenerator<Buffer> {
  let sourceFailure: unknown;
  const observed = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* packed;
    } catch (error) {
      sourceFailure = error;
      throw error;
    }
  };
  const inflated = createGunzip({ chunkSize: 64 * 1024 });
  // If one stream fails, pipeline destroys the other; the loop below throws the error.
  pipeline(Readable.from(observed()), inflated, () => undefined);
  let bytes = 0;
  const chunks: AsyncIterable<Buffer> = inflated;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > inflatedBytesMax) throw tooLarge(`more than ${inflatedBytesMax} bytes`);
      if (bytes > RATIO_CHECKED_FROM_BYTES && bytes > ratioMax * inflated.bytesWritten)
        throw tooLarge(`more than ${ratioMax} times its size, as files made to fill a disk do`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof OnhandError || sourceFailure !== undefined) throw sourceFailure ?? error;
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw new OnhandError(
      'body_malformed',
      `The gzip file is damaged or truncated after ${bytes} bytes of text (${reason}); create it again and send the whole file.`,
      { cause: error },
    );
  }
}

function tooLarge(size: string): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The gzip file unpacks to ${size}; send it in several files.`,
  );
}
