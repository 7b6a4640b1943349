import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Shorter bodies fit into one packet uncompressed. */
const COMPRESSED_LENGTH_MIN = 1400;
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
  const bytes = await deflate(text, { level: constants.Z_BEST_SPEED });
  return reply.header('content-encoding', 'gzip').send(bytes);
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
