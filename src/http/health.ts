import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';
import { describe } from './documentation.ts';
import { addResource } from './request/resource.ts';

const StatusSchema = Type.Object(
  { status: Type.Literal('ok') },
  { title: 'Status', additionalProperties: false },
);

/** How long an answer of the store holds: whoever asks how it is must not become its load. */
const PROBE_EVERY_MS = 1000;

/** How long it may take; a commit that waits for a standby may take for ever. */
const PROBE_WITHIN_MS = 5000;

/** `/healthz`: the process is up. `/readyz`: the store answers and can write. Both need no token. */
export function addHealth(app: FastifyInstance, store: Pick<Store, 'probe'>): void {
  const probe = probing(() => store.probe(), PROBE_EVERY_MS, PROBE_WITHIN_MS);

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

/**
 * A probe of the store, one at a time, each answer good for `everyMs`. Where it takes longer than
 * `withinMs` the answer is that it cannot, until it has ended.
 */
export function probing(
  probe: () => Promise<void>,
  everyMs: number,
  withinMs: number,
): () => Promise<void> {
  let last: { startedAtMs: number; isUnderWay: boolean; answer: Promise<void> } | undefined;
  const start = (startedAtMs: number) => {
    const probed = probe().finally(() => {
      started.isUnderWay = false;
    });
    const started = { startedAtMs, isUnderWay: true, answer: inTime(probed, withinMs) };
    return started;
  };
  return () => {
    const nowMs = performance.now();
    if (last === undefined || (!last.isUnderWay && nowMs - last.startedAtMs > everyMs)) {
      last = start(nowMs);
    }
    return last.answer;
  };
}

async function inTime(work: Promise<void>, withinMs: number): Promise<void> {
  const done = new AbortController();
  const late = delay(withinMs, undefined, { signal: done.signal }).then(() => {
    throw new OnhandError('store_unavailable', 'The database does not answer in time.', {
      retryAfterSeconds: 1,
    });
  });
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
    late.catch(() => undefined);
  }
}
