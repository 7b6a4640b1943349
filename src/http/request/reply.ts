import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { replyOfParts } from './reply-budget.ts';
import type { PrintedText } from './slices.ts';

/** Shorter bodies fit into one packet uncompressed. */
const COMPRESSED_LENGTH_MIN = 1400;
const NEWLINE = Buffer.from('\n');
const deflate = promisify(gzip);

/** Sends JSON, compressed if the client accepts gzip and the text is long enough to benefit. */
export async function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
): Promise<FastifyReply> {
  reply.type('application/json; charset=utf-8');
  if (text.length < COMPRESSED_LENGTH_MIN) return reply.send(text);
  reply.header('vary', 'Accept-Encoding');
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(text);
  // The fastest level is enough: results are so repetitive that every level compresses them well.
  const bytes = await deflate(`${text}\n`, { level: constants.Z_BEST_SPEED });
  return reply.header('content-encoding', 'gzip').send(bytes);
}

/** Sends JSON that was printed in slices, as `sendJson` does. */
export async function sendJsonParts(
  request: FastifyRequest,
  reply: FastifyReply,
  printed: PrintedText<unknown>,
): Promise<FastifyReply> {
  const parts = [...printed.parts, NEWLINE];
  reply.type('application/json; charset=utf-8');
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length < COMPRESSED_LENGTH_MIN) return reply.send(Buffer.concat(parts));
  reply.header('vary', 'Accept-Encoding');
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(replyOfParts(parts));
  const compressed: Buffer[] = [];
  const compressing = Readable.from(parts).pipe(createGzip({ level: constants.Z_BEST_SPEED }));
  compressing.on('data', (bytes: Buffer) => compressed.push(bytes));
  await finished(compressing);
  return reply.header('content-encoding', 'gzip').send(replyOfParts(compressed));
}

/** Whether an `Accept-Encoding` names gzip and does not refuse it (RFC 9110 §12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '').split(',');
  return codings.some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    return (name === 'gzip' || name === 'x-gzip') && !isRefused;
  });
}
