import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OnhandError } from '../../domain/errors.ts';
import { RATIO_JUDGED_FROM_BYTES, type ArchiveLimits } from './zip.ts';

/**
 * Unpacks gzip as it is asked for. Rejects with `body_malformed` where it is damaged or cut off,
 * `body_too_large` where it unpacks to more than the limits.
 */
export async function* gunzip(
  packed: AsyncIterable<Uint8Array>,
  { inflatedBytesMax, ratioMax }: ArchiveLimits,
): AsyncGenerator<Buffer> {
  let sourceFailure: unknown;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* packed;
    } catch (error) {
      sourceFailure = error;
      throw error;
    }
  };
  const inflated = createGunzip({ chunkSize: 64 * 1024 });
  // A failure of either destroys the other, and comes out of the loop below.
  pipeline(Readable.from(watched()), inflated, () => undefined);
  let bytes = 0;
  const chunks: AsyncIterable<Buffer> = inflated;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > inflatedBytesMax) throw tooLarge(`more than ${inflatedBytesMax} bytes`);
      if (bytes > RATIO_JUDGED_FROM_BYTES && bytes > ratioMax * inflated.bytesWritten)
        throw tooLarge(`more than ${ratioMax} times its size, as files made to fill a disk do`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof OnhandError || sourceFailure !== undefined) throw sourceFailure ?? error;
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw new OnhandError(
      'body_malformed',
      `The gzip file is damaged or cut off after ${bytes} bytes of text (${reason}); make it again and send it whole.`,
      { cause: error },
    );
  }
}

function tooLarge(much: string): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The gzip file unpacks to ${much}; send it in several files.`,
  );
}
