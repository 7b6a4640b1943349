import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * A longer reply is sent in slices of this size, each when the one before is handed to the network. So the server
 * sees whether a slow client makes progress.
 */
export const SLICE_BYTES = 64 * 1024;

/**
 * Counts each reply until its client has read it. The reply to a read that does not fit into the memory of its
 * organization is refused. Other replies are sent in any case: what they report is applied already.
 */
export function addReplyBudget(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const length = lengthOf(payload);
    if (length === undefined) {
      request.openRequest?.answered(undefined);
      return payload;
    }
    if (isRead(request) && reply.statusCode < 400) {
      try {
        request.openRequest?.reserve(length, 0);
      } catch (refusal) {
        // They describe the reply that is not sent.
        for (const name of REPLACED_HEADERS) reply.removeHeader(name);
        throw refusal;
      }
    }
    request.openRequest?.answered(length);
    if (payload instanceof Readable) {
      reply.header('content-length', length);
      return payload;
    }
    if (length <= SLICE_BYTES || request.method === 'HEAD') return payload;
    reply.header('content-length', length);
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(String(payload));
    return replyOfParts([bytes]);
  });
}

const REPLACED_HEADERS = ['content-encoding', 'content-length', 'content-disposition', 'etag'];

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** The lengths of streams whose content is known before it is sent. */
const knownLengths = new WeakMap<Readable, number>();

/** A reply of parts that are held in memory, to be sent one after another. */
export function replyOfParts(parts: readonly Buffer[]): Readable {
  const stream = Readable.from(slicesOfAll(parts), {
    objectMode: false,
    highWaterMark: SLICE_BYTES,
  });
  knownLengths.set(
    stream,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  return stream;
}

function* slicesOfAll(parts: readonly Buffer[]): Generator<Buffer> {
  for (const part of parts) yield* slicesOf(part);
}

/** The length of a reply in bytes; undefined if it is made while it is sent. */
function lengthOf(payload: unknown): number | undefined {
  if (payload instanceof Readable) return knownLengths.get(payload);
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  if (Buffer.isBuffer(payload)) return payload.length;
  return payload === null || payload === undefined ? 0 : undefined;
}

/** A stream that sends `content` in slices, and makes no more of it than its client reads. */
export function sliced(content: AsyncIterable<string | Uint8Array>): Readable {
  return Readable.from(sliceEach(content), { objectMode: false, highWaterMark: SLICE_BYTES });
}

async function* sliceEach(content: AsyncIterable<string | Uint8Array>): AsyncGenerator<Buffer> {
  for await (const part of content) yield* slicesOf(Buffer.from(part));
}

/** Cuts bytes into slices that do not copy them. */
export function* slicesOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    yield bytes.subarray(from, from + SLICE_BYTES);
  }
}
