import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Store } from '../store/store.ts';
import { StatusSchema } from '../wire/schemas.ts';
import { describe } from './documentation.ts';
import { addResource } from './resource.ts';

/** How long an answer of the store holds: whoever asks how it is must not become its load. */
const PROBE_EVERY_MS = 1000;

/** `/healthz`: the process is up. `/readyz`: the store answers and can write. Both need no token. */
export function addHealth(app: FastifyInstance, store: Pick<Store, 'probe'>): void {
  const probe = probedAtMost(store, PROBE_EVERY_MS);

  addResource(app, '/healthz', {
    GET: {
      schema: describe({
        operationId: 'isUp',
        summary: 'Whether the process is up',
        ok: StatusSchema,
      }),
      handle: async (_request: FastifyRequest, reply: FastifyReply) => answer(reply),
    },
  });
  addResource(app, '/readyz', {
    GET: {
      schema: describe({
        operationId: 'isReady',
        summary: 'Whether the store answers and can write',
        ok: StatusSchema,
        problems: { 503: 'The store cannot answer or write now.' },
      }),
      handle: async (_request: FastifyRequest, reply: FastifyReply) => {
        await probe();
        return answer(reply);
      },
    },
  });
}

function answer(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').type('application/json').send('{"status":"ok"}');
}

/** The store's probe, one at a time, each answer good for `everyMs`. */
function probedAtMost(store: Pick<Store, 'probe'>, everyMs: number): () => Promise<void> {
  let last: { readonly startedAtMs: number; readonly answer: Promise<void> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs - last.startedAtMs > everyMs) {
      last = { startedAtMs: nowMs, answer: store.probe() };
    }
    return last.answer;
  };
}
