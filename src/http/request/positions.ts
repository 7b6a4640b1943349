import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { CurrentReads, ReadSource, Store } from '../../store/store.ts';

/** A request says with it what the response must show, and a response what it shows. */
const HEADER = 'Onhand-Position';
const NAME = 'onhand-position';
const POSITION = /^[0-9a-f]{16}$/;

/** Describes the header of a read for the OpenAPI document. */
export const POSITION_HEADER = {
  [HEADER]: Type.Optional(
    Type.String({
      description:
        'Where a standby answers reads: the response shows at least what had been written at this position, which an earlier response named. Without it, all that had been written when the request arrived.',
    }),
  ),
};

declare module 'fastify' {
  interface FastifyRequest {
    /** What the reads of the request show at least; null if it has read nothing that a standby may answer. */
    readPosition: string | null;
  }
}

/** Names in each response to a client a position after everything that the response shows or has written. */
export function addPositions(app: FastifyInstance, source: ReadSource | undefined): void {
  app.decorateRequest('readPosition', null);
  if (source === undefined) return;
  app.addHook('onSend', async (request, reply, payload) => {
    // What is sent as a stream may show or write more than is known now.
    const isComplete = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (request.principal === null || !isComplete) return payload;
    const position = request.readPosition ?? (await source.position().catch(() => null));
    if (position !== null) reply.header(NAME, position);
    return payload;
  });
}

/**
 * The reads that a request gets: current, or as current as its header says.
 *
 * @param options `isCurrent` ignores the header, as requests that write do: they return what they wrote
 * @throws OnhandError `parameter_invalid` if the header is no position
 */
export async function readsFor(
  request: FastifyRequest,
  store: Pick<Store, 'reads' | 'skus' | 'changes'>,
  { isCurrent = false } = {},
): Promise<CurrentReads> {
  if (store.reads === undefined) return store;
  const asked = positionOf(request);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const reads = await store.reads.since(isCurrent || !isRead ? undefined : asked);
  request.readPosition = reads.position;
  return reads;
}

function positionOf(request: FastifyRequest): string | undefined {
  const text = request.headers[NAME];
  if (text === undefined) return undefined;
  if (typeof text === 'string' && POSITION.test(text)) return text;
  throw new OnhandError(
    'parameter_invalid',
    `The header ${HEADER} must be that of an earlier response, which has 16 hexadecimal digits. Omit it to read what is current.`,
  );
}
