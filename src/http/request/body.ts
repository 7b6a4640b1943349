import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { MIMEType } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { JsonCounter, type JsonLimits } from '../../wire/json-counter.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import type { OpenRequest } from './open-requests.ts';

/** The limits of the body of one request. */
export interface BodyLimits extends JsonLimits {
  /** The largest body, in bytes. */
  readonly requestBytesMax: number;
  /** The setting that gives `requestBytesMax`. */
  readonly bytesSetting?: string;
}

/** The limits of a server's bodies. */
export interface ServerBodyLimits extends JsonLimits {
  readonly requestBytesMax: number;
  /** The largest body of a request that is not made of lines, in bytes. */
  readonly smallRequestBytesMax: number;
}

/** The limits of bodies that are not made of lines. */
export function smallBodyLimits(limits: ServerBodyLimits): BodyLimits {
  return limits.smallRequestBytesMax >= limits.requestBytesMax
    ? limits
    : {
        ...limits,
        requestBytesMax: limits.smallRequestBytesMax,
        bytesSetting: 'ONHAND_SMALL_REQUEST_BYTES_MAX',
      };
}

export const JSON_MEDIA_TYPE = 'application/json';

/**
 * Reads the body of a request as text; undefined if there is none.
 *
 * Rejects with `media_type_unsupported` before reading, with `body_too_large`, `too_many_lines` or
 * `overloaded` as soon as a limit is exceeded, and with `body_malformed` if the body is truncated or not
 * UTF-8. After a rejection the rest is read and discarded, so that the client can read the response.
 */
export async function readBody(
  request: Pick<FastifyRequest, 'raw' | 'openRequest'>,
  limits: BodyLimits,
): Promise<string | undefined> {
  const bytes = await readBodyBytes(request, limits);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

/** Reads the body of a request as `readBody` does, without decoding it. */
export async function readBodyBytes(
  { raw, openRequest }: Pick<FastifyRequest, 'raw' | 'openRequest'>,
  limits: BodyLimits,
): Promise<Buffer | undefined> {
  readMediaType(raw.headers['content-type'], [JSON_MEDIA_TYPE]);
  const isGzip = isGzipped(raw.headers['content-encoding']);
  // Missing if the body is sent with chunked encoding.
  const declaredBytes = Number(raw.headers['content-length'] ?? 0);
  try {
    if (declaredBytes > limits.requestBytesMax) throw tooLarge(limits);
    openRequest?.reserve(declaredBytes, 0);
  } catch (refusal) {
    raw.resume();
    throw refusal;
  }
  const body = isGzip ? raw.pipe(createGunzip({ chunkSize: GROWN_BYTES_MIN })) : raw;
  const received = new GrowingBuffer(isGzip ? 0 : declaredBytes);
  const bytes = await readBytes(raw, body, { limits, openRequest, received });
  return bytes.length === 0 ? undefined : bytes;
}

/**
 * Reads a `Content-Type`. Without one, the first of the supported media types is assumed. Throws
 * `media_type_unsupported`.
 */
export function readMediaType(header: string | undefined, supported: readonly string[]): string {
  const [fallback = ''] = supported;
  if (header === undefined || header === fallback) return fallback;
  let type: MIMEType;
  try {
    type = new MIMEType(header);
  } catch {
    throw unsupported(`The Content-Type "${header}" is malformed`, supported);
  }
  const { essence } = type;
  if (!supported.includes(essence))
    throw unsupported(`The Content-Type ${essence} is not supported here`, supported);
  const charset = type.params.get('charset')?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8')
    throw unsupported(`The charset ${charset} is not supported`, supported);
  return essence;
}

/** Whether a `Content-Encoding` is gzip. Throws `media_type_unsupported` if it is neither gzip nor none. */
export function isGzipped(header: string | undefined): boolean {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new OnhandError(
    'media_type_unsupported',
    `The Content-Encoding ${encoding} is not supported; send gzip, or none.`,
  );
}

function unsupported(what: string, supported: readonly string[]): OnhandError {
  return new OnhandError(
    'media_type_unsupported',
    `${what}; send "Content-Type: ${supported.join('" or "')}", in UTF-8.`,
  );
}

function tooLarge({ requestBytesMax, bytesSetting }: BodyLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    bytesSetting === undefined
      ? `The body is larger than ${requestBytesMax} bytes; send it in several requests.`
      : `The body is larger than ${requestBytesMax} bytes, the most for this path (${bytesSetting}); send only the members that this path reads.`,
  );
}

interface ReadParts {
  readonly limits: BodyLimits;
  readonly openRequest: OpenRequest | null;
  /** Empty so far. */
  readonly received: GrowingBuffer;
}

/** Reads `body`: the request itself, or its decompressed content, to which the limits apply. */
function readBytes(
  request: IncomingMessage,
  body: Readable,
  { limits, openRequest, received }: ReadParts,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const counter = new JsonCounter(limits);
    let takenBytes = 0;
    const refuse = (error: unknown): void => {
      body.off('data', take);
      received.clear();
      if (body !== request) request.unpipe().resume();
      else request.resume();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      try {
        const length = received.bytes.length + chunk.length;
        if (length > limits.requestBytesMax) throw tooLarge(limits);
        received.append(chunk);
        counter.count(received.bytes);
        openRequest?.reserve(length, counter.values);
        takenBytes += chunk.length;
        if (takenBytes < TURN_BYTES) return;
        // The network may deliver megabytes in one turn of the event loop.
        takenBytes = 0;
        body.pause();
        setImmediate(() => body.resume());
      } catch (refusal) {
        refuse(refusal);
      }
    };
    body.on('data', take);
    body.once('end', () => {
      resolve(received.bytes);
    });
    // The client has disconnected; the error only reaches the log.
    const truncated = (): void =>
      reject(new OnhandError('body_malformed', 'The body is incomplete.'));
    request.once('error', truncated);
    if (body !== request) {
      body.once('error', () => {
        refuse(
          new OnhandError(
            'body_malformed',
            'The Content-Encoding is gzip, but the body is not valid gzip.',
          ),
        );
      });
    }
    // The connection may have closed during authentication; no event follows then.
    if (request.destroyed) truncated();
  });
}

/** How much of a body is read before other requests get a turn, in bytes. */
const TURN_BYTES = 256 * 1024;
/** How large the buffer is from the second chunk on, in bytes. */
const GROWN_BYTES_MIN = 64 * 1024;

/**
 * Collects bytes in one buffer. An object for each chunk would take far more memory than its bytes if a
 * client sends chunks of one byte.
 */
class GrowingBuffer {
  readonly #expectedBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  /** @param expectedBytes how long it will be, which saves copying; 0 if that is not known */
  constructor(expectedBytes: number) {
    this.#expectedBytes = expectedBytes;
  }

  /** All bytes so far. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0) this.#buffer = chunk;
    else {
      if (length > this.#buffer.length) this.#grow(length);
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(
      Math.max(length, this.#expectedBytes || Math.max(2 * this.#buffer.length, GROWN_BYTES_MIN)),
    );
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  clear(): void {
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
  }
}
