import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { MIMEType } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { LineCounter } from '../../wire/lines/line-counter.ts';
import type { OpenRequest } from './open-requests.ts';

export interface BodyLimits {
  /** The largest body, in bytes. */
  readonly requestBytesMax: number;
  /** The most elements of an array. */
  readonly linesMax: number;
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
  { raw, openRequest }: Pick<FastifyRequest, 'raw' | 'openRequest'>,
  limits: BodyLimits,
): Promise<string | undefined> {
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
  const body = isGzip ? raw.pipe(createGunzip()) : raw;
  const bytes = await readBytes(raw, body, { limits, openRequest });
  return bytes.length === 0 ? undefined : decode(bytes);
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

function tooLarge({ requestBytesMax }: BodyLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The body is larger than ${requestBytesMax} bytes; send it in several requests.`,
  );
}

/** Reads `body`: the request itself, or its decompressed content, to which the limits apply. */
function readBytes(
  request: IncomingMessage,
  body: Readable,
  {
    limits,
    openRequest,
  }: { readonly limits: BodyLimits; readonly openRequest: OpenRequest | null },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const lines = new LineCounter(limits.linesMax);
    let length = 0;
    const refuse = (error: unknown): void => {
      body.off('data', take);
      chunks.length = 0;
      if (body !== request) request.unpipe().resume();
      else request.resume();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      try {
        if (length > limits.requestBytesMax) throw tooLarge(limits);
        lines.count(chunks);
        if (lines.areTooMany) throw tooManyLines(limits.linesMax);
        openRequest?.reserve(length, lines.values);
      } catch (refusal) {
        refuse(refusal);
      }
    };
    body.on('data', take);
    body.once('end', () => {
      resolve(
        chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length),
      );
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

/** The error for an array with more than `linesMax` elements. */
export function tooManyLines(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The array has more than ${linesMax} lines, or more values than that many lines can have; send it in several requests.`,
  );
}

/** Decodes UTF-8, dropping a byte order mark. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const { line, column } = firstNotUtf8(bytes);
    throw new OnhandError(
      'body_malformed',
      `The body is not UTF-8: line ${line}, column ${column} has bytes that are not a character. Save or send it as UTF-8.`,
    );
  }
}

const REPLACEMENT = Buffer.from('\uFFFD');

/** The position of the first bytes that are not UTF-8; line and column are counted from 1. */
function firstNotUtf8(bytes: Buffer): { readonly line: number; readonly column: number } {
  const text = bytes.toString('utf8');
  let position = text.indexOf('\uFFFD');
  // A replacement character may also have been sent as such, in three bytes.
  for (let offset = Buffer.byteLength(text.slice(0, position)); position >= 0;) {
    if (!bytes.subarray(offset, offset + REPLACEMENT.length).equals(REPLACEMENT)) break;
    const next = text.indexOf('\uFFFD', position + 1);
    offset += Buffer.byteLength(text.slice(position, next));
    position = next;
  }
  const lines = text.slice(0, position).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
