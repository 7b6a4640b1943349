/** How backups are compressed and encrypted, and read again. */
import { open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { OnhandError } from '../domain/errors.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** The file name's ending of a backup that is compressed with Zstandard, and of one that is encrypted with age. */
export const COMPRESSED = '.zst';
export const ENCRYPTED = '.age';

/** What a private key of age begins with. */
export const PRIVATE_KEY = 'AGE-SECRET-KEY-';

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const AGE_MAGIC = Buffer.from('age-encryption.org/');

export interface Encoding {
  readonly isCompressed: boolean;
  /** Public keys of age (`age1…`), whose owners can decrypt it; none for no encryption. */
  readonly recipients: readonly string[];
}

/** Compresses and encrypts bytes, in this order. */
export async function* encode(
  bytes: Bytes,
  { isCompressed, recipients }: Encoding,
): AsyncGenerator<Uint8Array> {
  const compressed = isCompressed ? through(bytes, createZstdCompress()) : bytes;
  if (recipients.length === 0) {
    yield* compressed;
    return;
  }
  // Loaded on demand: most backups are not encrypted.
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  yield* chunksOf(await encrypter.encrypt(webStreamOf(compressed)));
}

/** A key pair of age. */
export interface AgeKeys {
  readonly identity: string;
  readonly recipient: string;
}

export async function newAgeKeys(): Promise<AgeKeys> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Why a text is no public key of age; undefined if it is one. A private key is not repeated. */
export async function recipientProblem(text: string): Promise<string | undefined> {
  if (text.startsWith(PRIVATE_KEY)) {
    return 'A recipient is a private key of age. Use the public key, which begins with age1.';
  }
  const { Encrypter } = await import('age-encryption');
  try {
    new Encrypter().addRecipient(text);
    return undefined;
  } catch {
    return `"${text.slice(0, 100)}" is no public key of age; these begin with age1. "age-keygen" makes a pair.`;
  }
}

/**
 * Reads a backup, whatever its name: what it is encoded with is seen in its first bytes.
 *
 * @param identities private keys of age (`AGE-SECRET-KEY-1…`)
 * @throws OnhandError `parameter_invalid` if no identity decrypts it, one is not valid, or it is damaged
 */
export async function* decode(
  file: string,
  identities: readonly string[],
): AsyncGenerator<Uint8Array> {
  try {
    yield* decompressed(await decrypted(file, identities));
  } catch (error) {
    if (error instanceof OnhandError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new OnhandError('parameter_invalid', `The backup ${file} cannot be read: ${why}.`, {
      cause: error,
    });
  }
}

async function decrypted(file: string, identities: readonly string[]): Promise<Bytes> {
  if (!(await startOf(file)).startsWith(AGE_MAGIC.toString('latin1'))) {
    return createReadStream(file);
  }
  if (identities.length === 0) {
    throw new OnhandError(
      'parameter_invalid',
      `The backup ${file} is encrypted: name the file with your private key of age with --identity-file.`,
    );
  }
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch {
    // The library's message repeats the key.
    throw new OnhandError(
      'parameter_invalid',
      'A private key in the identity file is not valid. Copy the line of age-keygen completely.',
    );
  }
  return chunksOf(await decrypter.decrypt(webStreamOf(createReadStream(file))));
}

async function* decompressed(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const all = resumed(first.value, iterator);
  const begins = (magic: Buffer): boolean =>
    Buffer.from(first.value.subarray(0, magic.length)).equals(magic);
  if (begins(ZSTD_MAGIC)) yield* through(all, createZstdDecompress());
  else if (begins(GZIP_MAGIC)) yield* through(all, createGunzip());
  else yield* all;
}

async function* resumed(
  first: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
    yield next.value;
}

async function startOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(AGE_MAGIC.length));
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Passes bytes through a transform; its errors and those of `bytes` reach the reader. */
async function* through(
  bytes: Bytes,
  transform: NodeJS.ReadWriteStream & AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const piped = pipeline(bytes, transform);
  // The reader gets the error from the transform first.
  piped.catch(() => undefined);
  yield* transform;
  await piped;
}

function webStreamOf(bytes: Bytes): ReadableStream<Uint8Array> {
  return ReadableStream.from(bytes);
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* stream;
}
