import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { MIMEType } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { LineCounter } from '../../wire/lines/line-counter.ts';
import type { OpenRequest } from './open-requests.ts';

export interface BodyLimits {
  /** Largest body, in bytes. */
  readonly requestBytesMax: number;
  /** Most elements of a body that is an array. */
  readonly linesMax: number;
}

/** Read wherever there is a body. */
export const JSON_MEDIA_TYPE = 'application/json';

/**
 * Reads the body of a request as text; undefined where there is none.
 *
 * Rejects with `media_type_unsupported` before anything is read, with `body_too_large`, `too_many_lines`
 * or `overloaded` as soon as the limit is passed (the rest is then read and dropped, so that the client
 * gets to read the answer), and with `body_malformed` where it is not UTF-8 or was cut short.
 */
export async function readBody(
  { raw, open }: Pick<FastifyRequest, 'raw' | 'open'>,
  limits: BodyLimits,
): Promise<string | undefined> {
  readMediaType(raw.headers['content-type'], [JSON_MEDIA_TYPE]);
  const isGzip = isGzipped(raw.headers['content-encoding']);
  // None where the body comes in chunks.
  const declaredBytes = Number(raw.headers['content-length'] ?? 0);
  try {
    if (declaredBytes > limits.requestBytesMax) throw tooLarge(limits);
    open?.hold(declaredBytes, 0);
  } catch (refusal) {
    raw.resume();
    throw refusal;
  }
  const body = isGzip ? raw.pipe(createGunzip()) : raw;
  const bytes = await readBytes(raw, body, { limits, open });
  return bytes.length === 0 ? undefined : decode(bytes);
}

/**
 * Which of the media types that are read at a path a body has: the first, where its `Content-Type` does not
 * say. Throws `media_type_unsupported`.
 */
export function readMediaType(header: string | undefined, known: readonly string[]): string {
  const [usual = ''] = known;
  if (header === undefined || header === usual) return usual;
  let type: MIMEType;
  try {
    type = new MIMEType(header);
  } catch {
    throw unsupported(`The Content-Type "${header}" cannot be read`, known);
  }
  const { essence } = type;
  if (!known.includes(essence))
    throw unsupported(`The Content-Type ${essence} is not read here`, known);
  const charset = type.params.get('charset')?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8')
    throw unsupported(`The charset ${charset} is not read here`, known);
  return essence;
}

/** Whether a `Content-Encoding` is gzip; otherwise there is none. Throws `media_type_unsupported`. */
export function isGzipped(header: string | undefined): boolean {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new OnhandError(
    'media_type_unsupported',
    `The Content-Encoding ${encoding} is not read here; send gzip, or none.`,
  );
}

function unsupported(what: string, known: readonly string[]): OnhandError {
  return new OnhandError(
    'media_type_unsupported',
    `${what}; send "Content-Type: ${known.join('" or "')}", in UTF-8.`,
  );
}

function tooLarge({ requestBytesMax }: BodyLimits): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The body is larger than ${requestBytesMax} bytes; send it in several requests.`,
  );
}

/** Reads `body`, which is the request itself or what it inflates to: limits count what comes out. */
function readBytes(
  request: IncomingMessage,
  body: Readable,
  { limits, open }: { readonly limits: BodyLimits; readonly open: OpenRequest | null },
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
        open?.hold(length, lines.values);
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
    // Nobody is left to be answered: that it was cut short is for the log.
    const cutShort = (): void =>
      reject(new OnhandError('body_malformed', 'The body was cut short.'));
    request.once('error', cutShort);
    if (body !== request) {
      body.once('error', () => {
        refuse(
          new OnhandError('body_malformed', 'The body is not gzip, as its Content-Encoding says.'),
        );
      });
    }
    // While it was asked who sends this, the connection may have ended; nothing more comes then.
    if (request.destroyed) cutShort();
  });
}

/** The refusal of an array with more than `linesMax` elements. */
export function tooManyLines(linesMax: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The array has more than ${linesMax} lines, or more values than so many lines can have; send them in several requests.`,
  );
}

/** A byte order mark, which some programs put before UTF-8, is dropped. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const { line, column } = firstNotUtf8(bytes);
    throw new OnhandError(
      'body_malformed',
      `The body is not UTF-8: line ${line}, column ${column} holds bytes that are no character; save or send it as UTF-8.`,
    );
  }
}

const REPLACEMENT = Buffer.from('\uFFFD');

/** Where the first bytes stand that are not UTF-8; line and column are counted from 1. */
function firstNotUtf8(bytes: Buffer): { readonly line: number; readonly column: number } {
  const text = bytes.toString('utf8');
  let place = text.indexOf('\uFFFD');
  for (let at = Buffer.byteLength(text.slice(0, place)); place >= 0;) {
    if (!bytes.subarray(at, at + REPLACEMENT.length).equals(REPLACEMENT)) break;
    const next = text.indexOf('\uFFFD', place + 1);
    at += Buffer.byteLength(text.slice(place, next));
    place = next;
  }
  const lines = text.slice(0, place).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
